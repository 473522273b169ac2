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
_MOST_EMPTY = 2  # pages with a token and nothing else: a long search goes on, and costs quota
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
    answer = _Reading(question)
    try:
        answer.read(patience)
    except CallError as error:
        return answer.ended(error.failure)
    finally:
        if question.shares:
            question.shares.tell(question.name, wants=False)  # whoever waits for this question's word has it now
    return answer.ended()


class _Reading:
    """The pages of one question, as they come."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._resources: list[JsonObject] = []
        self._unreachable: set[str] = set()
        self._token = ""

    def read(self, patience: Patience) -> None:
        """Read page after page; an empty one with a token is normal while a log is searched, and not the end."""
        self._take(_page(self._question, "", patience))
        most = self._question.most_pages
        if self._question.shares:
            self._question.shares.tell(self._question.name, wants=bool(self._token))
            if self._token:
                most += self._question.shares.share_of(self._question.name, patience.deadline)
        pages, empty = 1, 0
        while self._token and pages < most and empty <= _MOST_EMPTY:
            page = _page(self._question, self._token, patience)
            self._take(page)
            pages += bool(page.resources)
            empty += not page.resources

    def ended(self, failure: Failure | None = None) -> Answer:
        """Return what was read."""
        return Answer(
            question=self._question,
            resources=self._resources,
            failure=failure,
            cut_off=failure is None and bool(self._token),
            unreachable=tuple(sorted(self._unreachable)),
        )

    def _take(self, page: Page) -> None:
        self._resources += page.resources
        self._unreachable |= set(page.unreachable)
        self._token = page.next_token


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
