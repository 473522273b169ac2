"""The short notations of a playbook's tests, and the scene that every test plays in.

One project, one region, one hour. Times are told from the window's start, series as runs of equal values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

PROJECT = "demo-project"
REGION = "europe-west1"
START = datetime(2026, 3, 3, 10, tzinfo=UTC)
END = START + timedelta(hours=1)

LOGS = {
    "requests": "run.googleapis.com/requests",
    "varlog/system": "run.googleapis.com/varlog/system",
    "stdout": "run.googleapis.com/stdout",
    "stderr": "run.googleapis.com/stderr",
    "cloudaudit/activity": "cloudaudit.googleapis.com/activity",
    "cloudaudit/system_event": "cloudaudit.googleapis.com/system_event",
    "cloudsql/postgres": "cloudsql.googleapis.com/postgres.log",
    "loadbalancer": "requests",
}
"""What a test calls a log, and Google's id of it."""

SERIES_RESOURCES = (
    "cloud_run_revision",
    "vpc_access_connector",
    "cloudsql_database",
    "redis_instance",
    "nat_gateway",
    "https_lb_rule",
)

_SPAN = re.compile(r"([+-]?)((?:\d+(?:\.\d+)?[smhd])+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RUN = re.compile(r"(_|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:x(\d+))?")
_MOST_POINTS = 24 * 60


def span_of(text: str) -> timedelta:
    """Return a stretch of time: ``30s``, ``+20m``, ``-3h``, ``1h30m``; ValueError when it cannot be read."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no stretch of time; write it as +20m, 90s or -3h")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(found.group(2)))
    return timedelta(seconds=-seconds if found.group(1) == "-" else seconds)


def moment_of(text: str) -> datetime:
    """Return the moment that lies a stretch of time after (or, with a minus, before) the window's start."""
    return START + span_of(text)


def points_of(text: str) -> list[float | None]:
    """Return the values of a series, a minute each; ``_`` is a minute without a point.

    ``0.3x20 0.98x40`` is twenty points, then forty. ValueError when it cannot be read.
    """
    points: list[float | None] = []
    for word in text.split():
        found = _RUN.fullmatch(word)
        if found is None:
            raise ValueError(f"{word!r} is no run of values; write it as 0.3x20, 7 or _x5")
        value = None if found.group(1) == "_" else float(found.group(1))
        times = int(found.group(2) or 1)
        if len(points) + times > _MOST_POINTS:
            raise ValueError(f"{text!r} is longer than a day; a test's window is one hour")
        points += [value] * times
    if not points:
        raise ValueError("a series without values; leave it out, or write 0x60")
    return points


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the beginning of a hint: the known word that looks most like this one, or all of them."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(words)}"
