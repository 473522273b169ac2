"""Two who want the same service: one gets it, and the other is told who has it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.model.json import JsonObject, object_at, text_at
from gcpdiag.remediate.apply import apply_plan
from gcpdiag.remediate.guard import GuardsRefusedError, Overrides
from gcpdiag.remediate.lease import ANNOTATION, Lease, LocalLocks, LockedError, lease_of, leased
from gcpdiag.remediate.planning import Occasion, plan_of
from gcpdiag.remediate.receipt import Receipt
from gcpdiag.remediate.refusal import RefusedError
from gcpdiag.remediate.request import Request
from gcpdiag.remediate.settle import release_lease, take_lease
from tests.remediate.applying import NOON, TARGET, Desk, desk_at, open_writer

SOON = NOON + timedelta(minutes=20)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as found:
        yield found


@pytest.fixture
def other(desk: Desk) -> Iterator[Desk]:
    """Bob's desk: the same project, another machine."""
    with open_writer(desk.emulator, desk.clock) as writer:
        yield replace(desk, writer=writer, directory=desk.directory / "bob", told=[], on_progress=lambda _: None)


def lease(holder: str = "alice", run: str = "r1") -> Lease:
    return Lease(holder=holder, run=run, plan="p", expires_at=SOON)


def refused(desk: Desk) -> str:
    with pytest.raises(RefusedError) as raised:
        as_bob(desk)
    assert raised.value.exit_code == 4
    return str(raised.value)


def as_bob(desk: Desk) -> Receipt:
    plan = plan_of(
        desk.scale(memory="3Gi").steps,
        Occasion(author="bob", host="laptop", reason=""),
        plan_id="b",
        now=desk.clock.now(),
    )
    return apply_plan(plan, desk.workshop, Request(digest=plan.digest, actor="bob", host="laptop", run="bob1"))


# --- at Google


def test_a_lease_makes_no_revision_and_goes_away_without_a_trace(desk: Desk) -> None:
    before, revisions = desk.settings(), desk.revisions()
    take_lease(desk.writer, desk.writer.get_service(TARGET), lease())
    assert lease_of(desk.service()) == lease()
    assert desk.revisions() == revisions

    assert release_lease(desk.writer, TARGET, "r1") == ""
    assert (desk.settings(), desk.revisions()) == (before, revisions)


def test_a_lease_leaves_other_annotations_alone() -> None:
    service: JsonObject = {"name": TARGET, "etag": "1", "annotations": {"team": "shop"}}

    held = leased(service, lease())
    assert set(object_at(held, "annotations")) == {"team", ANNOTATION}
    assert leased({**service, **held}, None)["annotations"] == {"team": "shop"}


def test_of_two_who_have_read_the_same_one_gets_the_lease(desk: Desk, other: Desk) -> None:
    service = desk.writer.get_service(TARGET)
    take_lease(desk.writer, service, lease("alice on desk"))

    with pytest.raises(LockedError, match="alice on desk holds the lock until 12:20:00 UTC"):
        take_lease(other.writer, service, lease("bob", "r2"))


def test_somebody_elses_lease_is_not_taken_away(desk: Desk) -> None:
    take_lease(desk.writer, desk.writer.get_service(TARGET), lease())

    assert release_lease(desk.writer, TARGET, "r2") == ""
    assert lease_of(desk.service()) == lease()


def test_a_lease_is_read_back_as_it_was_written(desk: Desk) -> None:
    take_lease(desk.writer, desk.writer.get_service(TARGET), lease("jürgen \N{SNOWMAN}"))

    assert lease_of(desk.writer.get_service(TARGET)) == lease("jürgen \N{SNOWMAN}")


def test_who_comes_while_somebody_acts_is_told_who(desk: Desk, other: Desk) -> None:
    told: list[str] = []
    desk.on_sending(lambda: told.append(refused(other)))

    assert desk.apply(desk.scale(memory="2Gi")).outcome == "applied"
    assert "alice on desk holds the lock until" in told[0]
    assert desk.memory() == "2Gi"


