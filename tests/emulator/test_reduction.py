"""Reduction: one series of many, by the labels that are kept."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.metric_filter import Aggregation, FilterError, SeriesQuery, select_series
from gcpdiag.model.json import Json, JsonObject, object_at, text_at
from tests.emulator.aligning import END, METRIC, MINUTE, START, asked, delta, distribution, gauge, values_of

REQUESTS = [
    delta("INT64", [1, 2], code="200", service_name="api", revision="a"),
    delta("INT64", [10, 20], code="500", service_name="api", revision="b"),
    delta("INT64", [100], code="200", service_name="web", revision="c"),
]


def test_everything_is_reduced_to_one_series_without_groups() -> None:
    (found,) = asked(*REQUESTS, aligner="ALIGN_DELTA", reducer="REDUCE_SUM", period=1, end=START + 2 * MINUTE)
    assert (found["metricKind"], found["valueType"]) == ("DELTA", "INT64")
    assert values_of(found) == ["111", "22"]
    assert found["metric"] == {"type": METRIC}
    assert found["resource"] == {"type": "cloud_run_revision", "labels": {"project_id": "demo"}}


@pytest.mark.parametrize(
    "spelling", ["resource.labels.service_name", "resource.label.service_name", 'resource.label."service_name"']
)
def test_groups_keep_the_labels_that_they_are_made_by(spelling: str) -> None:
    found = asked(*REQUESTS, aligner="ALIGN_DELTA", reducer="REDUCE_SUM", group_by=(spelling,))
    named = {text_at(one, "resource.labels.service_name"): values_of(one) for one in found}
    assert named == {"api": ["33"], "web": ["100"]}


def test_groups_may_be_made_by_labels_of_metric_and_resource() -> None:
    by = ("resource.labels.service_name", "metric.labels.code", "resource.type")
    found = asked(*REQUESTS, aligner="ALIGN_RATE", reducer="REDUCE_SUM", group_by=by)
    assert [object_at(one, "metric.labels") for one in found] == [{"code": "200"}, {"code": "500"}, {"code": "200"}]
    assert {one["metricKind"] for one in found} == {"GAUGE"}


def test_groups_do_not_reach_across_resource_types() -> None:
    job: JsonObject = {"type": "cloud_run_job", "labels": {"project_id": "demo"}}
    other: JsonObject = {**REQUESTS[0], "resource": job}
    found = asked(REQUESTS[0], other, aligner="ALIGN_DELTA", reducer="REDUCE_SUM")
    assert [text_at(one, "resource.type") for one in found] == ["cloud_run_revision", "cloud_run_job"]


@pytest.mark.parametrize(
    "series,reducer,value_type,expected",
    [
        ([gauge("INT64", [1]), gauge("INT64", [4])], "REDUCE_MEAN", "DOUBLE", 2.5),
        ([gauge("INT64", [1]), gauge("INT64", [4])], "REDUCE_MIN", "INT64", "1"),
        ([gauge("INT64", [1]), gauge("INT64", [4])], "REDUCE_MAX", "INT64", "4"),
        ([gauge("INT64", [1]), gauge("INT64", [4])], "REDUCE_COUNT", "INT64", "2"),
        ([gauge("INT64", [1]), gauge("INT64", [4])], "REDUCE_STDDEV", "DOUBLE", 1.5),
        ([gauge("INT64", [1]), gauge("INT64", [5])], "REDUCE_PERCENTILE_95", "DOUBLE", pytest.approx(4.8)),
        ([gauge("BOOL", [True]), gauge("BOOL", [False])], "REDUCE_COUNT_TRUE", "INT64", "1"),
        ([gauge("BOOL", [True]), gauge("BOOL", [False])], "REDUCE_COUNT_FALSE", "INT64", "1"),
        ([gauge("BOOL", [True]), gauge("BOOL", [False])], "REDUCE_FRACTION_TRUE", "DOUBLE", 0.5),
        ([gauge("BOOL", [True]), gauge("BOOL", [False])], "REDUCE_COUNT", "INT64", "2"),
    ],
)
def test_a_group_becomes_one_value(series: list[JsonObject], reducer: str, value_type: str, expected: Json) -> None:
    (found,) = asked(*series, aligner="ALIGN_NEXT_OLDER", reducer=reducer)
    assert found["valueType"] == value_type
    assert values_of(found) == [expected]


@pytest.mark.parametrize(
    "reducer,expected",
    [
        ("REDUCE_PERCENTILE_50", 20),
        ("REDUCE_PERCENTILE_99", 29.8),
        ("REDUCE_MEAN", 20),
        ("REDUCE_STDDEV", 5),
    ],
)
def test_distributions_are_merged_before_they_are_reduced(reducer: str, expected: float) -> None:
    slow, fast = distribution(0, 0, 50, mean=25), distribution(0, 50, mean=15)
    (found,) = asked(
        delta("DISTRIBUTION", [slow]), delta("DISTRIBUTION", [fast]), aligner="ALIGN_DELTA", reducer=reducer
    )
    assert found["valueType"] == "DOUBLE"
    assert values_of(found) == [pytest.approx(expected)]


def test_a_second_aggregation_works_on_the_result_of_the_first() -> None:
    first = Aggregation(MINUTE, "ALIGN_DELTA", "REDUCE_SUM", ("resource.labels.service_name",))
    second = Aggregation(10 * MINUTE, "ALIGN_MAX", "REDUCE_MEAN")
    (found,) = select_series(REQUESTS, SeriesQuery(f'metric.type="{METRIC}"', START, END, first, second))
    assert values_of(found) == [(22 + 100) / 2]
    assert found["valueType"] == "DOUBLE"


@pytest.mark.parametrize(
    "series,aligner,reducer",
    [
        (gauge("INT64", [1]), "ALIGN_MEAN", "REDUCE_COUNT_TRUE"),
        (gauge("BOOL", [True]), "ALIGN_NEXT_OLDER", "REDUCE_SUM"),
        (delta("DISTRIBUTION", [distribution(1)]), "ALIGN_DELTA", "REDUCE_MAX"),
    ],
)
def test_a_reducer_that_does_not_fit_is_refused(series: JsonObject, aligner: str, reducer: str) -> None:
    with pytest.raises(FilterError, match=r"^Field aggregation\.crossSeriesReducer .* The reducer cannot be applied"):
        asked(series, aligner=aligner, reducer=reducer)
