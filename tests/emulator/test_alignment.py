"""Alignment and reduction: what each operation makes of a period's points, and laws that hold for any points."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gcpdiag.emulator.metric_filter import FilterError
from gcpdiag.model.json import Json, JsonObject, field_at, number_at, object_at, objects_at, text_at
from tests.emulator.aligning import END, asked, delta, distribution, gauge, point_of, series_of, stamp, values_of

TEN = [4, 1, 3, 2, 5, 10, 30, 20, 50, 40]


@pytest.mark.parametrize(
    "series,aligner,kind,value_type,expected",
    [
        (delta("INT64", TEN), "ALIGN_DELTA", "DELTA", "INT64", ["15", "150"]),
        (delta("DOUBLE", TEN), "ALIGN_DELTA", "DELTA", "DOUBLE", [15, 150]),
        (delta("INT64", TEN), "ALIGN_RATE", "GAUGE", "DOUBLE", [0.05, 0.5]),
        (gauge("INT64", TEN), "ALIGN_MIN", "GAUGE", "INT64", ["1", "10"]),
        (gauge("INT64", TEN), "ALIGN_MAX", "GAUGE", "INT64", ["5", "50"]),
        (delta("DOUBLE", TEN), "ALIGN_MAX", "GAUGE", "DOUBLE", [5, 50]),
        (gauge("INT64", TEN), "ALIGN_MEAN", "GAUGE", "DOUBLE", [3, 30]),
        (gauge("INT64", TEN), "ALIGN_COUNT", "GAUGE", "INT64", ["5", "5"]),
        (gauge("BOOL", [True] * 7), "ALIGN_COUNT", "GAUGE", "INT64", ["5", "2"]),
        (gauge("INT64", TEN), "ALIGN_SUM", "GAUGE", "INT64", ["15", "150"]),
        (delta("INT64", TEN), "ALIGN_SUM", "DELTA", "INT64", ["15", "150"]),
        (gauge("DOUBLE", [1, 1, 1, 1, 1, 2, 4]), "ALIGN_STDDEV", "GAUGE", "DOUBLE", [0, 1]),
        (gauge("BOOL", [True, False, True]), "ALIGN_COUNT_TRUE", "GAUGE", "INT64", ["2"]),
        (gauge("BOOL", [True, False, True]), "ALIGN_COUNT_FALSE", "GAUGE", "INT64", ["1"]),
        (gauge("BOOL", [True, False, True, True]), "ALIGN_FRACTION_TRUE", "GAUGE", "DOUBLE", [0.75]),
        (gauge("INT64", TEN), "ALIGN_NEXT_OLDER", "GAUGE", "INT64", ["5", "40"]),
        (gauge("BOOL", [True, False]), "ALIGN_NEXT_OLDER", "GAUGE", "BOOL", [False]),
    ],
)
def test_a_period_becomes_one_value(
    series: JsonObject, aligner: str, kind: str, value_type: str, expected: list[Json]
) -> None:
    (found,) = asked(series, aligner=aligner)
    assert (found["metricKind"], found["valueType"]) == (kind, value_type)
    assert values_of(found) == expected


def test_points_end_at_period_ends_counted_back_from_the_end() -> None:
    (found,) = asked(gauge("INT64", TEN), aligner="ALIGN_MAX", period=4)
    ends = [text_at(point, "interval.endTime") for point in objects_at(found, "points")]
    assert ends == [stamp(10), stamp(6), stamp(2)]


def test_a_gauge_stands_at_an_instant_and_a_delta_for_its_period() -> None:
    (instant,) = asked(gauge("INT64", TEN), aligner="ALIGN_MAX")
    (stretch,) = asked(delta("INT64", TEN), aligner="ALIGN_DELTA")
    assert object_at(objects_at(instant, "points")[0], "interval") == {"startTime": stamp(10), "endTime": stamp(10)}
    assert object_at(objects_at(stretch, "points")[0], "interval") == {"startTime": stamp(5), "endTime": stamp(10)}


def test_a_period_without_points_has_no_value() -> None:
    (found,) = asked(gauge("INT64", [1, 2]), aligner="ALIGN_MAX")
    assert [text_at(point, "interval.endTime") for point in objects_at(found, "points")] == [stamp(5)]


def test_a_delta_across_the_end_of_a_period_is_shared_by_time() -> None:
    series = series_of("DELTA", "INT64", [point_of(0, 10, 7, "INT64")])
    (found,) = asked(series, aligner="ALIGN_DELTA", period=2.5)
    assert values_of(found) == ["1", "2", "2", "2"]
    (found,) = asked(
        {**series, "valueType": "DOUBLE", "points": [point_of(0, 10, 7.0, "DOUBLE")]}, aligner="ALIGN_DELTA"
    )
    assert values_of(found) == [3.5, 3.5]


def test_a_cumulative_series_gives_what_was_added_and_survives_a_reset() -> None:
    points = [point_of(0, end, 10 * end, "INT64") for end in range(1, 7)] + [
        point_of(6, 8, 5, "INT64"),
        point_of(6, 9, 9, "INT64"),
    ]
    (found,) = asked(series_of("CUMULATIVE", "INT64", points), aligner="ALIGN_DELTA")
    assert found["metricKind"] == "DELTA"
    assert values_of(found) == ["40", "19"]


def test_merged_distributions_are_those_of_all_values() -> None:
    # 5 and 15; then 15, 25 and 25.
    first = distribution(1, 1, mean=10, deviation=50)
    second = distribution(0, 1, 2, mean=65 / 3, deviation=200 / 3)
    (found,) = asked(delta("DISTRIBUTION", [first, second]), aligner="ALIGN_DELTA")
    (merged,) = values_of(found)
    all_values = [5, 15, 15, 25, 25]
    assert (found["metricKind"], found["valueType"]) == ("DELTA", "DISTRIBUTION")
    assert (field_at(merged, "count"), field_at(merged, "bucketCounts")) == ("5", ["1", "2", "2"])
    assert number_at(merged, "mean") == pytest.approx(17)
    assert number_at(merged, "sumOfSquaredDeviation") == pytest.approx(sum((one - 17) ** 2 for one in all_values))


@pytest.mark.parametrize(
    "aligner,expected",
    [
        ("ALIGN_PERCENTILE_05", 1),
        ("ALIGN_PERCENTILE_50", 10),
        ("ALIGN_PERCENTILE_95", 28),
        ("ALIGN_PERCENTILE_99", 29.6),
    ],
)
def test_a_percentile_is_interpolated_inside_its_bucket(aligner: str, expected: float) -> None:
    halves: list[Json] = [distribution(50, 0, 0), distribution(0, 25, 25)]
    (found,) = asked(delta("DISTRIBUTION", halves), aligner=aligner)
    assert (found["metricKind"], found["valueType"]) == ("GAUGE", "DOUBLE")
    assert values_of(found) == [pytest.approx(expected)]


@pytest.mark.parametrize(
    "series,aligner",
    [
        (gauge("INT64", [1]), "ALIGN_DELTA"),
        (gauge("INT64", [1]), "ALIGN_RATE"),
        (gauge("INT64", [1]), "ALIGN_PERCENTILE_99"),
        (gauge("BOOL", [True]), "ALIGN_MEAN"),
        (gauge("INT64", [1]), "ALIGN_COUNT_TRUE"),
        (delta("INT64", [1]), "ALIGN_NEXT_OLDER"),
        (delta("DISTRIBUTION", [distribution(1)]), "ALIGN_RATE"),
        (delta("DISTRIBUTION", [distribution(1)]), "ALIGN_MAX"),
        (series_of("CUMULATIVE", "INT64", [point_of(0, 1, 1, "INT64")]), "ALIGN_COUNT"),
    ],
)
def test_an_aligner_that_does_not_fit_is_refused_in_the_words_of_the_api(series: JsonObject, aligner: str) -> None:
    with pytest.raises(FilterError) as caught:
        asked(series, aligner=aligner)
    assert caught.value.message == (
        f'Field aggregation.perSeriesAligner had an invalid value of "{aligner}": The aligner cannot be applied to '
        f"metrics with kind {series['metricKind']} and value type {series['valueType']}."
    )


def test_distributions_with_different_buckets_are_not_merged() -> None:
    buckets: JsonObject = {"explicitBuckets": {"bounds": [1]}}
    other: JsonObject = {**distribution(1), "bucketOptions": buckets}
    with pytest.raises(FilterError, match="buckets differ"):
        asked(delta("DISTRIBUTION", [distribution(1), other]), aligner="ALIGN_DELTA")


def test_a_cumulative_distribution_is_refused() -> None:
    series = series_of("CUMULATIVE", "DISTRIBUTION", [point_of(0, 1, distribution(1), "DISTRIBUTION")])
    with pytest.raises(FilterError, match="cumulative"):
        asked(series, aligner="ALIGN_DELTA")


COUNTS = st.lists(st.integers(0, 2**40), min_size=1, max_size=10)
PERIODS = st.sampled_from([1, 1.5, 2, 3, 3.7, 4, 7, 10, 60])
OFFSETS = st.integers(0, 59).map(lambda second: END + timedelta(seconds=second))


@given(COUNTS, PERIODS, OFFSETS)
def test_aligning_to_deltas_loses_nothing(counts: list[int], period: float, end: datetime) -> None:
    (found,) = asked(delta("INT64", counts), aligner="ALIGN_DELTA", period=period, end=end)
    assert sum(int(str(value)) for value in values_of(found)) == sum(counts)


@given(COUNTS, PERIODS)
def test_summing_the_series_before_or_after_alignment_is_the_same(counts: list[int], period: float) -> None:
    one, other = gauge("INT64", counts, revision="a"), gauge("INT64", list(reversed(counts)), revision="b")
    (reduced,) = asked(one, other, aligner="ALIGN_SUM", reducer="REDUCE_SUM", period=period)
    assert sum(int(str(value)) for value in values_of(reduced)) == 2 * sum(counts)


@given(COUNTS, PERIODS)
def test_the_order_of_series_does_not_matter(counts: list[int], period: float) -> None:
    series = [delta("INT64", counts, revision=str(number)) for number in range(3)]
    forwards = asked(*series, aligner="ALIGN_RATE", reducer="REDUCE_MAX", period=period)
    assert asked(*reversed(series), aligner="ALIGN_RATE", reducer="REDUCE_MAX", period=period) == forwards


@given(COUNTS, PERIODS)
def test_the_mean_lies_between_the_smallest_and_the_largest(counts: list[int], period: float) -> None:
    low, mean, high = (
        [float(str(value)) for value in values_of(asked(gauge("INT64", counts), aligner=name, period=period)[0])]
        for name in ("ALIGN_MIN", "ALIGN_MEAN", "ALIGN_MAX")
    )
    assert all(a <= b <= c for a, b, c in zip(low, mean, high, strict=True))


BUCKETS = st.lists(st.tuples(*[st.integers(0, 50)] * 4), min_size=1, max_size=10)


@given(BUCKETS, PERIODS)
def test_merging_distributions_keeps_every_count(buckets: list[tuple[int, ...]], period: float) -> None:
    assume(any(sum(counts) for counts in buckets))
    points: list[Json] = [distribution(*counts) for counts in buckets]
    (found,) = asked(delta("DISTRIBUTION", points), aligner="ALIGN_DELTA", period=period)
    merged = values_of(found)
    assert sum(number_at(one, "count") or 0 for one in merged) == sum(map(sum, buckets))


@given(BUCKETS)
def test_percentiles_grow(buckets: list[tuple[int, ...]]) -> None:
    assume(any(sum(counts) for counts in buckets))
    points: list[Json] = [distribution(*counts) for counts in buckets]
    names = ("05", "50", "95", "99")
    found = [
        values_of(asked(delta("DISTRIBUTION", points), aligner=f"ALIGN_PERCENTILE_{name}", period=10)[0])[0]
        for name in names
    ]
    numbers = [float(str(value)) for value in found]
    assert numbers == sorted(numbers)
    assert all(math.isfinite(number) for number in numbers)
