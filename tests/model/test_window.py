"""Stretches of time and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gcpdiag.model.window import Window, clock_time, from_epoch, in_utc, is_credible, rfc3339

NOON = datetime(2025, 9, 15, 12, 0, 30, 999999, tzinfo=UTC)
IN_BERLIN = datetime(2025, 9, 15, 14, 0, 30, 999999, tzinfo=timezone(timedelta(hours=2)))


def test_a_window_knows_its_length() -> None:
    assert Window(start=NOON, end=NOON + timedelta(hours=1)).length == timedelta(hours=1)


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(seconds=1)])
def test_a_window_without_length_cannot_be_built(end: datetime) -> None:
    with pytest.raises(ValueError, match="must start before it ends"):
        Window(start=NOON, end=end)


def test_times_come_in_utc() -> None:
    assert in_utc(IN_BERLIN) == NOON
    assert in_utc(IN_BERLIN).tzinfo is UTC


def test_a_time_without_a_zone_is_taken_as_utc() -> None:
    assert in_utc(NOON.replace(tzinfo=None)) == NOON


@pytest.mark.parametrize("moment", [NOON, IN_BERLIN])
def test_times_are_written_in_utc_and_whole_seconds(moment: datetime) -> None:
    assert (rfc3339(moment), clock_time(moment)) == ("2025-09-15T12:00:30Z", "12:00:30")


def test_unix_time_round_trips() -> None:
    assert from_epoch(NOON.timestamp()) == NOON


@pytest.mark.parametrize("year, credible", [(1, False), (1970, False), (2025, True), (9999, False)])
def test_years_at_the_ends_of_time_are_not_credible(year: int, *, credible: bool) -> None:
    assert is_credible(NOON.replace(year=year)) is credible
