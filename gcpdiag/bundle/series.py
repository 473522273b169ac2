"""Time series as the Monitoring API lists them: newest point first, integers as text, distributions in buckets."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gcpdiag.bundle.entry import MonitoredResource


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

    def bounds(self) -> list[float]:
        """Return the upper bounds of all buckets but the last, which is open."""
        if self.explicit_buckets:
            return self.explicit_buckets.bounds
        if self.exponential_buckets:
            grow = self.exponential_buckets
            return [grow.scale * grow.growth_factor**i for i in range(grow.num_finite_buckets + 1)]
        if self.linear_buckets:
            line = self.linear_buckets
            return [line.offset + line.width * i for i in range(line.num_finite_buckets + 1)]
        return []


class Distribution(msgspec.Struct, frozen=True, rename="camel"):
    """Counted values in buckets; bucket 0 lies below the first bound, trailing empty buckets are left out."""

    count: int | str = 0
    mean: float = 0.0
    bucket_options: BucketOptions = BucketOptions()
    bucket_counts: list[int | str] = []

    def quantile(self, share: float) -> float | None:
        """Return the value below which ``share`` of the counts lie, by linear interpolation in its bucket.

        The last, open bucket has no upper end: its lower bound is the answer. None where nothing was counted.
        """
        counts = [int(count) for count in self.bucket_counts]
        total = sum(counts)
        if total == 0:
            return self.mean if int(self.count) else None
        bounds = self.bucket_options.bounds()
        wanted, seen = share * total, 0
        for index, count in enumerate(counts):
            if count and seen + count >= wanted:
                low = bounds[index - 1] if 0 < index <= len(bounds) else 0.0
                high = bounds[index] if index < len(bounds) else low
                return low + (high - low) * (wanted - seen) / count
            seen += count
        return None


class TypedValue(msgspec.Struct, frozen=True, rename="camel"):
    """A point's value; exactly one of the fields is set."""

    int64_value: int | str | None = msgspec.field(default=None, name="int64Value")
    double_value: float | None = None
    bool_value: bool | None = None
    distribution_value: Distribution | None = None

    def number(self, quantile: float = 0.99) -> float | None:
        """Return the value as a number; of a distribution, the given quantile."""
        if self.int64_value is not None:
            return float(self.int64_value)
        if self.double_value is not None:
            return self.double_value
        if self.bool_value is not None:
            return float(self.bool_value)
        return self.distribution_value.quantile(quantile) if self.distribution_value else None


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
    metric_kind: str = ""
    value_type: str = ""


_decoder = msgspec.json.Decoder(TimeSeries)


def decode_series(line: bytes) -> TimeSeries:
    """Return the series of one JSON text; msgspec.DecodeError says what is wrong with it."""
    series = _decoder.decode(line)
    if not series.metric.type:
        raise msgspec.ValidationError("a time series without metric.type")
    return series
