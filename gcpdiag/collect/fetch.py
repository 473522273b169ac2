"""One question to its end: page after page, trying again where that helps, never past the deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.collect.limiter import RateLimiter
from gcpdiag.collect.question import Question
from gcpdiag.gcp.failure import CallError, Failure
from gcpdiag.gcp.read import Page
from gcpdiag.model.json import JsonObject

_MOST_ATTEMPTS = 4
_backoff = wait_random_exponential(multiplier=0.4, max=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a question: its resources, and why that may not be all of them."""

    question: Question
    resources: list[JsonObject] = field(default_factory=list)
    failure: Failure | None = None
    cut_off: bool = False
    unreachable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try: until the moment ``deadline`` of the clock ``monotonic``, sleeping in between."""

    deadline: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    logging: RateLimiter
    on_call: Callable[[Question], None] = lambda _: None

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return self.deadline - self.monotonic()


def fetch(question: Question, patience: Patience) -> Answer:
    """Ask until the last page, the limit, a failure that stays, or the deadline; it never raises CallError."""
    resources: list[JsonObject] = []
    unreachable: set[str] = set()
    token = ""
    for _ in range(question.most_pages):
        try:
            page = _page(question, token, patience)
        except CallError as error:
            return Answer(question=question, resources=resources, failure=error.failure)
        resources += page.resources
        unreachable |= set(page.unreachable)
        token = page.next_token
        if not token or _is_full(question, resources):
            break
    return Answer(question=question, resources=resources, cut_off=bool(token), unreachable=tuple(sorted(unreachable)))


def _is_full(question: Question, resources: list[JsonObject]) -> bool:
    return question.most_resources is not None and len(resources) >= question.most_resources


def _page(question: Question, token: str, patience: Patience) -> Page:
    """Return one page, after as many attempts as there is time for."""

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= _MOST_ATTEMPTS or state.upcoming_sleep >= patience.left

    attempts = Retrying(retry=retry_if_exception(_may_pass), wait=_wait, stop=stop, sleep=patience.sleep, reraise=True)
    return attempts(_once, question, token, patience)


def _once(question: Question, token: str, patience: Patience) -> Page:
    if question.source == LOG_ENTRIES and not patience.logging.wait(patience.deadline):
        raise CallError(Failure(kind="timeout", text="Cloud Logging's quota of 60 reads a minute is used up"))
    left = patience.left
    if left <= 0:
        raise CallError(Failure(kind="timeout", text="no time was left"))
    patience.on_call(question)
    return question.call(token, min(left, question.wait))


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, CallError) and error.failure.is_transient


def _wait(state: RetryCallState) -> float:
    """Return the seconds to wait: what Google asks for, or else more each time, with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, CallError) and error.failure.retry_after is not None:
        return error.failure.retry_after
    return _backoff(state)
