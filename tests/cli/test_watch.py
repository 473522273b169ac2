"""A watch: its pace, its ends, what it writes where, and that it changes nothing."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console, ConsoleDimensions

from gcpdiag.bundle.read import load_bundle
from gcpdiag.cli.rounds import LEAST_INTERVAL, Pace, Round, Screen, Watch
from gcpdiag.cli.screen import FrameScreen, LineScreen, LiveScreen, screen_for, terminal_of
from gcpdiag.cli.watch import Triages, exit_code_of
from gcpdiag.collect.live import Clock, LiveRequest
from gcpdiag.diagnose.vigil import Miss, Vigil
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.emulator.shift import shift_times
from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.model.json import JsonObject, number_at, text_at
from gcpdiag.model.window import Window, rfc3339
from gcpdiag.report.watch import Stage
from tests.diagnose.watching import NOON, after, pulse_of_api, sight
from tests.making import audit

FIXTURES = Path(__file__).parents[2] / "fixtures"
HALF = timedelta(seconds=30)
FAILING = Round(sight=sight("failing"), reads=6)
HEALTHY = Round(sight=sight("recovered", pulse_of_api(failed_ago=20)), reads=6)
BLIND = Round(sight=sight("unknown"), reads=6)
BROKEN = Round(failure=UnreachableError("nothing could be collected", cause="503 unavailable"))
LIMITED = Round(sight=sight("failing"), reads=6, limited=True)
INTERRUPTED = Round(interrupted=True)


@dataclass
class FakeClock:
    """Time that passes when somebody sleeps; ``then`` is done after each sleep."""

    start: datetime = NOON
    passed: float = 0.0
    then: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.passed += seconds
        self.then()

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: self.start + timedelta(seconds=self.passed), monotonic=lambda: self.passed, sleep=self.sleep
        )


@dataclass
class Script:
    """Rounds that come one after the other, the last one again and again, each taking some seconds."""

    rounds: tuple[Round, ...]
    time: FakeClock
    takes: float = 1.0
    starts: list[float] = field(default_factory=list)

    def __call__(self, on_progress: Callable[[str], None]) -> Round:
        done = self.rounds[min(len(self.starts), len(self.rounds) - 1)]
        self.starts.append(self.time.passed)
        self.time.passed += self.takes
        on_progress("1 of 2 answers")
        return done

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in zip(self.starts, self.starts[1:], strict=False)]


@dataclass
class Recorder:
    """A screen that keeps what it is given."""

    tick: float = 10.0
    drawn: list[Stage] = field(default_factory=list)
    done: list[Stage] = field(default_factory=list)
    last: list[Stage] = field(default_factory=list)

    def draw(self, stage: Stage) -> None:
        self.drawn.append(stage)

    def round_done(self, stage: Stage) -> None:
        self.done.append(stage)

    def end(self, stage: Stage) -> None:
        self.last.append(stage)


def watched(
    *rounds: Round,
    timeout: timedelta | None = None,
    until_healthy: bool = True,
    interval: timedelta = HALF,
    takes: float = 1.0,
) -> tuple[int, Script, Recorder]:
    """The exit code of a watch over these rounds, when they were taken, and what was shown."""
    time = FakeClock()
    script, screen = Script(rounds, time, takes), Recorder()
    watch = Watch(
        take=script, screen=screen, clock=time.clock, interval=interval, until_healthy=until_healthy, timeout=timeout
    )
    vigil, ending = watch.run(Vigil(began=NOON))
    return exit_code_of(vigil, ending, until_healthy=until_healthy), script, screen


def test_two_healthy_rounds_in_a_row_end_it_with_0() -> None:
    code, script, screen = watched(FAILING, FAILING, HEALTHY, HEALTHY, FAILING)

    assert (code, len(script.starts)) == (0, 4)
    assert screen.last[0].ending == "healthy again: the watch is over"


@pytest.mark.parametrize("rounds, code", [((FAILING,), 10), ((BLIND,), 11), ((FAILING, BROKEN), 10)])
def test_the_timeout_ends_it_with_the_code_of_the_last_status(rounds: tuple[Round, ...], code: int) -> None:
    ended, script, _ = watched(*rounds, timeout=timedelta(minutes=5))

    assert ended == code
    assert script.starts[-1] <= 300


def test_a_last_round_comes_when_the_time_is_over() -> None:
    assert watched(FAILING, timeout=timedelta(seconds=140))[1].starts[-1] == 140


def test_healthy_rounds_that_do_not_suffice_by_then_are_no_proof() -> None:
    soon = timedelta(seconds=10)

    assert watched(HEALTHY, timeout=soon)[0] == 11
    assert watched(HEALTHY, timeout=soon, until_healthy=False)[0] == 0


def test_rounds_come_at_the_interval_whatever_they_take() -> None:
    _, script, _ = watched(FAILING, timeout=timedelta(minutes=3), takes=7)

    assert set(script.gaps) == {30.0}


def test_the_next_round_is_announced_while_time_goes_by() -> None:
    _, _, screen = watched(FAILING, timeout=timedelta(seconds=60), takes=2)

    told = [one.next_in.total_seconds() for one in screen.drawn if one.next_in is not None]
    assert told[:3] == [28.0, 18.0, 8.0]
    assert [one.asking for one in screen.drawn if one.asking]


def test_a_429_lengthens_the_interval_and_its_absence_shortens_it_again() -> None:
    _, script, screen = watched(
        FAILING, LIMITED, LIMITED, FAILING, FAILING, FAILING, timeout=timedelta(minutes=10), takes=1
    )

    assert script.gaps[:5] == [30.0, 60.0, 120.0, 60.0, 30.0]
    assert {one.slowed for one in screen.drawn} == {"", "slower: a quota is used up"}


def test_many_quotas_used_up_do_not_make_it_wait_for_ever() -> None:
    pace = Pace(HALF)

    assert [pace.period_after(LIMITED)[0] for _ in range(20)][-1] == timedelta(minutes=10)


@pytest.mark.parametrize("reads", [0, 6, 7, 24, 40])
def test_a_watch_takes_no_more_than_a_third_of_the_quota_of_log_reads(reads: int) -> None:
    period, _ = Pace(LEAST_INTERVAL).period_after(Round(reads=reads))

    assert reads / period.total_seconds() <= 20 / 60
    assert period >= LEAST_INTERVAL


def test_a_round_that_fails_is_shown_and_the_watch_goes_on() -> None:
    code, script, screen = watched(FAILING, BROKEN, HEALTHY, HEALTHY)

    assert (code, len(script.starts)) == (0, 4)
    miss = screen.done[1].vigil.miss
    assert miss is not None
    assert miss.why == "nothing could be collected: 503 unavailable"
    assert screen.done[1].vigil.sight is FAILING.sight


def test_a_first_round_that_fails_ends_it_as_it_would_a_triage() -> None:
    with pytest.raises(UnreachableError):
        watched(BROKEN)


def test_an_interruption_in_a_round_leaves_the_last_frame_and_its_code() -> None:
    code, _, screen = watched(FAILING, INTERRUPTED)

    assert code == 10
    assert screen.last[0].vigil.sight is FAILING.sight
    assert screen.last[0].ending == "interrupted; this is the last that was known"


def test_an_interruption_while_waiting_does_the_same() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    time, screen = FakeClock(then=interrupt), Recorder()
    vigil, ending = Watch(take=Script((BLIND,), time), screen=screen, clock=time.clock, interval=HALF).run(
        Vigil(began=NOON)
    )

    assert (ending, exit_code_of(vigil, ending, until_healthy=False)) == ("interrupted", 11)
    assert len(screen.last) == 1


def test_an_interruption_before_anything_was_seen_has_the_shells_code() -> None:
    assert watched(INTERRUPTED)[0] == 130


def test_without_a_terminal_there_is_a_line_for_each_round() -> None:
    written: list[str] = []
    screen: Screen = LineScreen(written.append)

    for stage in watched(FAILING, BROKEN, HEALTHY, HEALTHY)[2].done:
        screen.draw(stage)
        screen.round_done(stage)
    screen.end(Stage(vigil=after(), now=NOON))

    assert [one.split()[1] for one in written] == [
        "status=incident",
        "round=failed",
        "status=healthy",
        "status=healthy",
    ]


def test_a_dumb_terminal_gets_frames_in_ascii_one_below_the_other() -> None:
    written: list[str] = []
    screen: Screen = FrameScreen(written.append)

    screen.round_done(Stage(vigil=after(sight()), now=NOON))
    screen.end(Stage(vigil=after(sight()), now=NOON, ending="the time is over"))

    assert all(one.isascii() for one in written)
    assert written[0].startswith("INCIDENT  demo-staging")
    assert written[1] == "the time is over"


def test_a_line_is_written_in_whatever_encoding_there_is() -> None:
    written = BytesIO()
    vigil = after(sight()).with_miss(Miss(at=NOON, why="résumé → …"))

    out = TextIOWrapper(written, encoding="ascii")

    screen_for(out).round_done(Stage(vigil=vigil, now=NOON))

    assert b'why="r?sum? ? ?"' in written.getvalue()


class Terminal(StringIO):
    """A terminal that keeps what is written to it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def live() -> tuple[Console, Terminal, LiveScreen]:
    out = Terminal()
    console = terminal_of(out, {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"})
    return console, out, LiveScreen(console, unicode=True)


def test_a_frame_is_drawn_over_the_one_before_and_never_scrolls() -> None:
    _, out, screen = live()
    for _ in range(3):
        screen.draw(Stage(vigil=after(sight()), now=NOON))
    screen.end(Stage(vigil=after(sight()), now=NOON, ending="the time is over"))

    height = out.getvalue().split("INCIDENT")[1].count("\n")
    assert height < 24
    assert out.getvalue().count("\x1b[1A") >= 3 * height
    assert "the time is over" in out.getvalue()


def test_after_a_change_of_size_the_frame_is_drawn_on_a_clear_screen() -> None:
    console, out, screen = live()
    screen.draw(Stage(vigil=after(sight()), now=NOON))
    before = out.getvalue()
    console.size = ConsoleDimensions(120, 30)

    screen.draw(Stage(vigil=after(sight()), now=NOON))
    screen.end(Stage(vigil=after(sight()), now=NOON, ending="over"))

    assert "\x1b[2J" not in before
    assert "\x1b[2J" in out.getvalue()


def test_where_nothing_was_seen_no_frame_is_left() -> None:
    _, out, screen = live()
    screen.draw(Stage(vigil=Vigil(began=NOON), now=NOON))
    screen.end(Stage(vigil=Vigil(began=NOON), now=NOON, ending="nothing could be seen"))

    assert out.getvalue().rsplit("WATCH", 1)[1].endswith("\x1b[1A\x1b[2K")


@pytest.mark.parametrize(
    "environ, kind", [({"TERM": "xterm"}, LiveScreen), ({"TERM": "dumb"}, FrameScreen), ({}, LiveScreen)]
)
def test_the_screen_fits_the_terminal(environ: dict[str, str], kind: type) -> None:
    assert isinstance(screen_for(Terminal(), environ), kind)
    assert isinstance(screen_for(StringIO(), environ), LineScreen)


# --------------------------------------------------------------------------- against an emulator, in this process


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

    assert "slower: a quota is used up" in {one.slowed for one in incident.screen.drawn}
    assert len(incident.screen.done) <= 4


# ------------------------------------------------------------------------------------- in a process of its own


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


def test_the_emulator_saw_nothing_but_reads(staging: Emulator) -> None:
    subprocess.run(command("--timeout", "1s"), capture_output=True, check=False, timeout=120, env=environ(staging))

    assert staging.requests
    assert json.dumps([one.to_json() for one in staging.requests if one.mutates]) == "[]"
