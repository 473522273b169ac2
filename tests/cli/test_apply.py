"""``--apply``, ``apply``, ``undo``, ``history`` and ``resume``, as a person meets them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.progress import find
from gcpdiag.emulator.serve import Emulator
from gcpdiag.gcp.access import AccessOptions, anonymous_access
from gcpdiag.gcp.endpoint import Emulator as Place
from gcpdiag.gcp.write import Writer
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.document import save_plan
from gcpdiag.remediate.planning import Occasion, plan_of
from gcpdiag.remediate.session import open_session
from tests.emulator.asking import http_answer
from tests.emulator.rolling import FIXTURES, NAME

ROOT = Path(__file__).parents[2]
SERVICE = "backend-staging"
SCALE = ("scale", SERVICE, "--memory", "2Gi")


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(load_bundle(FIXTURES / "staging-503"), now=True) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    http_answer(running.http, "/_emulator/reset", method="POST")
    return running


def environment(emulator: Emulator, home: Path) -> dict[str, str]:
    told = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return {
        **told,
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home),
        "GCPDIAG_EMULATOR_HOST": emulator.http,
    }


def gcpdiag(emulator: Emulator, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "gcpdiag", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment(emulator, home),
        cwd=home,
        stdin=subprocess.DEVNULL,
    )


def at_terminal(emulator: Emulator, home: Path, answers: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose standard input is a terminal, at which somebody types."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answers.encode())
        return subprocess.run(
            [sys.executable, "-m", "gcpdiag", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=environment(emulator, home),
            cwd=home,
            stdin=theirs,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def memory(emulator: Emulator) -> str:
    found = find(emulator.state, "run.services", NAME)
    return text_at(objects_at(found, "template.containers")[0], "resources.limits.memory")


def changes_sent(emulator: Emulator) -> int:
    """How many calls could have changed the service since the last reset, the check at plan time aside."""
    return sum(one.mutates and bool(one.api) for one in emulator.requests)


def planned(emulator: Emulator, home: Path, **told: object) -> Path:
    """A plan that somebody made at some time, in a file."""
    path = home / "plan.json"
    place = Place(http=emulator.http, grpc=emulator.grpc, project="demo-staging")
    with open_session("", AccessOptions(), {"GCPDIAG_EMULATOR_HOST": emulator.http}) as session:
        author = str(told.get("author", session.author))
    with Writer(anonymous_access(), place) as writer:
        step = plan_scale(writer.get_service(NAME), writer.list_revisions(NAME), ScaleOptions(memory="2Gi"))
    now = told.get("now", datetime.now(UTC))
    assert isinstance(now, datetime)
    save_plan(plan_of([step], Occasion(author=author, host="h", reason=""), plan_id="p1", now=now), path)
    return path


# --- doing it


def test_a_plan_from_a_file_is_carried_out(emulator: Emulator, tmp_path: Path) -> None:
    assert gcpdiag(emulator, tmp_path, *SCALE, "-o", "plan.json").returncode == 0
    done = gcpdiag(emulator, tmp_path, "apply", "plan.json", "--yes")

    assert (done.returncode, memory(emulator)) == (0, "2Gi")
    assert "Done: backend-staging-00705" in done.stdout
    assert "gcpdiag undo" in done.stdout
    assert "sending: scale of backend-staging" in done.stderr


def test_an_action_carries_itself_out_when_asked_to(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes", "--reason", "a test", "--output", "json")

    receipt = json.loads(done.stdout)
    assert (done.returncode, memory(emulator)) == (0, "2Gi")
    assert (receipt["schema"], receipt["outcome"]) == ("gcpdiag.receipt/v1", "applied")
    assert [one["path"] for one in receipt["changed"]] == ["template.containers[0].resources.limits.memory"]
    assert "a test" in (tmp_path / "gcpdiag" / "journal.jsonl").read_text()


def test_a_revision_that_does_not_start_ends_with_one_and_what_was_changed(emulator: Emulator, tmp_path: Path) -> None:
    body: JsonObject = {"service": SERVICE, "outcome": "fail"}
    http_answer(emulator.http, "/_emulator/rollout", method="POST", body=body)
    done = gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes")

    assert done.returncode == 1
    assert "Failed: Revision 'backend-staging-00705" in done.stdout
    assert "    - 4Gi\n    + 2Gi" in done.stdout
    assert "Traffic stays with backend-staging-00704-9fz (100 %)." in done.stdout


# --- nothing by accident


def test_without_a_terminal_and_without_yes_nothing_is_done(emulator: Emulator, tmp_path: Path) -> None:
    path = planned(emulator, tmp_path)
    sent = changes_sent(emulator)
    done = gcpdiag(emulator, tmp_path, "apply", str(path), "--output", "json")

    assert (done.returncode, changes_sent(emulator)) == (4, sent)
    assert "--yes" in done.stderr
    assert json.loads(done.stdout)["outcome"] == "refused"


@pytest.mark.parametrize("answer, code", [("y\n", 0), ("n\n", 4), ("\n", 4)])
def test_at_a_terminal_the_change_is_shown_and_asked_about(
    emulator: Emulator, tmp_path: Path, answer: str, code: int
) -> None:
    done = at_terminal(emulator, tmp_path, answer, *SCALE, "--apply")

    assert (done.returncode, memory(emulator)) == (code, "4Gi" if code else "2Gi")
    assert "    - 4Gi\n    + 2Gi" in done.stdout
    assert "Carry this out?" in done.stderr


def test_an_edited_plan_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    path = planned(emulator, tmp_path)
    path.write_text(path.read_text().replace("2Gi", "3Gi"))
    sent = changes_sent(emulator)
    done = gcpdiag(emulator, tmp_path, "apply", str(path), "--yes")

    assert (done.returncode, changes_sent(emulator), done.stdout) == (4, sent, "")
    assert "edited" in done.stderr


@pytest.mark.parametrize(
    "told, guard",
    [
        ({"now": datetime.now(UTC) - timedelta(minutes=16)}, "plan-fresh"),
        ({"now": datetime.now(UTC) + timedelta(minutes=16)}, "plan-fresh"),
        ({"author": "mallory"}, "plan-own"),
    ],
)
def test_an_expired_plan_and_somebody_elses_are_refused(
    emulator: Emulator, tmp_path: Path, told: dict[str, object], guard: str
) -> None:
    path = planned(emulator, tmp_path, **told)
    sent = changes_sent(emulator)
    done = gcpdiag(emulator, tmp_path, "apply", str(path), "--yes", "--output", "json")

    refusal = json.loads(done.stdout)
    assert (done.returncode, changes_sent(emulator), memory(emulator)) == (4, sent, "4Gi")
    assert [one["guard"] for one in refusal["guards"] if one["outcome"] != "passed"] == [guard]
    assert guard in done.stderr


def test_a_plan_for_a_service_that_moved_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    path = planned(emulator, tmp_path)
    assert gcpdiag(emulator, tmp_path, "scale", SERVICE, "--concurrency", "40", "--apply", "--yes").returncode == 0
    done = gcpdiag(emulator, tmp_path, "apply", str(path), "--yes")

    assert (done.returncode, memory(emulator)) == (4, "4Gi")
    assert "target-unchanged" in done.stderr
    assert "cool-down" in done.stderr


def test_growing_beyond_double_is_refused_and_can_be_overridden_with_a_reason(
    emulator: Emulator, tmp_path: Path
) -> None:
    grow = ("scale", SERVICE, "--max-instances", "60", "--apply", "--yes")
    assert gcpdiag(emulator, tmp_path, *grow).returncode == 4
    assert gcpdiag(emulator, tmp_path, *grow, "--override", "at-most-doubling").returncode == 2
    done = gcpdiag(emulator, tmp_path, *grow, "--override", "at-most-doubling", "--reason", "Black Friday")

    assert done.returncode == 0
    assert "at-most-doubling is overridden (Black Friday)" in done.stdout
    assert "Black Friday" in (tmp_path / "gcpdiag" / "journal.jsonl").read_text()


def test_production_takes_the_flag_and_the_name(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "gcpdiag.toml").write_text('[policy]\nproduction_projects = ["demo-*"]\n')
    sent = changes_sent(emulator)

    assert gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes").returncode == 4
    assert gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes", "--production").returncode == 4
    typo = at_terminal(emulator, tmp_path, "backend-stagin\n", *SCALE, "--apply", "--yes", "--production")
    assert (typo.returncode, memory(emulator)) == (4, "4Gi")
    assert changes_sent(emulator) - sent == 3  # each plan was checked by the server
    done = at_terminal(emulator, tmp_path, f"{SERVICE}\n", *SCALE, "--apply", "--yes", "--production")
    assert (done.returncode, memory(emulator)) == (0, "2Gi")


def test_a_policy_that_cannot_be_used_changes_nothing(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "gcpdiag.toml").write_text("[policy]\nmax_factor = 10\n")
    done = gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes")

    assert (done.returncode, memory(emulator)) == (2, "4Gi")
    assert "would loosen the guard" in done.stderr


def test_a_dry_run_says_what_guards_would_refuse(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "scale", SERVICE, "--max-instances", "60")

    assert done.returncode == 0
    assert "guards would refuse this" in done.stderr
    assert "at-most-doubling" in done.stderr


def test_more_instances_are_refused_while_the_database_is_full(tmp_path: Path) -> None:
    with Emulator(load_bundle(FIXTURES / "server-connection-limit"), now=True) as emulator:
        services = [text_at(one, "name").rsplit("/", 1)[-1] for one in emulator.state.listed("run.services")]
        done = gcpdiag(emulator, tmp_path, "triage", "--output", "json")
        (cause,) = json.loads(done.stdout)["root_causes"][:1]
        assert cause["id"] == "database-connections/server-connection-limit"
        service = cause["service"] if cause["service"] in services else services[0]
        current = next(
            one for one in emulator.state.listed("run.services") if text_at(one, "name").endswith(f"/{service}")
        )
        most = object_at(current, "scaling").get("maxInstanceCount") or object_at(current, "template.scaling").get(
            "maxInstanceCount", 100
        )
        assert isinstance(most, int | float)
        done = gcpdiag(emulator, tmp_path, "scale", service, "--max-instances", str(int(most) + 5), "--apply", "--yes")

    assert done.returncode == 4
    assert "does-not-worsen-cause" in done.stderr
    assert f"{int(most)} instances ×" in " ".join(done.stderr.split())


# --- two at once


def test_of_two_processes_at_once_one_acts_and_the_other_is_told(emulator: Emulator, tmp_path: Path) -> None:
    homes = [tmp_path / "alice", tmp_path / "bob"]
    for home in homes:
        home.mkdir()
        planned(emulator, home)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "gcpdiag", "apply", "plan.json", "--yes"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(emulator, home),
            cwd=home,
        )
        for home in homes
    ]
    ended = [(*one.communicate(timeout=120), one.returncode) for one in processes]

    assert sorted(code for _, _, code in ended) == [0, 4]
    loser = next(errors for _, errors, code in ended if code == 4)
    assert "holds the lock until" in loser or "was changed since" in loser
    assert memory(emulator) == "2Gi"
    assert not object_at(find(emulator.state, "run.services", NAME), "annotations")


# --- afterwards


def test_what_was_done_is_listed_and_taken_back(emulator: Emulator, tmp_path: Path) -> None:
    assert gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes").returncode == 0
    listed = gcpdiag(emulator, tmp_path, "history", "--output", "json")
    (change,) = json.loads(listed.stdout)["changes"]
    assert (change["outcome"], change["kind"], change["target"]) == ("applied", "scale", NAME)

    undone = gcpdiag(emulator, tmp_path, "undo", change["id"], "--yes", "--output", "json")
    assert (undone.returncode, json.loads(undone.stdout)["outcome"], memory(emulator)) == (0, "applied", "4Gi")
    text = gcpdiag(emulator, tmp_path, "history").stdout
    assert f"undone by {json.loads(undone.stdout)['run']}" in text


def test_an_undo_asks_as_well(emulator: Emulator, tmp_path: Path) -> None:
    gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes")
    done = gcpdiag(emulator, tmp_path, "undo")

    assert (done.returncode, memory(emulator)) == (4, "2Gi")


def test_an_incident_is_taken_back_as_a_whole(emulator: Emulator, tmp_path: Path) -> None:
    gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes")
    more = ("--apply", "--yes", "--override", "cool-down", "--reason", "a test")
    assert gcpdiag(emulator, tmp_path, "scale", SERVICE, "--concurrency", "40", *more).returncode == 0
    done = gcpdiag(emulator, tmp_path, "undo", "--incident", "--yes", "--output", "json")

    told = json.loads(done.stdout)
    assert [one["outcome"] for one in told["receipts"]] == ["applied", "applied"]
    assert (done.returncode, memory(emulator)) == (0, "4Gi")


def test_nothing_to_take_back_is_no_failure(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "undo", "--yes")

    assert (done.returncode, changes_sent(emulator)) == (0, 0)
    assert "there is nothing to do" in done.stderr


@pytest.mark.parametrize("arguments", [("undo", "nosuch"), ("undo", "nosuch", "--incident"), ("apply", "nosuch.json")])
def test_what_is_not_there_is_wrong_usage(emulator: Emulator, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = gcpdiag(emulator, tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (2, "")


def test_a_killed_apply_is_resumed(emulator: Emulator, tmp_path: Path) -> None:
    body: JsonObject = {"service": SERVICE, "outcome": "slow", "seconds": 3}
    http_answer(emulator.http, "/_emulator/rollout", method="POST", body=body)
    with subprocess.Popen(
        [sys.executable, "-m", "gcpdiag", *SCALE, "--apply", "--yes"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(emulator, tmp_path),
        cwd=tmp_path,
    ) as process:
        assert process.stderr is not None
        while "waiting for" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGKILL)
        process.communicate()

    assert "no known end" in gcpdiag(emulator, tmp_path, "history").stdout
    done = gcpdiag(emulator, tmp_path, "resume", "--output", "json")
    assert [one["outcome"] for one in json.loads(done.stdout)["runs"]] == ["applied"]
    assert (done.returncode, memory(emulator)) == (0, "2Gi")
    assert not object_at(find(emulator.state, "run.services", NAME), "annotations")
    assert gcpdiag(emulator, tmp_path, "resume").stdout == "Nothing is left open.\n"


def test_a_journal_that_somebody_changed_is_told(emulator: Emulator, tmp_path: Path) -> None:
    gcpdiag(emulator, tmp_path, *SCALE, "--apply", "--yes")
    path = tmp_path / "gcpdiag" / "journal.jsonl"
    path.write_text(path.read_text().replace('"accepted"', '"not-applied"'))

    done = gcpdiag(emulator, tmp_path, "history")
    assert done.returncode == 1
    assert "the journal was changed" in done.stderr
