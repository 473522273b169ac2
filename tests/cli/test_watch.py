"""``gcpdiag watch`` over emulated incidents: what it sees, what it writes where, and that it changes nothing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.cli.rounds import Watch
from gcpdiag.cli.watch import Triages, exit_code_of
from gcpdiag.collect.live import LiveRequest
from gcpdiag.diagnose.vigil import Vigil
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.emulator.shift import shift_times
from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject, number_at, text_at
from gcpdiag.model.window import Window, rfc3339
from tests.cli.pacing import FakeClock, Recorder
from tests.making import audit

FIXTURES = Path(__file__).parents[2] / "fixtures"


class Incident:
    """An emulated incident, a clock that stands at its end, and a watch over it."""

    def __init__(self, emulator: Emulator, *, interval: timedelta = timedelta(minutes=6)) -> None:
        self.emulator = emulator
        self.window: Window = emulator.state.window
        self.time = FakeClock(start=self.window.end)
        self.screen = Recorder(tick=3600.0)
        self.interval = interval

    def watch(self, *, timeout: timedelta = timedelta(hours=1), services: tuple[str, ...] = ()) -> tuple[Vigil, int]:
        clock = self.time.clock
        request = LiveRequest(window=self.window, widen=True, regions=self.emulator.state.regions)
        watch = Watch(
            take=Triages(request=request, clock=clock, services=services),
            screen=self.screen,
            clock=clock,
            interval=self.interval,
            until_healthy=True,
            timeout=timeout,
        )
        vigil, ending = watch.run(Vigil(began=clock.now(), named=frozenset(services)))
        return vigil, exit_code_of(vigil, ending, until_healthy=True)

    def repair(self) -> None:
        """Let somebody deploy, and every service answer from now on; done once."""
        self.time.then = lambda: None
        state = self.emulator.state
        half = timedelta(minutes=30)
        with state.lock:
            calm = [one for one in state.entries() if self._is_answered(one)]
            for times in (2, 3, 4):
                state.entries().extend(shift_times(one, times * half) for one in calm)
            state.entries().append(self._deployment())

    def _deployment(self) -> JsonObject:
        """The audit entry of a deployment half a minute after the first round."""
        told = audit("google.cloud.run.v2.Services.UpdateService", service="image-resizer")
        region = self.emulator.state.regions[0]
        labels: JsonObject = {"service_name": "image-resizer", "location": region}
        return {
            **told,
            "timestamp": rfc3339(self.window.end + timedelta(seconds=30)),
            "logName": f"projects/{self.emulator.state.project}/logs/cloudaudit.googleapis.com%2Factivity",
            "resource": {"type": "cloud_run_revision", "labels": labels},
        }

    def _is_answered(self, entry: JsonObject) -> bool:
        status = number_at(entry, "httpRequest.status") or 500
        early = datetime.fromisoformat(text_at(entry, "timestamp")) < self.window.start + timedelta(minutes=30)
        return status < 400 and early and "requests" in text_at(entry, "logName")


@pytest.fixture
def incident(monkeypatch: pytest.MonkeyPatch) -> Iterator[Incident]:
    with serve(load_bundle(FIXTURES / "memory-limit")) as emulator:
        monkeypatch.setenv("GCPDIAG_EMULATOR_HOST", emulator.http)
        yield Incident(emulator)


def test_an_incident_that_is_repaired_is_watched_to_its_end(incident: Incident) -> None:
    incident.time.then = incident.repair

    vigil, code = incident.watch()

    statuses = [one.vigil.sight.diagnosis.status for one in incident.screen.done if one.vigil.sight]
    assert statuses[0] == "incident"
    assert statuses[-2:] == ["healthy", "healthy"]
    assert code == 0
    told = [(one.kind, one.text) for one in vigil.events if one.fresh]
    assert any(kind == "deploy" and "image-resizer" in text for kind, text in told)
    assert ("status", "incident → healthy") in told
    assert vigil.marks[0].cause == "resource-exhaustion/memory-limit"


def test_an_incident_that_goes_on_ends_with_the_incidents_code(incident: Incident) -> None:
    assert incident.watch(timeout=timedelta(minutes=13))[1] == 10


def test_nothing_that_a_watch_sends_could_change_anything(incident: Incident) -> None:
    incident.watch(timeout=timedelta(minutes=13))

    assert len(incident.emulator.requests) > 60
    assert [one for one in incident.emulator.requests if one.mutates] == []


def test_a_round_takes_at_most_six_reads_of_cloud_logging(incident: Incident) -> None:
    incident.watch(timeout=timedelta(minutes=13))

    reads = [one for one in incident.emulator.requests if one.source == "logging.entries"]
    assert len(reads) <= 6 * len(incident.screen.done)


def test_only_the_named_services_are_watched(incident: Incident) -> None:
    vigil, _ = incident.watch(timeout=timedelta(seconds=1), services=("storefront",))

    assert vigil.sight is not None
    assert [one.service.name for one in vigil.sight.pulse.services] == ["storefront"]
    assert [one.service.name for one in vigil.sight.diagnosis.services] == ["storefront"]


def test_a_service_that_is_not_there_ends_it_as_it_would_a_triage(incident: Incident) -> None:
    with pytest.raises(UsageError, match="no service 'nobody'"):
        incident.watch(services=("nobody",))


def test_a_429_of_google_makes_rounds_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    struck = [parse_fault("vpcaccess.connectors=429")]
    with serve(load_bundle(FIXTURES / "memory-limit"), faults=struck) as emulator:
        monkeypatch.setenv("GCPDIAG_EMULATOR_HOST", emulator.http)
        incident = Incident(emulator, interval=timedelta(minutes=1))
        incident.watch(timeout=timedelta(minutes=8))

    assert "quota hit" in {one.slowed for one in incident.screen.drawn}
    assert len(incident.screen.done) <= 4


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gcpdiag", "watch", *arguments]


@pytest.fixture(scope="module")
def staging() -> Iterator[Emulator]:
    with serve(load_bundle(FIXTURES / "staging-503"), now=True) as emulator:
        yield emulator


def environ(emulator: Emulator, **more: str) -> dict[str, str]:
    return {**os.environ, "GCPDIAG_EMULATOR_HOST": emulator.http, **more}


def test_a_log_of_lines_can_be_read_by_scripts(staging: Emulator) -> None:
    done = subprocess.run(
        command("--until", "healthy", "--timeout", "1s"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environ(staging),
    )

    assert done.returncode == 10
    assert done.stderr == ""
    moment, *parts = done.stdout.split()
    assert datetime.fromisoformat(moment).tzinfo is not None
    told = dict(one.split("=", 1) for one in parts)
    assert (told["status"], told["cause"]) == ("incident", "vpc-connector/egress-blocked")
    assert told["5xx"].endswith("%")


@pytest.mark.parametrize(
    "arguments, code, complaint",
    [
        (("--interval", "10s"), 2, "20s is the least"),
        (("--interval", "often"), 2, "is not a duration"),
        (("--until", "tomorrow"), 2, "healthy"),
        (("--since", "1h"), 2, "No such option"),
        (("--project", "demo-stagin"), 3, "Did you mean --project demo-staging"),
        (("--service", "nobody"), 2, "no service 'nobody'"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_a_way_on(
    staging: Emulator, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=120, env=environ(staging)
    )

    assert done.returncode == code
    assert complaint in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "number, more",
    [
        (signal.SIGINT, {}),
        (signal.SIGTERM, {}),
        (signal.SIGINT, {"NO_COLOR": "1"}),
        (signal.SIGINT, {"TERM": "dumb"}),
    ],
)
def test_on_a_terminal_an_interruption_leaves_the_last_frame(
    staging: Emulator, number: signal.Signals, more: dict[str, str]
) -> None:
    told = environ(staging, **{"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **more})
    output, code = on_terminal(told, number)

    assert code == 10
    assert [one for one in staging.requests if one.mutates] == []
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h")  # the cursor is there again
    frames = output.split("INCIDENT")
    assert "CAUSE" in frames[-1]
    assert ("\x1b[31m" in output or "\x1b[1;31m" in output) == (not more)
    assert ("\x1b" in output) == (more.get("TERM") != "dumb")
    assert "\x1b[?1049h" not in output


def on_terminal(environ: dict[str, str], number: signal.Signals) -> tuple[str, int]:
    """What a watch wrote to a terminal of 80 by 24 until its first frame was there and it was interrupted; its code."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    chunks: list[bytes] = []
    seen = threading.Event()

    def read() -> None:
        while chunk := _chunk(ours):
            chunks.append(chunk)
            if b"RECOVERY" in b"".join(chunks):
                seen.set()

    running = subprocess.Popen(command(), stdin=theirs, stdout=theirs, stderr=theirs, env=environ)
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    assert seen.wait(60)
    running.send_signal(number)
    code = running.wait(60)
    reader.join(60)
    os.close(ours)
    return b"".join(chunks).decode(), code


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side has been closed
        return b""
