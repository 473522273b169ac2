"""Cloud Monitoring: series by filter and interval, pages counted in points, descriptors."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.backend import Backend
from gcpdiag.model.json import JsonObject, objects_at, text_at, texts_at
from tests.emulator.asking import backend_of, get, refusal
from tests.making import PROJECT, SERIES, moment, series

PATH = f"/v3/projects/{PROJECT}/timeSeries"
CPU, MEMORY = "run.googleapis.com/container/cpu/utilizations", "run.googleapis.com/container/memory/utilizations"
IS_CPU = f'metric.type = "{CPU}"'
WHOLE = {"interval__startTime": moment(0), "interval__endTime": moment(60)}


def backend() -> Backend:
    return backend_of(
        {
            SERIES: [
                series(CPU, {minute: minute / 100 for minute in range(1, 6)}, labels={"zone": "a"}),
                series(CPU, {minute: minute / 10 for minute in range(1, 4)}, labels={"zone": "b"}),
                series(MEMORY, {1: 0.5}),
            ]
        }
    )


def counts(answer: JsonObject) -> list[tuple[str, int]]:
    return [
        (text_at(one, "metric.labels.zone"), len(objects_at(one, "points"))) for one in objects_at(answer, "timeSeries")
    ]


def test_the_series_of_one_metric_come_as_they_were_recorded() -> None:
    own = backend()

    assert objects_at(get(own, PATH, filter=IS_CPU, **WHOLE), "timeSeries") == own.state.series()[:2]


def test_the_interval_begins_after_its_start_and_includes_its_end() -> None:
    asked = {"interval__startTime": moment(2), "interval__endTime": moment(4)}

    assert counts(get(backend(), PATH, filter=IS_CPU, **asked)) == [("a", 2), ("b", 1)]


def test_pages_are_counted_in_points_and_a_series_may_go_on_overleaf() -> None:
    own, pages, token = backend(), [], ""
    while True:
        answer = get(own, PATH, filter=IS_CPU, pageSize="3", **WHOLE, **({"pageToken": token} if token else {}))
        pages.append(counts(answer))
        token = text_at(answer, "nextPageToken")
        if not token:
            break

    assert pages == [[("a", 3)], [("a", 2), ("b", 1)], [("b", 2)]]


def test_headers_are_counted_in_series_and_have_no_points() -> None:
    answer = get(backend(), PATH, filter=IS_CPU, view="HEADERS", pageSize="1", **WHOLE)

    assert counts(answer) == [("a", 0)]
    assert text_at(answer, "nextPageToken")


def test_an_aggregation_is_computed() -> None:
    answer = get(
        backend(),
        PATH,
        filter=IS_CPU,
        aggregation__alignmentPeriod="3600s",
        aggregation__perSeriesAligner="ALIGN_MAX",
        aggregation__crossSeriesReducer="REDUCE_MAX",
        aggregation__groupByFields=["resource.labels.service_name"],
        **WHOLE,
    )

    [one] = objects_at(answer, "timeSeries")
    assert [text_at(point, "value.doubleValue") for point in objects_at(one, "points")] == ["0.3"]


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": ""},
        {"filter": "resource.type = cloud_run_revision"},
        {"filter": "metric.type = ("},
        {"interval.endTime": ""},
        {"interval.endTime": "yesterday"},
        {"interval.startTime": moment(61)},
        {"view": "PARTIAL"},
        {"orderBy": "timestamp"},
        {"pageSize": "-1"},
        {"pageToken": "made-up"},
        {"aggregation.alignmentPeriod": "an hour"},
        {"aggregation.perSeriesAligner": "ALIGN_MAX"},
        {"aggregation.alignmentPeriod": "60s", "aggregation.perSeriesAligner": "ALIGN_SIDEWAYS"},
    ],
)
def test_what_cannot_be_done_is_an_invalid_argument(asked: dict[str, str]) -> None:
    told = {"filter": IS_CPU, "interval.startTime": moment(0), "interval.endTime": moment(60), **asked}

    error = refusal(backend(), PATH, **{name.replace(".", "__"): value for name, value in told.items()})

    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")


def test_the_descriptors_are_those_of_the_metrics_that_there_are() -> None:
    path = f"/v3/projects/{PROJECT}/metricDescriptors"

    assert [text_at(one, "type") for one in objects_at(get(backend(), path), "metricDescriptors")] == [CPU, MEMORY]
    only = get(backend(), path, filter='metric.type = starts_with("run.googleapis.com/container/mem")')
    assert [text_at(one, "type") for one in objects_at(only, "metricDescriptors")] == [MEMORY]
    one = get(backend(), f"{path}/{CPU}")
    assert (text_at(one, "metricKind"), texts_at(one, "monitoredResourceTypes")) == ("GAUGE", ["cloud_run_revision"])
    assert refusal(backend(), f"{path}/none").code == 404
    assert refusal(backend(), path, filter="resource.type = x").code == 400


@pytest.mark.parametrize("what", ["alertPolicies", "uptimeCheckConfigs"])
def test_there_are_no_alert_policies_and_no_uptime_checks(what: str) -> None:
    assert get(backend(), f"/v3/projects/{PROJECT}/{what}") == {}
