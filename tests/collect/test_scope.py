from __future__ import annotations

from datetime import timedelta

import pytest

from gcpdiag.collect.scope import parse_duration, window_of
from gcpdiag.errors import UsageError
from tests.collect.making import NOON


@pytest.mark.parametrize(
    "text, seconds",
    [("30s", 30), ("90m", 5400), ("1h", 3600), ("1h30m", 5400), ("2d", 172800), (" 15min ", 900)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0h", "1", "h", "-1h", "1h 30m", "1.5h", "ten minutes"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


def test_the_window_is_the_hour_before_now() -> None:
    window = window_of(since="", start=None, end=None, now=NOON)

    assert (window.start, window.end) == (NOON - timedelta(hours=1), NOON)


def test_since_counts_back_from_the_end_that_is_given() -> None:
    window = window_of(since="2h", start=None, end=NOON - timedelta(days=1), now=NOON)

    assert window.end == NOON - timedelta(days=1)
    assert window.length == timedelta(hours=2)


def test_a_start_alone_ends_now() -> None:
    assert window_of(since="", start=NOON - timedelta(hours=3), end=None, now=NOON).end == NOON


@pytest.mark.parametrize(
    "since, start, end, complaint",
    [
        ("1h", -2, None, "exclude each other"),
        ("", 1, None, "before it starts"),
        ("", -24 * 40, None, "too long"),
        ("", -1, -2, "before it starts"),
    ],
)
def test_impossible_windows_are_refused(since: str, start: int | None, end: int | None, complaint: str) -> None:
    def at(hours: int | None) -> object:
        return None if hours is None else NOON + timedelta(hours=hours)

    with pytest.raises(UsageError, match=complaint):
        window_of(since=since, start=at(start), end=at(end), now=NOON)  # type: ignore[arg-type]
