"""Stretches of time, always in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The incident window ``[start, end)``."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"a window must start before it ends: {self.start} .. {self.end}")

    @property
    def length(self) -> timedelta:
        """How long the window lasts."""
        return self.end - self.start


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; a time without a zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_credible(moment: datetime) -> bool:
    """Tell whether a time may be a record's; it keeps clear of the ends of what a datetime can hold."""
    return 1970 < moment.year < 9999  # noqa: PLR2004 - the epoch, and the last year that there is


def from_epoch(seconds: float) -> datetime:
    """Return the UTC moment of a Unix time in seconds."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def rfc3339(moment: datetime) -> str:
    """Return the contract's spelling of a time: UTC, ``Z``, whole seconds."""
    return in_utc(moment).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock_time(moment: datetime) -> str:
    """Return the short spelling for people, ``20:03:08``."""
    return in_utc(moment).strftime("%H:%M:%S")
