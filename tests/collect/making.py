"""A clock that nobody waits for, and questions that answer from a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gcpdiag.collect.fetch import Patience
from gcpdiag.collect.limiter import RateLimiter
from gcpdiag.collect.question import Question
from gcpdiag.gcp.failure import CallError, Failure
from gcpdiag.gcp.read import Page
from gcpdiag.model.json import JsonObject
from gcpdiag.model.window import Window

NOON = datetime(2025, 9, 15, 12, tzinfo=UTC)
WINDOW = Window(start=NOON - timedelta(hours=1), end=NOON)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def patience(clock: FakeClock, *, seconds: float = 30.0) -> Patience:
    limiter = RateLimiter(60, 60.0, monotonic=clock.monotonic, sleep=clock.sleep)
    return Patience(deadline=clock.at + seconds, monotonic=clock.monotonic, sleep=clock.sleep, logging=limiter)


@dataclass
class Script:
    """A page call that plays its steps one after the other, and remembers with what it was asked."""

    steps: Sequence[Page | Failure]
    asked: list[tuple[str, float]] = field(default_factory=list)

    def __call__(self, token: str, timeout: float) -> Page:
        step = self.steps[len(self.asked)]
        self.asked.append((token, timeout))
        if isinstance(step, Failure):
            raise CallError(step)
        return step


def page(*names: str, then: str = "") -> Page:
    resources: list[JsonObject] = [{"name": name} for name in names]
    return Page(resources=resources, next_token=then)


def failure(kind: str = "unavailable", *, retry_after: float | None = None) -> Failure:
    assert kind in {"unavailable", "quota", "denied", "timeout"}
    return Failure(kind=kind, text=f"{kind} for the test", retry_after=retry_after)  # type: ignore[arg-type]


def question(*steps: Page | Failure, source: str = "run.services", **options: object) -> tuple[Question, Script]:
    script = Script(steps)
    return Question(source=source, name=source, call=script, **options), script  # type: ignore[arg-type]
