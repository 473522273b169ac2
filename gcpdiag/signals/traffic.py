"""Requests per service, minute and revision, and what they say: failing or not, since when, how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

_MAX_REVISIONS = 2000
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_DENIED = frozenset({401, 403})


@dataclass(slots=True)
class RevisionTraffic:
    """Requests that one revision answered."""

    requests: int = 0
    errors: int = 0


@dataclass(slots=True)
class Traffic:
    """Requests of one service; times are Unix time in seconds, minutes are Unix time over 60.

    ``ok`` is what did not fail, clients' own errors included; ``good`` is what was answered well; ``denied`` is what
    Cloud Run itself turned away for want of a permission to call the service.
    """

    requests: int = 0
    errors: int = 0
    application_errors: int = 0
    denied_minutes: Counter[int] = field(default_factory=Counter)
    first_error: float = float("inf")
    last_error: float = float("-inf")
    ok_minutes: Counter[int] = field(default_factory=Counter)
    good_minutes: Counter[int] = field(default_factory=Counter)
    error_minutes: Counter[int] = field(default_factory=Counter)
    error_starts: dict[int, float] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    error_seconds: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Failed requests by status and latency in whole seconds."""
    revisions: dict[str, RevisionTraffic] = field(default_factory=dict)

    def add(self, at: float, status: int, *, failed: bool, by_platform: bool, revision: str, seconds: float) -> None:
        """Count one request; ``seconds`` is its latency, ``by_platform`` that Cloud Run itself gave the answer."""
        minute = int(at // 60)
        self.requests += 1
        self.statuses[status] += 1
        self._add_to_revision(revision, 1, failed=failed)
        if not failed:
            self.ok_minutes[minute] += 1
            self.good_minutes[minute] += status < _CLIENT_ERROR
            self.denied_minutes[minute] += by_platform and status in _DENIED
            return
        self.errors += 1
        self.application_errors += not by_platform
        self.error_minutes[minute] += 1
        self.error_starts[minute] = min(at, self.error_starts.get(minute, at))
        self.error_seconds[status, round(seconds)] += 1
        self.first_error = min(self.first_error, at)
        self.last_error = max(self.last_error, at)

    def add_counted(self, minute: int, count: int, *, status: int, revision: str) -> None:
        """Count the requests of one minute as a metric tells them; ``minute`` is Unix time over 60."""
        failed = status >= _SERVER_ERROR
        self.requests += count
        self.statuses[status] += count
        self._add_to_revision(revision, count, failed=failed)
        if not failed:
            self.ok_minutes[minute] += count
            self.good_minutes[minute] += count if status < _CLIENT_ERROR else 0
            return
        self.errors += count
        self.error_minutes[minute] += count
        self.first_error = min(self.first_error, minute * 60.0)
        self.last_error = max(self.last_error, minute * 60.0 + 59)

    def as_denied(self) -> Traffic:
        """Return the same requests with those that were denied as the failed ones."""
        denied = sum(self.denied_minutes.values())
        return Traffic(
            requests=sum(self.good_minutes.values()) + denied,
            errors=denied,
            first_error=min(self.denied_minutes, default=0) * 60.0,
            last_error=max(self.denied_minutes, default=0) * 60.0 + 59,
            ok_minutes=self.good_minutes,
            good_minutes=self.good_minutes,
            error_minutes=+self.denied_minutes,
            revisions=self.revisions,
            statuses=self.statuses,
        )

    def with_answered(self, counted: Traffic) -> Traffic:
        """Return the same failures among the answered requests that another source counted.

        For a request log whose failures are whole and whose answered requests are a sample.
        """
        return replace(
            self,
            requests=self.errors + sum(counted.ok_minutes.values()),
            ok_minutes=counted.ok_minutes,
            good_minutes=counted.good_minutes,
            revisions=counted.revisions or self.revisions,
        )

    def _add_to_revision(self, revision: str, count: int, *, failed: bool) -> None:
        served = self.revisions.get(revision)
        if served is None:
            if len(self.revisions) >= _MAX_REVISIONS:
                return
            served = self.revisions[revision] = RevisionTraffic()
        served.requests += count
        served.errors += count if failed else 0
