"""Time series in Python's own values, read from the API's JSON and written back to it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from gcpdiag.emulator.query_syntax import FilterError
from gcpdiag.model.json import Json, JsonObject, field_at, number_at, object_at, objects_at, text_at
from gcpdiag.model.window import in_utc

Value: TypeAlias = float | bool | str | JsonObject

DELTA: Final = "DELTA"
GAUGE: Final = "GAUGE"
CUMULATIVE: Final = "CUMULATIVE"
INT64: Final = "INT64"
DOUBLE: Final = "DOUBLE"
BOOL: Final = "BOOL"
STRING: Final = "STRING"
DISTRIBUTION: Final = "DISTRIBUTION"

_INT64: Final = re.compile(r"-?\d{1,19}")  # arrives as text, and stays exact
_FIELDS: Final = {
    "int64Value": INT64,
    "doubleValue": DOUBLE,
    "boolValue": BOOL,
    "stringValue": STRING,
    "distributionValue": DISTRIBUTION,
}
_NAMES: Final = {value_type: name for name, value_type in _FIELDS.items()}


@dataclass(frozen=True, slots=True)
class Point:
    """One value, and the stretch ``(start, end]`` that it stands for; a gauge's start is its end."""

    start: datetime
    end: datetime
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A time series with its points in order of time."""

    metric: JsonObject
    resource: JsonObject
    kind: str
    value_type: str
    points: tuple[Point, ...]


def read_series(series: JsonObject) -> Series:
    """Return a series of the API; kind and value type are told by the points where they are not named."""
    points = objects_at(series, "points")
    first = points[0] if points else {}
    told = next((name for key, name in _FIELDS.items() if key in object_at(first, "value")), DOUBLE)
    started = text_at(first, "interval.startTime") or text_at(first, "interval.endTime")
    guessed = GAUGE if started == text_at(first, "interval.endTime") else DELTA
    value_type = text_at(series, "valueType") or told
    return Series(
        metric=object_at(series, "metric"),
        resource=object_at(series, "resource"),
        kind=text_at(series, "metricKind") or guessed,
        value_type=value_type,
        points=tuple(sorted(_points(points, value_type), key=lambda point: point.end)),
    )


def end_of(point: JsonObject) -> datetime:
    """Return the end of a point of the API."""
    return _moment(text_at(point, "interval.endTime"))


def _points(points: list[JsonObject], value_type: str) -> Iterator[Point]:
    for one in points:
        value = _value(one, value_type)
        if value is not None:  # what is no number cannot be aligned
            end, start = end_of(one), text_at(one, "interval.startTime")
            yield Point(_moment(start) if start else end, end, value)


def _value(point: JsonObject, value_type: str) -> Value | None:
    path = f"value.{_NAMES.get(value_type, '')}"
    if value_type == DISTRIBUTION:
        return object_at(point, path)
    if value_type == BOOL:
        return field_at(point, path) is True
    if value_type == STRING:
        return text_at(point, path)
    told = field_at(point, path)
    if value_type == INT64 and isinstance(told, str) and _INT64.fullmatch(told):
        return int(told)
    number = number_at(point, path)
    return int(number) if number is not None and value_type == INT64 else number


def _moment(text: str) -> datetime:
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise FilterError(f"A stored point has no readable time: '{text}'") from error


def written(series: Series) -> JsonObject:
    """Return a series as the API answers it: newest point first, int64 as text."""
    points: list[Json] = [_written_point(one, series.value_type) for one in reversed(series.points)]
    return {
        "metric": series.metric,
        "resource": series.resource,
        "metricKind": series.kind,
        "valueType": series.value_type,
        "points": points,
    }


def _written_point(point: Point, value_type: str) -> JsonObject:
    return {
        "interval": {"startTime": _stamp(point.start), "endTime": _stamp(point.end)},
        "value": {_NAMES[value_type]: _written_value(point.value, value_type)},
    }


def _written_value(value: Value, value_type: str) -> Json:
    if value_type == INT64 and isinstance(value, int | float):
        return str(int(value))
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