def test_a_lease_of_somebody_who_is_gone_expires(desk: Desk, other: Desk) -> None:
    take_lease(desk.writer, desk.writer.get_service(TARGET), lease())
    assert "alice holds the lock" in refused(other)

    desk.clock.turn(minutes=21)
    assert as_bob(other).outcome == "applied"
    assert lease_of(desk.service()) is None


def test_a_lease_can_be_taken_over_on_purpose(desk: Desk) -> None:
    take_lease(desk.writer, desk.writer.get_service(TARGET), lease("bob", "r2"))
    overrides = Overrides(guards=("not-locked",), reason="bob went home")

    assert desk.apply(desk.scale(memory="2Gi"), overrides=overrides).outcome == "applied"


def test_of_two_at_once_exactly_one_acts(desk: Desk, other: Desk) -> None:
    barrier = threading.Barrier(2)
    outcomes: dict[str, str] = {}
    plans = {"alice": desk.scale(memory="2Gi"), "bob": other.scale(memory="3Gi")}

    def act(name: str, at: Desk) -> None:
        occasion = Occasion(author=name, host="h", reason="")
        plan = plan_of(plans[name].steps, occasion, plan_id=name, now=at.clock.now())
        request = Request(digest=plan.digest, actor=name, host="h", run=name)
        barrier.wait()
        try:
            outcomes[name] = apply_plan(plan, at.workshop, request).outcome
        except (GuardsRefusedError, LockedError):
            outcomes[name] = "refused"

    threads = [threading.Thread(target=act, args=one) for one in (("alice", desk), ("bob", other))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)

    assert sorted(outcomes.values()) == ["applied", "refused"]
    assert desk.memory() == ("2Gi" if outcomes["alice"] == "applied" else "3Gi")
    assert lease_of(desk.service()) is None


# --- on this machine


def test_the_lock_file_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    locks = LocalLocks(tmp_path)
    locks.take(TARGET, lease(), NOON)

    with pytest.raises(LockedError, match="alice holds the lock"):
        locks.take(TARGET, lease("bob", "r2"), NOON)
    locks.release(TARGET, "r2")
    assert locks.holder(TARGET, NOON) == lease()
    locks.release(TARGET, "r1")
    locks.take(TARGET, lease("bob", "r2"), NOON)


def test_targets_do_not_disturb_each_other(tmp_path: Path) -> None:
    locks = LocalLocks(tmp_path)
    locks.take(TARGET, lease(), NOON)
    locks.take(f"{TARGET}-2", lease("bob", "r2"), NOON)

    assert locks.holder(f"{TARGET}-2", NOON) == lease("bob", "r2")


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}'])
def test_a_lock_file_that_a_crash_tore_is_nobodys(tmp_path: Path, text: str) -> None:
    locks = LocalLocks(tmp_path)
    locks.take(TARGET, lease(), NOON)
    next(tmp_path.glob("*.lock")).write_text(text)

    locks.take(TARGET, lease("bob", "r2"), NOON)
    assert locks.holder(TARGET, NOON) == lease("bob", "r2")


def test_a_lock_of_a_process_that_is_dead_or_that_has_expired_is_taken_over(tmp_path: Path) -> None:
    locks = LocalLocks(tmp_path)
    locks.take(TARGET, lease(), NOON)
    locks.take(TARGET, lease("bob", "r2"), SOON)
    lock = next(tmp_path.glob("*.lock"))
    lock.write_text(lock.read_text().replace(f'"pid": {os.getpid()}', '"pid": 4194999'))

    assert locks.holder(TARGET, NOON) is None
    locks.take(TARGET, lease("carol", "r3"), NOON)


def test_of_many_on_one_machine_one_gets_the_lock(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    won: list[int] = []

    def take(number: int) -> None:
        barrier.wait()
        try:
            LocalLocks(tmp_path).take(TARGET, lease(run=f"r{number}"), NOON)
        except LockedError:
            return
        won.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)

    assert len(won) == 1


def test_two_desks_on_one_machine_share_the_lock(desk: Desk, other: Desk) -> None:
    same = replace(other, directory=desk.directory)
    told: list[str] = []
    desk.on_sending(lambda: told.append(refused(same)))

    desk.apply(desk.scale(memory="2Gi"))
    assert "on this machine" in told[0] or "alice on desk holds the lock" in told[0]
    assert text_at(desk.service(), "name") == TARGET
