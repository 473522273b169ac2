from __future__ import annotations

from datetime import timedelta

from gcpdiag.collect.onset import earlier_stretch
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import rfc3339
from tests.collect.making import WINDOW


def counts(code: str, first: int, last: int, each: int, service: str = "api") -> JsonObject:
    """Return ``each`` requests in every minute from ``first`` to before ``last``, counted from the window's start."""
    points: list[Json] = [
        {
            "interval": {"endTime": rfc3339(WINDOW.start + timedelta(minutes=minute + 1))},
            "value": {"int64Value": str(each)},
        }
        for minute in reversed(range(first, last))
    ]
    labels: JsonObject = {"service_name": service, "location": "us-central1"}
    return {
        "metric": {"type": "run.googleapis.com/request_count", "labels": {"response_code_class": code}},
        "resource": {"type": "cloud_run_revision", "labels": labels},
        "points": points,
    }


def test_a_failure_that_began_in_the_window_does_not_widen_it() -> None:
    assert earlier_stretch([counts("2xx", -360, 60, 50), counts("5xx", 20, 60, 30)], WINDOW) is None


def test_a_failure_from_before_widens_the_window_to_its_onset_and_some_calm() -> None:
    earlier = earlier_stretch([counts("2xx", -360, 60, 50), counts("5xx", -125, 60, 30)], WINDOW)

    assert earlier is not None
    assert earlier.start == WINDOW.start - timedelta(minutes=135)
    assert earlier.end == WINDOW.start


def test_an_older_incident_that_was_over_is_not_part_of_this_one() -> None:
    series = [counts("2xx", -360, 60, 50), counts("5xx", -300, -240, 30), counts("5xx", -30, 60, 30)]

    earlier = earlier_stretch(series, WINDOW)

    assert earlier is not None
    assert earlier.start == WINDOW.start - timedelta(minutes=40)


def test_stray_failures_are_not_an_onset() -> None:
    assert earlier_stretch([counts("2xx", -360, 60, 50), counts("5xx", -5, -4, 1)], WINDOW) is None


def test_a_small_service_that_fails_is_seen_beside_a_large_one() -> None:
    series = [counts("2xx", -360, 60, 5000, "web"), counts("5xx", -30, 60, 2, "api")]

    assert earlier_stretch(series, WINDOW) is not None


def test_no_request_counts_tell_nothing() -> None:
    assert earlier_stretch([], WINDOW) is None
