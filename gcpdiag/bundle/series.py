"""Time series as the Monitoring API lists them: newest first, int64 as text, distributions in buckets."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from gcpdiag.bundle.entry import MonitoredResource
from gcpdiag.model.window import is_credible

Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Metric(msgspec.Struct, frozen=True):
    """The metric type and its labels."""

    type: str = ""
    labels: dict[str, str] = {}


class ExponentialBuckets(msgspec.Struct, frozen=True, rename="camel"):
    """Bounds ``scale × growthFactor^i``."""

    num_finite_buckets: int = 0
    growth_factor: float = 2.0
    scale: float = 1.0


class LinearBuckets(msgspec.Struct, frozen=True, rename="camel"):
    """Bounds ``offset + width × i``."""

    num_finite_buckets: int = 0
    width: float = 1.0
    offset: float = 0.0


class ExplicitBuckets(msgspec.Struct, frozen=True):
    """Bounds as they stand."""

    bounds: list[float] = []


class BucketOptions(msgspec.Struct, frozen=True, rename="camel"):
    """One of the three ways in which Monitoring lays out buckets."""

    exponential_buckets: ExponentialBuckets | None = None
    linear_buckets: LinearBuckets | None = None
    explicit_buckets: ExplicitBuckets | None = None

    def bound(self, index: int) -> float | None:
        """Return the upper bound of a bucket, which is the lower bound of the next; the last one has none."""
        if self.explicit_buckets:
            bounds = self.explicit_buckets.bounds
            return bounds[index] if index < len(bounds) else None
        if self.exponential_buckets:
            grow = self.exponential_buckets
            return _grown(grow, index) if index <= grow.num_finite_buckets else None
        if self.linear_buckets:
            line = self.linear_buckets
            return line.offset + line.width * index if index <= line.num_finite_buckets else None
        return None


def _grown(buckets: ExponentialBuckets, index: int) -> float | None:
    try:
        return float(buckets.scale * buckets.growth_factor**index)
    except (OverflowError, ZeroDivisionError):
        return None


class Distribution(msgspec.Struct, frozen=True, rename="camel"):
    """Counted values in buckets; bucket 0 lies below the first bound, trailing empty buckets are left out."""

    count: Int64 = 0
    mean: float = 0.0
    bucket_options: BucketOptions = BucketOptions()
    bucket_counts: list[Int64] = []

    def quantile(self, share: float) -> float | None:
        """Return the value below which ``share`` of the counts lie, by linear interpolation in its bucket.

        The last, open bucket has no upper end: its lower bound is the answer. None where nothing was counted.
        """
        total = sum(self.bucket_counts)
        if total <= 0:
            return self.mean if self.count else None
        wanted, seen = share * total, 0
        for index, count in enumerate(self.bucket_counts):
            if count > 0 and seen + count >= wanted:
                return self._within(index, (wanted - seen) / count)
            seen += count
        return None

    def _within(self, index: int, share: float) -> float:
        """Return the value at a share of one bucket; without any bound it is the mean of all."""
        high = self.bucket_options.bound(index)
        low = self.bucket_options.bound(index - 1) if index else min(0.0, high or 0.0)
        if low is None:
            return self.mean
        return low if high is None else low + (high - low) * share


class TypedValue(msgspec.Struct, frozen=True, rename="camel"):
    """A point's value; exactly one of the fields is set."""

    int64_value: Int64 | None = None
    double_value: float | None = None
    bool_value: bool | None = None
    distribution_value: Distribution | None = None

    def number(self, quantile: float = 0.99) -> float | None:
        """Return the value as a finite number, or None; of a distribution, the given quantile."""
        told: float | None = None
        for value in (self.int64_value, self.double_value, self.bool_value):
            if value is not None:
                told = float(value)
        if self.distribution_value:
            told = self.distribution_value.quantile(quantile)
        return told if told is not None and math.isfinite(told) else None


class Interval(msgspec.Struct, frozen=True, rename="camel"):
    """The stretch of time that a point stands for; gauges have an end alone."""

    end_time: datetime
    start_time: datetime | None = None


class Point(msgspec.Struct, frozen=True):
    """One measurement."""

    interval: Interval
    value: TypedValue


class TimeSeries(msgspec.Struct, frozen=True, rename="camel"):
    """One line of ``monitoring/time_series.jsonl``."""

    metric: Metric = Metric()
    resource: MonitoredResource = MonitoredResource()
    points: list[Point] = []


_decoder = msgspec.json.Decoder(TimeSeries, strict=False)  # int64 arrives as text, and so does NaN


def decode_series(line: bytes) -> TimeSeries:
    """Return the series of one JSON text; ValueError or RecursionError says what is wrong with it."""
    series = _decoder.decode(line)
    if not series.metric.type:
        raise msgspec.ValidationError("a time series without metric.type")
    for point in series.points:
        if not is_credible(point.interval.end_time):
            raise msgspec.ValidationError(f"a point of the year {point.interval.end_time.year}")
    return series
