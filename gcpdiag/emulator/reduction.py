"""Reducing aligned time series to one of each group, as ``Aggregation.Reducer`` of the Monitoring API describes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gcpdiag.emulator.alignment import refused
from gcpdiag.emulator.query_syntax import FilterError, parse_path
from gcpdiag.emulator.statistic import ANY, DISTRIBUTIONS, NUMERIC, STATISTICS, TRUTHS
from gcpdiag.emulator.time_series import DELTA, GAUGE, Point, Series, Value
from gcpdiag.model.json import Json, JsonObject, object_at, text_at

_KINDS: Final = frozenset({DELTA, GAUGE})
_BOTH: Final = NUMERIC | DISTRIBUTIONS
_VALID: Final[dict[str, frozenset[str]]] = {  # value types, from common.proto
    "REDUCE_MEAN": _BOTH,
    "REDUCE_MIN": NUMERIC,
    "REDUCE_MAX": NUMERIC,
    "REDUCE_SUM": _BOTH,
    "REDUCE_STDDEV": _BOTH,
    "REDUCE_COUNT": ANY,
    "REDUCE_COUNT_TRUE": TRUTHS,
    "REDUCE_COUNT_FALSE": TRUTHS,
    "REDUCE_FRACTION_TRUE": TRUTHS,
    "REDUCE_PERCENTILE_99": _BOTH,
    "REDUCE_PERCENTILE_95": _BOTH,
    "REDUCE_PERCENTILE_50": _BOTH,
    "REDUCE_PERCENTILE_05": _BOTH,
}
# Which kind comes out is not documented: what adds up stays what it was, everything else is a gauge (unverified).
_KEEPS_KIND: Final = frozenset({"REDUCE_SUM", "REDUCE_MIN", "REDUCE_MAX", "REDUCE_MEAN"})
_PROJECT: Final = ("resource", "project_id")

_Label = tuple[str, str]  # metric or resource, and the label's key; an empty key is the type


def check_reducer(reducer: str, owner: str) -> None:
    """Raise FilterError for a reducer that does not exist."""
    if reducer not in _VALID:
        raise refused(owner, "crossSeriesReducer", reducer, "There is no such reducer.")


def reduced(series: Iterable[Series], reducer: str, group_by: tuple[str, ...], owner: str) -> list[Series]:
    """Return one series for each group; a group never reaches across resource types."""
    labels = [_label(field, owner) for field in group_by]
    groups: defaultdict[tuple[str, ...], list[Series]] = defaultdict(list)
    for one in series:
        _check(one, reducer, owner)
        key = (text_at(one.resource, "type"), one.kind, one.value_type, *(_read(one, label) for label in labels))
        groups[key].append(one)
    return [_reduced(group, reducer, labels) for group in groups.values()]


def _label(field: str, owner: str) -> _Label:
    try:
        steps = parse_path(field)
    except FilterError as error:
        raise refused(owner, "groupByFields", field, error.message) from error
    match steps:
        case (("metric" | "resource") as side, "type"):
            return side, ""
        case (("metric" | "resource") as side, "labels" | "label", key):
            return side, key
        case ("project",):
            return _PROJECT
        case _:
            raise refused(owner, "groupByFields", field, "The emulator cannot group by this field.")


def _read(series: Series, label: _Label) -> str:
    side, key = label
    of = series.metric if side == "metric" else series.resource
    value = object_at(of, "labels").get(key) if key else of.get("type")
    return value if isinstance(value, str) else ""


def _check(series: Series, reducer: str, owner: str) -> None:
    if series.kind not in _KINDS or series.value_type not in _VALID[reducer]:
        raise refused(
            owner,
            "crossSeriesReducer",
            reducer,
            f"The reducer cannot be applied to metrics with kind {series.kind} and value type {series.value_type}.",
        )  # as for aligners; for reducers the wording is unverified


def _reduced(group: list[Series], reducer: str, labels: list[_Label]) -> Series:
    statistic, value_type = STATISTICS[reducer.removeprefix("REDUCE_")]
    first = group[0]
    kind = first.kind if reducer in _KEEPS_KIND else GAUGE
    found: defaultdict[datetime, list[Value]] = defaultdict(list)
    starts: dict[datetime, datetime] = {}
    for series in group:
        for point in series.points:
            found[point.end].append(point.value)
            starts[point.end] = point.start if kind == DELTA else point.end
    made = [(end, statistic(found[end])) for end in sorted(found)]
    return Series(
        metric=_kept(first.metric, "metric", group, labels),
        resource=_kept(first.resource, "resource", group, labels),
        kind=kind,
        value_type=value_type or first.value_type,
        points=tuple(Point(starts[end], end, value) for end, value in made if value is not None),
    )


def _kept(own: JsonObject, side: str, group: list[Series], labels: list[_Label]) -> JsonObject:
    """Return a metric or resource with the labels that all of a group share by definition.

    Besides those grouped by, the project is kept when it is the same one (unverified).
    """
    keys = [key for owner, key in labels if owner == side and key]
    if side == "resource" and len({_read(one, _PROJECT) for one in group}) == 1:
        keys.append("project_id")
    before = object_at(own, "labels")
    kept: JsonObject = {key: before[key] for key in before if key in keys}
    type_: Json = own.get("type", "")
    return {"type": type_, "labels": kept} if kept else {"type": type_}
