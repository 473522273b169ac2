"""A clock that nobody waits for, rounds that come from a list, and a screen that keeps what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from gcpdiag.cli.rounds import Round, Watch
from gcpdiag.cli.watch import exit_code_of
from gcpdiag.collect.live import Clock
from gcpdiag.diagnose.vigil import Vigil
from gcpdiag.errors import UnreachableError
from gcpdiag.report.watch import Stage
from tests.diagnose.watching import NOON, pulse_of_api, sight

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
        return [later - sooner for sooner, later in pairwise(self.starts)]


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
