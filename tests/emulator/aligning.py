"""Small time series, and what a request for them answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gcpdiag.emulator.metric_filter import Aggregation, SeriesQuery, select_series
from gcpdiag.model.json import Json, JsonObject, field_at, objects_at, text_at

METRIC = "run.googleapis.com/anything"
END = datetime(2025, 9, 15, 20, 10, tzinfo=UTC)
START = END - timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
VALUES = {"INT64": "int64Value", "DOUBLE": "doubleValue", "BOOL": "boolValue", "DISTRIBUTION": "distributionValue"}


def stamp(minute: float) -> str:
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def point_of(start: float, end: float, value: Json, value_type: str) -> JsonObject:
    told = str(value) if value_type == "INT64" else value
    return {"interval": {"startTime": stamp(start), "endTime": stamp(end)}, "value": {VALUES[value_type]: told}}


def series_of(kind: str, value_type: str, points: Sequence[JsonObject], **labels: str) -> JsonObject:
    newest_first: list[Json] = [*reversed(points)]
    return {
        "metric": {"type": METRIC, "labels": {"code": labels.pop("code", "200")}},
        "resource": {"type": "cloud_run_revision", "labels": {"project_id": "demo", "service_name": "api", **labels}},
        "metricKind": kind,
        "valueType": value_type,
        "points": newest_first,
    }


def gauge(value_type: str, values: Sequence[Json], **labels: str) -> JsonObject:
    points = [point_of(minute, minute, value, value_type) for minute, value in enumerate(values, start=1)]
    return series_of("GAUGE", value_type, points, **labels)


def delta(value_type: str, values: Sequence[Json], **labels: str) -> JsonObject:
    points = [point_of(minute - 1, minute, value, value_type) for minute, value in enumerate(values, start=1)]
    return series_of("DELTA", value_type, points, **labels)


def distribution(*counts: int, mean: float = 0.0, deviation: float = 0.0) -> JsonObject:
    """Values below 10, from 10 up to 20, up to 30, and above."""
    return {
        "count": str(sum(counts)),
        "mean": mean,
        "sumOfSquaredDeviation": deviation,
        "bucketOptions": {"explicitBuckets": {"bounds": [10, 20, 30]}},
        "bucketCounts": [str(count) for count in counts],
    }


def asked(
    *series: JsonObject,
    aligner: str,
    reducer: str = "REDUCE_NONE",
    group_by: tuple[str, ...] = (),
    period: float = 5,
    end: datetime = END,
) -> list[JsonObject]:
    aggregation = Aggregation(timedelta(minutes=period), aligner, reducer, group_by)
    return select_series(series, SeriesQuery(f'metric.type="{METRIC}"', START, end, aggregation))


def values_of(series: JsonObject) -> list[Json]:
    """The values of a series, oldest first."""
    name = f"value.{VALUES[text_at(series, 'valueType')]}"
    return [field_at(point, name) for point in reversed(objects_at(series, "points"))]
