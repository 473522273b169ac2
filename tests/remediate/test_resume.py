"""Killed at any instant: the journal tells what happened, resume settles it, undo restores, nothing is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from gcpdiag.errors import UnreachableError
from gcpdiag.model.json import object_at
from gcpdiag.model.plan import Plan
from gcpdiag.remediate.guard import GuardsRefusedError
from gcpdiag.remediate.lease import DURATION, LockedError
from gcpdiag.remediate.refusal import NothingToDoError
from gcpdiag.remediate.undo import changes_to_undo, undo_plan
from tests.emulator.asking import http_answer
from tests.remediate.applying import ALICE, TARGET, Desk, desk_at
from tests.remediate.faulty import FaultyWriter, Strike, at_random, on_the_step, reads_at_random

ROOT = Path(__file__).parents[2]
SENT = 10  # the point after the step was sent: by then three points each of two lines, the lock, and the step itself
POINTS = 21  # three for each of five lines, two for each of three updates


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as found:
        yield found


def killed_at(desk: Desk, point: int) -> subprocess.CompletedProcess[str]:
    emulator = desk.emulator
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.remediate.killed",
            emulator.http,
            emulator.grpc,
            str(desk.directory),
            str(point),
        ],
        cwd=ROOT,
        env={**os.environ, "GRPC_VERBOSITY": "ERROR"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def undo_everything(desk: Desk) -> None:
    try:
        changes = changes_to_undo(desk.changes(), project="demo-staging", incident=True, now=desk.clock.now())
    except NothingToDoError:
        return
    for change in changes:
        plan = undo_plan(change, desk.writer.get_service(TARGET), ALICE, plan_id="u1", now=desk.clock.now())
        assert desk.apply(plan, undoes=change.id, run="undoing").outcome == "applied"


def test_the_points_at_which_it_is_killed_are_all_there_are(desk: Desk) -> None:
    ended = killed_at(desk, 0)

    assert (ended.stdout.split(), ended.stderr) == ([str(POINTS), "applied"], "")


@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_killed_at_any_point_it_is_settled_and_can_be_taken_back(desk: Desk, point: int) -> None:
    before, revisions = desk.settings(), len(desk.revisions())
    assert killed_at(desk, point).returncode == -signal.SIGKILL

    reading = desk.journal.read()
    assert not reading.is_broken
    settled = desk.resume()
    changes = [one for one in desk.changes() if not one.undoes]

    assert all(one.is_known for one in settled)
    assert desk.memory() == ("2Gi" if point >= SENT else "4Gi")
    assert len(desk.revisions()) - revisions == (desk.memory() == "2Gi")
    assert [one.outcome for one in changes] in ([], ["applied" if desk.memory() == "2Gi" else "not-applied"])
    assert changes or desk.memory() == "4Gi"
    assert not desk.service().get("annotations")
    assert desk.resume() == ()

    undo_everything(desk)
    assert desk.settings() == before
    assert not desk.journal.read().is_broken


def test_after_a_crash_the_next_change_waits_for_resume(desk: Desk) -> None:
    killed_at(desk, 9)  # after the line that says what is about to be sent
    desk.clock.turn(minutes=DURATION.total_seconds() // 60 + 1)

    with pytest.raises(GuardsRefusedError, match="gcpdiag resume"):
        desk.apply(desk.scale(concurrency=40))
    desk.resume()
    desk.clock.turn(minutes=6)
    assert desk.apply(desk.scale(concurrency=40)).outcome == "applied"


def test_a_run_that_is_still_at_work_is_left_alone(desk: Desk) -> None:
    results: list[str] = []

    def look() -> None:
        held = desk.locks.holder(TARGET, desk.clock.now())
        assert held is not None
        lock = next(one for one in (desk.directory / "locks").iterdir() if one.suffix == ".lock")
        lock.write_text(lock.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {os.getppid()}'))
        desk.on_progress = lambda _: None
        results.extend(one.result for one in desk.resume())

    desk.on_sending(look)
    receipt = desk.apply(desk.scale(memory="2Gi"))

    assert results == ["running"]
    assert receipt.outcome == "applied"


def test_what_cannot_be_read_stays_open(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    inner = desk.writer
    desk.writer = faulty = FaultyWriter(inner, on_update=on_the_step(Strike("timeout", has_acted=True)))

    def go_dark() -> None:
        faulty.on_read = lambda: Strike("unavailable")

    desk.on_sending(go_dark)
    receipt = desk.apply(plan)
    assert (receipt.outcome, receipt.exit_code) == ("unknown", 1)
    assert [one.result for one in desk.resume()] == ["unreadable"]

    desk.writer = inner
    assert [one.result for one in desk.resume()] == ["applied"]
    assert not desk.service().get("annotations")


def test_a_service_that_is_gone_ends_the_run(desk: Desk) -> None:
    killed_at(desk, 9)
    services = desk.emulator.state.resources("run.services")
    assert services is not None
    services[:] = [one for one in services if one["name"] != TARGET]

    (settled,) = desk.resume()
    assert (settled.result, settled.message) == ("not-applied", "the service does not exist any more")
    assert desk.resume() == ()


def test_nothing_left_open_asks_nothing(desk: Desk) -> None:
    sent = len(desk.emulator.requests)

    assert (desk.resume(), len(desk.emulator.requests)) == ((), sent)


class Killed(BaseException):
    """Stands for a signal, in a process that goes on."""


@pytest.mark.parametrize("seed", range(10))
def test_whatever_fails_no_harm_is_done(desk: Desk, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same faults every time
    inner = desk.writer
    for number in range(30):
        http_answer(desk.emulator.http, "/_emulator/reset", method="POST")
        desk.directory = desk.directory.parent / f"{seed}-{number}"
        desk.writer = inner
        desk.clock.turn(hours=1)
        plan = desk.scale(memory="2Gi") if random.random() < 0.7 else desk.scale(max_instances=10)
        before, revisions = desk.settings(), len(desk.revisions())
        faulty = FaultyWriter(
            inner, on_update=at_random(random, random.choice((0.2, 0.5))), on_read=reads_at_random(random, 0.1)
        )
        if random.random() < 0.3:
            faulty.on_update = _deadly(faulty, random)
        desk.writer = faulty
        outcome = _outcome_of(desk, plan)
        desk.writer = inner
        _check_no_harm(desk, faulty, before, revisions, outcome)


def _deadly(faulty: FaultyWriter, random: Random) -> Callable[[Sequence[str]], Strike | None]:
    fatal, inner = random.randrange(1, 4), faulty.on_update

    def strike(mask: Sequence[str]) -> Strike | None:
        if len(faulty.sent) + 1 == fatal:
            raise Killed
        return inner(mask)

    return strike


def _outcome_of(desk: Desk, plan: Plan) -> str:
    try:
        return desk.apply(plan).outcome
    except (GuardsRefusedError, LockedError):
        return "refused"
    except Killed:
        return "killed"
    except UnreachableError:
        return "unreachable"


def _check_no_harm(desk: Desk, faulty: FaultyWriter, before: object, revisions: int, outcome: str) -> None:
    assert faulty.steps_sent() <= 1
    assert faulty.steps_taken() <= 1
    made = faulty.steps_taken() == 1
    if outcome in ("applied", "failed", "pending"):
        assert made
    if outcome in ("not-applied", "refused", "unreachable"):
        assert not made
    assert all(one.is_known for one in desk.resume())
    desk.clock.turn(minutes=30)  # a lock that nobody could take away has expired by then
    assert [one.outcome for one in desk.changes()] in ([], ["applied" if made else "not-applied"])
    assert desk.changes() or not made
    assert desk.journal.read().problems == ()
    assert len(desk.revisions()) - revisions <= made
    undo_everything(desk)
    after = desk.settings()
    left = object_at(after, "annotations")
    assert set(left) <= {"gcpdiag.dev/lease"}
    assert {key: value for key, value in after.items() if key != "annotations"} == before
