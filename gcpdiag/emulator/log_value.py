"""Values of log entries and of queries, brought to a form in which they can be compared.

Each reader returns None for what cannot be converted: then the comparison fails ("Values and conversions").
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from gcpdiag.model.json import Json
from gcpdiag.model.window import in_utc

SEVERITIES: Final = {
    "default": 0,
    "debug": 100,
    "info": 200,
    "notice": 300,
    "warning": 400,
    "error": 500,
    "critical": 600,
    "alert": 700,
    "emergency": 800,
}
_RANKS = {name.upper(): rank for name, rank in SEVERITIES.items()}

_DURATION = re.compile(r"([-+]?\d+(?:\.\d*)?|[-+]?\.\d+)(ns|us|ms|s|m|h|d)")
_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?)?")
_WHOLE = re.compile(r"[-+]?\d{1,30}")
_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?|[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
_SECONDS = 19  # characters of 2025-09-15T20:00:00
_DIGITS = 9  # of a second's fraction: entries have nanoseconds


def folded(text: str) -> str:
    """Return text as strings are compared: NFKC_Casefold, in which letter case does not matter."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.casefold())


def text_of(value: Json) -> str | None:
    """Return a string's folded text."""
    return folded(value) if isinstance(value, str) else None


def number_of(value: Json) -> float | None:
    """Return a number; int64 fields arrive as text and stay exact."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        return None
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _DECIMAL.fullmatch(value) else None


def bool_of(value: Json) -> bool | None:
    """Return a truth value, written in any letter case."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def rank_of(value: Json) -> int | None:
    """Return a severity's number; its name may be in any letter case."""
    if not isinstance(value, str):
        return None
    rank = _RANKS.get(value)
    return SEVERITIES.get(value.lower()) if rank is None else rank


def nanoseconds_of(value: Json) -> int | None:
    """Return the length of a duration such as ``3.2s`` or ``150ms``."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(Decimal(match[1]) * _UNITS[match[2]]) if match else None


def instant_of(value: Json) -> str | None:
    """Return an instant as text whose order is the order of time, exact to the nanosecond; a date is its midnight."""
    if not isinstance(value, str):
        return None
    if value[-1:] == "Z" and value[_SECONDS : _SECONDS + 1] in (".", "Z") and value[10:11] == "T" and value.isascii():
        return value[:_SECONDS] + value[_SECONDS + 1 : -1].ljust(_DIGITS, "0")
    match = _INSTANT.fullmatch(value)
    if match is None:
        return None
    fraction = (match[1] or ".")[1:]
    try:
        moment = datetime.fromisoformat(value.upper().replace(match[1] or " ", ""))
    except ValueError:
        return None
    # A time without a zone is taken as UTC, as a date is; for a time this is unverified.
    return in_utc(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction.ljust(_DIGITS, "0")


def query_instant_of(value: str) -> str | None:
    """Return the instant that a query names; unlike an entry's, its calendar is checked."""
    if not _INSTANT.fullmatch(value):
        return None
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return None
    return instant_of(value.upper())


def plain_of(value: Json) -> str:
    """Return a scalar as a search over all fields reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
