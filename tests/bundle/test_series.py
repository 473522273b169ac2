"""Time series as Monitoring answers them, and quantiles of distributions."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.bundle.series import Distribution, TimeSeries, decode_series
from gcpdiag.model.json import Json, JsonObject
from tests.making import moment, series


def decoded(value: JsonObject) -> TimeSeries:
    point: JsonObject = {"interval": {"endTime": moment(1)}, "value": value}
    told: JsonObject = {**series("m", {}), "points": [point]}
    return decode_series(json.dumps(told).encode())


def number(value: JsonObject, quantile: float = 0.99) -> float | None:
    return decoded(value).points[0].value.number(quantile)


def distribution(options: JsonObject, counts: Sequence[Json], **more: Json) -> JsonObject:
    return {"distributionValue": {"bucketOptions": options, "bucketCounts": [*counts], **more}}


@pytest.mark.parametrize(
    "value, read",
    [
        ({"int64Value": "42"}, 42.0),
        ({"int64Value": 42}, 42.0),
        ({"doubleValue": 0.25}, 0.25),
        ({"doubleValue": 3}, 3.0),
        ({"boolValue": True}, 1.0),
        ({"doubleValue": "NaN"}, None),
        ({"doubleValue": "Infinity"}, None),
        ({"stringValue": "up"}, None),
        ({}, None),
    ],
)
def test_values_are_numbers_where_they_can_be(value: JsonObject, read: float | None) -> None:
    assert number(value) == read


@pytest.mark.parametrize(
    "options, quantile, read",
    [
        ({"explicitBuckets": {"bounds": [0, 10, 20]}}, 0.5, 10.0),
        ({"explicitBuckets": {"bounds": [0, 10, 20]}}, 0.25, 5.0),
        ({"linearBuckets": {"numFiniteBuckets": 2, "width": 10, "offset": 0}}, 0.75, 15.0),
        ({"exponentialBuckets": {"numFiniteBuckets": 2, "growthFactor": 2, "scale": 1}}, 0.5, 2.0),
        ({"exponentialBuckets": {"numFiniteBuckets": 2, "growthFactor": 2, "scale": 1}}, 1.0, 4.0),
    ],
)
def test_quantiles_interpolate_within_their_bucket(options: JsonObject, quantile: float, read: float) -> None:
    assert number(distribution(options, ["0", "50", "50"], count="100"), quantile) == pytest.approx(read)


def test_what_lies_in_the_open_bucket_is_at_least_its_lower_bound() -> None:
    assert number(distribution({"explicitBuckets": {"bounds": [0, 10]}}, [0, 1, 99])) == 10.0


def test_the_first_bucket_begins_at_zero_or_below() -> None:
    assert number(distribution({"explicitBuckets": {"bounds": [10, 20]}}, [100]), 0.5) == 5.0
    assert number(distribution({"explicitBuckets": {"bounds": [-4, 20]}}, [100]), 0.5) == -4.0


def test_trailing_empty_buckets_may_be_left_out() -> None:
    options: JsonObject = {"explicitBuckets": {"bounds": [0, 10, 20, 30, 40]}}
    assert number(distribution(options, ["0", "100"]), 0.5) == number(distribution(options, [0, 100, 0, 0, 0, 0]), 0.5)


@pytest.mark.parametrize("counts", [[], ["0", "0"]])
def test_nothing_counted_has_no_quantile(counts: list[Json]) -> None:
    assert number(distribution({"explicitBuckets": {"bounds": [1]}}, counts)) is None


def test_without_buckets_the_mean_is_the_best_answer() -> None:
    assert number({"distributionValue": {"count": "12", "mean": 3.5}}) == 3.5
    assert number({"distributionValue": {"count": "12", "mean": 3.5, "bucketCounts": ["12"]}}) == 0.0


@pytest.mark.parametrize(
    "options",
    [
        {"exponentialBuckets": {"numFiniteBuckets": 10**9, "growthFactor": 10.0, "scale": 1e300}},
        {"linearBuckets": {"numFiniteBuckets": 10**9, "width": 1e308, "offset": 1e308}},
        {"exponentialBuckets": {"numFiniteBuckets": 10**9, "growthFactor": 0.0, "scale": 0.0}},
        {"explicitBuckets": {"bounds": []}},
    ],
)
def test_absurd_buckets_take_no_memory_and_raise_nothing(options: JsonObject) -> None:
    number(distribution(options, [0] * 400 + [1], mean=2.0))


def test_counts_below_zero_are_nothing_counted() -> None:
    assert number(distribution({"explicitBuckets": {"bounds": [1]}}, [-5, 3])) is None


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any),
    st.lists(st.floats(0, 1e6), min_size=5, max_size=5, unique=True).map(sorted),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
)
def test_a_higher_quantile_is_never_a_lower_value(
    counts: list[int], bounds: list[float], one: float, other: float
) -> None:
    told = decoded(distribution({"explicitBuckets": {"bounds": [*bounds]}}, counts))
    found = told.points[0].value.distribution_value
    assert isinstance(found, Distribution)
    low, high = found.quantile(min(one, other)), found.quantile(max(one, other))
    assert low is not None
    assert high is not None
    assert low <= high * (1 + 1e-9)


@pytest.mark.parametrize(
    "line, why",
    [
        (b"oops", "malformed"),
        (b'{"points": []}', "without metric.type"),
        (b'{"metric": {"type": "m"}, "points": [{"value": {}}]}', "interval"),
        (b'{"metric": {"type": "m"}, "points": [{"interval": {"endTime": "x"}, "value": {}}]}', "endTime"),
        (
            b'{"metric": {"type": "m"}, "points": [{"interval": {"endTime": "9999-12-31T23:59:59Z"}, "value": {}}]}',
            "of the year 9999",
        ),
    ],
)
def test_what_is_wrong_with_a_series_is_said(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode_series(line)


@pytest.mark.parametrize("value", ["many", "1e400", {}, [1], "9" * 400])
def test_a_count_that_is_no_number_is_an_error(value: Json) -> None:
    with pytest.raises(ValueError, match="int64Value"):
        decoded({"int64Value": value})
