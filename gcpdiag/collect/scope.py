"""What to collect: a project, its regions, and the time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from gcpdiag.errors import UsageError
from gcpdiag.model.window import Window

CHANGES_BACK = timedelta(hours=24)
"""How long before the window changes are looked for: a cause can be hours older than the alarm."""

BASELINE = timedelta(hours=1)
"""How long before the window metrics are read, to know what calm is like."""

HISTORY = timedelta(hours=6)
"""How long before the window request counts are read: onsets, and what older revisions were like."""

DEFAULT_LENGTH = timedelta(hours=1)

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?")
_LONGEST = timedelta(days=30)  # most logs are kept for that long


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is collected; ``widen`` allows the window to begin earlier when the failure did."""

    project: str
    regions: tuple[str, ...]
    window: Window
    widen: bool = False


def parse_duration(text: str) -> timedelta:
    """Return a duration such as ``90m``, ``1h30m`` or ``2d``; UsageError for anything else."""
    found = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = (int(one or 0) for one in found.groups()) if found else (0, 0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise UsageError(f"{text!r} is not a duration", hint="Write it as 45m, 1h, 1h30m or 2d")
    return length


def window_of(*, since: str, start: datetime | None, end: datetime | None, now: datetime) -> Window:
    """Return the window that was asked for; an hour before its end where no start is given."""
    if since and start:
        raise UsageError("--since and --from exclude each other")
    until = end or now
    begin = start or until - (parse_duration(since) if since else DEFAULT_LENGTH)
    if begin >= until:
        raise UsageError(f"the window would end ({until:%Y-%m-%d %H:%M}) before it starts ({begin:%Y-%m-%d %H:%M})")
    if until - begin > _LONGEST:
        raise UsageError(
            f"a window of {(until - begin).days} days is too long", hint="Ask for the hours around the incident"
        )
    return Window(start=begin, end=until)
