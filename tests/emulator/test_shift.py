"""Times that move by one delta, and everything else that stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.emulator.shift import shift_times
from gcpdiag.model.json import Json, JsonObject

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "before, after",
    [
        ("2025-09-15T20:24:57.844903468Z", "2025-09-16T20:24:57.844903468Z"),
        ("2025-03-04T11:52:07.109-08:00", "2025-03-05T11:52:07.109-08:00"),
        ("2024-02-28T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("03:00", "03:00"),
        ("soon", "soon"),
        ("9999-12-31T00:00:00Z", "9999-12-31T00:00:00Z"),
        ("2025-02-30T00:00:00Z", "2025-02-30T00:00:00Z"),
    ],
)
def test_a_time_keeps_its_fraction_and_zone_and_other_texts_stay(before: str, after: str) -> None:
    assert shift_times({"createTime": before}, DAY) == {"createTime": after}


def test_times_are_found_at_any_depth_by_the_name_of_their_field() -> None:
    points: Json = [{"interval": {"endTime": "2025-01-01T00:00:00Z"}}]
    told: JsonObject = {"points": points, "text": "2025-01-01T00:00:00Z", "receiveTimestamp": "2025-01-01T00:00:00Z"}

    moved = shift_times(told, DAY)

    assert moved["points"] == [{"interval": {"endTime": "2025-01-02T00:00:00Z"}}]
    assert (moved["text"], moved["receiveTimestamp"]) == ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")


@given(st.datetimes(), st.integers(min_value=-(10**8), max_value=10**8))
def test_moving_there_and_back_changes_nothing(moment: object, seconds: int) -> None:
    told: JsonObject = {"startTime": f"{moment!s}".replace(" ", "T") + "Z", "n": 1}
    by = timedelta(seconds=seconds)

    there = shift_times(told, by)

    assert there == told or shift_times(there, -by) == told
