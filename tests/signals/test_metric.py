"""Series by metric and resource, and requests that only a metric tells of."""

from __future__ import annotations

import json

import pytest

from gcpdiag.bundle.series import decode_series
from gcpdiag.model.json import JsonObject
from gcpdiag.signals.metric import SeriesIndex, index_series
from tests.making import ENTRIES, REGION, SERIES, SERVICES, START, moment, request, series, service
from tests.signals.making import API, seen_in

FIRST = int(START.timestamp() // 60)


def index(*told: JsonObject) -> SeriesIndex:
    return index_series((decode_series(json.dumps(one).encode()) for one in told), {"m"})


def request_count(count: int, code: str, minutes: range) -> JsonObject:
    told = series("run.googleapis.com/request_count", {}, labels={"response_code_class": code})
    points: list[JsonObject] = [
        {"interval": {"endTime": moment(minute)}, "value": {"int64Value": str(count)}} for minute in minutes
    ]
    return {**told, "points": [*points]}


@pytest.mark.parametrize(
    "kind, label, name",
    [
        ("cloud_run_revision", "service_name", "api"),
        ("vpc_access_connector", "connector_name", "staging"),
        ("cloudsql_database", "database_id", "demo:orders"),
        ("redis_instance", "instance_id", "projects/p/locations/r/instances/cache"),
    ],
)
def test_series_are_filed_by_the_short_name_of_their_resource(kind: str, label: str, name: str) -> None:
    told = index(series("m", {1: 1.0}, resource={"type": kind, "labels": {label: name}}))
    assert list(told.series) == [("m", name.rsplit("/", 1)[-1])]


def test_series_that_nobody_asks_for_are_only_known_to_exist() -> None:
    told = index(series("m", {1: 1.0}), series("other", {1: 1.0}))
    assert (set(told.series), told.types) == ({("m", "api")}, {"m", "other"})


def test_values_come_by_minute() -> None:
    told = index(series("m", {1: 0.5, 2: 0.7})).values("m", "api", labels={}, quantile=0.99, combine="max")
    assert told == {FIRST + 1: 0.5, FIRST + 2: 0.7}


@pytest.mark.parametrize("combine, value", [("max", 3.0), ("sum", 4.0)])
def test_several_series_are_combined_by_minute(combine: str, value: float) -> None:
    told = index(series("m", {1: 3.0}, labels={"r": "a"}), series("m", {1: 1.0}, labels={"r": "b"}))
    assert told.values("m", "api", labels={}, quantile=0.99, combine=combine) == {FIRST + 1: value}


def test_without_a_request_log_the_metric_tells_who_fails() -> None:
    files = {
        SERVICES: [service()],
        SERIES: [request_count(10, "2xx", range(1, 61)), request_count(10, "5xx", range(41, 61))],
    }
    told = seen_in(files, {})
    state = told.states[API]
    assert (told.traffic_source, state.health, state.requests, state.errors) == (
        "monitoring.time_series",
        "failing",
        800,
        200,
    )
    assert state.onset is not None
    assert (state.onset - START).total_seconds() == 40 * 60


def test_a_request_log_is_believed_before_the_metric() -> None:
    files = {SERIES: [request_count(10, "5xx", range(1, 61))], ENTRIES: [request(200)], SERVICES: [service()]}
    told = seen_in(files, {})
    assert (told.traffic_source, told.states[API].errors) == ("logging.entries", 0)


def test_requests_are_told_apart_by_region() -> None:
    elsewhere: JsonObject = {
        "type": "cloud_run_revision",
        "labels": {"service_name": "api", "location": "europe-west1"},
    }
    other = {**request_count(1, "2xx", range(1, 3)), "resource": elsewhere}
    told = seen_in({SERIES: [request_count(1, "2xx", range(1, 3)), other]}, {})
    assert {one.region for one in told.states} == {REGION, "europe-west1"}
