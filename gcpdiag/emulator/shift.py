"""Moving a recorded incident in time: every time in it by the same number of seconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from gcpdiag.model.json import Json, JsonObject

_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)((?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d))")
_TIME_KEYS = ("time", "timestamp")


def shift_times(document: JsonObject, by: timedelta) -> JsonObject:
    """Return a document whose times are later by whole seconds; fractions and zones stay as they are written.

    A time is the RFC 3339 value of a field whose name ends so (``createTime``, ``receiveTimestamp``).
    """
    return {key: _shifted(key, value, by) for key, value in document.items()}


def _shifted(key: str, value: Json, by: timedelta) -> Json:
    if isinstance(value, str):
        return _shifted_text(value, by) if key.lower().endswith(_TIME_KEYS) else value
    if isinstance(value, dict):
        return shift_times(value, by)
    if isinstance(value, list):
        return [_shifted("", one, by) for one in value]
    return value


def _shifted_text(text: str, by: timedelta) -> str:
    found = _RFC_3339.fullmatch(text)
    if not found:
        return text
    day, clock, rest = found.groups()
    try:
        moved = datetime.fromisoformat(f"{day}T{clock}") + by
    except (ValueError, OverflowError):
        return text
    return f"{moved.isoformat(timespec='seconds')}{rest}"
