"""Rounds of a watch: one live triage after the other, at a pace that leaves quotas to others, until it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from gcpdiag.diagnose.vigil import Miss, Sight, Vigil
from gcpdiag.errors import GcpdiagError
from gcpdiag.report.watch import Stage

if TYPE_CHECKING:
    from gcpdiag.collect.live import Clock

LEAST_INTERVAL = timedelta(seconds=20)
"""Six reads of Cloud Logging every twenty seconds are less than a third of the quota that a whole project shares."""

_READS_A_MINUTE = 20.0  # of 60
_LONGEST_INTERVAL = timedelta(minutes=10)
_LEAST_PAUSE = timedelta(seconds=2)
_MINUTE = 60.0
_SLOWED = "quota hit"
_MANY_READS = "many reads"

Ending = Literal["recovered", "timeout", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round came to: a sight, or the reason why there is none; ``reads`` are calls to Cloud Logging.

    ``limited`` tells that Google answered 429, ``interrupted`` that a person did not want to wait any longer.
    """

    sight: Sight | None = None
    failure: GcpdiagError | None = None
    reads: int = 0
    limited: bool = False
    interrupted: bool = False


TakeRound = Callable[[Callable[[str], None]], Round]
"""Takes a round; what it is given is told how far the round is."""


class Screen(Protocol):
    """Where a watch is shown; ``tick`` is how many seconds may pass between two frames."""

    tick: float

    def draw(self, stage: Stage) -> None:
        """Show the stage while time goes by."""
        ...

    def round_done(self, stage: Stage) -> None:
        """Show what a round came to."""
        ...

    def end(self, stage: Stage) -> None:
        """Show the last stage, and leave it behind."""
        ...


@dataclass(slots=True)
class Pace:
    """How long to wait for the next round: the interval, longer after a 429 and after many reads."""

    interval: timedelta
    _factor: int = 1

    def period_after(self, done: Round) -> tuple[timedelta, str]:
        """Return the time from the start of a round to that of the next, and why it is longer than asked for."""
        self._factor = self._factor * 2 if done.limited else max(1, self._factor // 2)
        slowed = min(self.interval * self._factor, max(_LONGEST_INTERVAL, self.interval))
        self._factor = min(self._factor, 1 + int(_LONGEST_INTERVAL / self.interval))
        for_reads = timedelta(seconds=_MINUTE * done.reads / _READS_A_MINUTE)
        if slowed > self.interval:
            return max(slowed, for_reads), _SLOWED
        return max(self.interval, for_reads), _MANY_READS if for_reads > self.interval else ""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A watch: how to take rounds, where to show them, how often, and until when."""

    take: TakeRound
    screen: Screen
    clock: Clock
    interval: timedelta
    until_healthy: bool = False
    timeout: timedelta | None = None

    def run(self, vigil: Vigil) -> tuple[Vigil, Ending]:
        """Watch until it is over; return what is known then and how it ended.

        GcpdiagError when the first round fails: then there is nothing to watch.
        """
        course = _Course(self, vigil)
        try:
            ending = course.run()
        except KeyboardInterrupt:
            ending = "interrupted"
        finally:
            course.close()
        return course.vigil, ending


class _Course:
    """A watch under way."""

    def __init__(self, watch: Watch, vigil: Vigil) -> None:
        self.vigil = vigil
        self._watch = watch
        self._pace = Pace(watch.interval)
        self._monotonic = watch.clock.monotonic
        self._until = float("inf") if watch.timeout is None else self._monotonic() + watch.timeout.total_seconds()
        self._drawn = float("-inf")
        self._ending = ""

    def run(self) -> Ending:
        while True:
            started = self._monotonic()
            done = self._take()
            if done.interrupted:
                return self._ends("interrupted", "interrupted; this is the last that was known")
            if self._watch.until_healthy and self.vigil.is_over:
                return self._ends("recovered", "healthy again: the watch is over")
            period, slowed = self._pace.period_after(done)
            due = max(started + period.total_seconds(), self._monotonic() + _LEAST_PAUSE.total_seconds())
            if due > self._until:
                if slowed or self._until < started + LEAST_INTERVAL.total_seconds():
                    return self._ends("timeout", "the time is over")
                due = self._until
            self._wait(due, slowed)

    def close(self) -> None:
        self._watch.screen.end(self._stage(ending=self._ending or "interrupted; this is the last that was known"))

    def _ends(self, ending: Ending, told: str) -> Ending:
        self._ending = told
        return ending

    def _take(self) -> Round:
        self._draw(self._stage())
        done = self._watch.take(self._progress)
        if done.interrupted:
            return done
        if done.sight is not None:
            self.vigil = self.vigil.with_sight(done.sight)
        elif done.failure is not None:
            if self.vigil.sight is None:
                self._ending = "nothing could be seen"
                raise done.failure
            self.vigil = self.vigil.with_miss(Miss(at=self._watch.clock.now(), why=str(done.failure)))
        self._watch.screen.round_done(self._stage())
        return done

    def _wait(self, due: float, slowed: str) -> None:
        while (left := due - self._monotonic()) > 0:
            self._draw(replace(self._stage(), next_in=timedelta(seconds=left), slowed=slowed))
            self._watch.clock.sleep(min(left, self._watch.screen.tick))

    def _progress(self, told: str) -> None:
        """Draw how far a round is, a few times a second at most."""
        if self._monotonic() - self._drawn >= 0.25:  # noqa: PLR2004 - seconds
            self._draw(replace(self._stage(), asking=told))

    def _draw(self, stage: Stage) -> None:
        self._drawn = self._monotonic()
        self._watch.screen.draw(stage)

    def _stage(self, *, ending: str = "") -> Stage:
        return Stage(vigil=self.vigil, now=self._watch.clock.now(), ending=ending)
