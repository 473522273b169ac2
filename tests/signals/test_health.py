"""Whether a service fails, and since when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.model.diagnosis import ServiceState
from gcpdiag.model.json import JsonObject
from tests.making import ENTRIES, SERIES, SERVICES, START, request, requests, service
from tests.signals.making import API, seen_in


def state(*entries: JsonObject) -> ServiceState:
    return seen_in({SERVICES: [service()], ENTRIES: list(entries)}, {}).states[API]


def minutes_to_onset(told: ServiceState) -> int:
    assert told.onset is not None
    return (told.onset - START) // timedelta(minutes=1)


def steady(share: int, length: int = 60) -> list[JsonObject]:
    """Ten requests a minute, of which one in ``share`` fails, evenly."""
    numbers = range(length * 10)
    return [request(503 if number % share == 0 else 200, minute=number / 10 + 0.05) for number in numbers]


def test_a_service_that_answers_is_healthy() -> None:
    told = state(*requests(200, range(60)))
    assert (told.health, told.requests, told.errors, told.onset) == ("healthy", 60, 0, None)


@pytest.mark.parametrize("errors", [1, 2])
def test_a_stray_error_is_no_failure(errors: int) -> None:
    assert state(*requests(200, range(60)), *requests(503, range(30, 30 + errors))).health == "healthy"


def test_one_percent_of_errors_all_the_time_is_no_failure() -> None:
    assert state(*steady(100)).health == "healthy"


def test_a_tenth_of_errors_all_the_time_is_a_failure_older_than_the_window() -> None:
    told = state(*steady(10))
    assert (told.health, told.older_than_window) == ("failing", True)


def test_a_failure_begins_where_errors_do() -> None:
    told = state(*requests(200, range(40)), *requests(503, range(40, 60)))
    assert (told.health, minutes_to_onset(told), told.older_than_window) == ("failing", 40, False)


def test_a_stray_error_long_before_is_not_the_onset() -> None:
    told = state(*requests(200, range(40)), request(503, minute=5), *requests(503, range(40, 60)))
    assert minutes_to_onset(told) == 40


def test_a_failure_that_grows_worse_began_with_its_first_part() -> None:
    worse = [request(503, minute=minute + part / 10) for minute in range(45, 60) for part in range(10)]
    told = state(*requests(200, range(60)), *requests(503, range(20, 45)), *worse)
    assert minutes_to_onset(told) == 20


def test_the_onset_is_the_very_first_failed_request() -> None:
    told = state(*requests(200, range(40)), *(request(503, minute=40.25 + part) for part in range(15)))
    assert told.onset == START + timedelta(minutes=40.25)


def test_what_fails_from_the_start_is_older_than_the_window() -> None:
    assert state(*requests(503, range(60))).older_than_window


def test_a_service_whose_first_request_comes_late_did_not_fail_before_it() -> None:
    assert not state(*requests(503, range(30, 60))).older_than_window


def test_a_failure_that_is_long_over_has_recovered() -> None:
    told = state(*requests(200, range(10)), *requests(503, range(10, 25)), *requests(200, range(25, 60)))
    assert (told.health, minutes_to_onset(told)) == ("recovered", 10)


def test_silence_after_the_errors_is_no_recovery() -> None:
    assert state(*requests(200, range(10)), *requests(503, range(10, 25))).health == "failing"


def test_errors_that_come_in_bursts_have_not_recovered_in_a_gap_like_the_last() -> None:
    bursts = [*requests(503, range(10)), *requests(503, range(20, 30)), *requests(503, range(40, 44))]
    assert state(*requests(200, range(60)), *bursts).health == "failing"


@pytest.mark.parametrize("failed, health", [(2, "healthy"), (3, "failing")])
def test_with_little_traffic_three_errors_of_a_few_are_a_failure(failed: int, health: str) -> None:
    assert state(*requests(200, range(4)), *requests(503, range(40, 40 + failed))).health == health


def test_a_short_burst_in_much_traffic_is_a_failure() -> None:
    burst = [request(503, minute=30 + part / 10) for part in range(12)]
    assert state(*steady(10**6), *steady(10**6), *burst).health == "failing"


def test_without_requests_a_service_is_healthy_where_all_would_be_seen() -> None:
    told = seen_in({SERVICES: [service()], ENTRIES: [], SERIES: []}, {}).states[API]
    assert (told.health, told.requests) == ("healthy", 0)


def test_without_a_log_nothing_is_known_of_a_service() -> None:
    assert seen_in({SERVICES: [service()]}, {}).states[API].health == "unknown"


MINUTES = st.lists(st.integers(0, 59), max_size=30)


@given(MINUTES.filter(lambda one: len(one) > 2), MINUTES)
def test_the_onset_is_the_time_of_an_error(failed: list[int], served: list[int]) -> None:
    told = state(*(request(503, minute=one) for one in failed), *(request(200, minute=one) for one in served))
    if told.health != "healthy":
        assert minutes_to_onset(told) in failed
