"""``timeSeries.list`` of the Monitoring API: which series, which points, aligned and reduced as asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gcpdiag.emulator.alignment import Periods, aligned, check_aligner, refused
from gcpdiag.emulator.metric_match import MetricFilter, parse_metric_filter
from gcpdiag.emulator.query_syntax import FilterError
from gcpdiag.emulator.reduction import check_reducer, reduced
from gcpdiag.emulator.time_series import Series, end_of, read_series, written
from gcpdiag.model.json import Json, JsonObject, objects_at
from gcpdiag.model.window import rfc3339

__all__ = ["Aggregation", "FilterError", "MetricFilter", "SeriesQuery", "parse_metric_filter", "select_series"]

UNALIGNED: Final = "ALIGN_NONE"
UNREDUCED: Final = "REDUCE_NONE"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What ``aggregation`` of a request says, with the names of its enums; no period is a zero one."""

    alignment_period: timedelta = timedelta()
    aligner: str = UNALIGNED
    reducer: str = UNREDUCED
    group_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """A request for time series."""

    filter: str
    start: datetime
    end: datetime
    aggregation: Aggregation | None = None
    secondary: Aggregation | None = None
    headers_only: bool = False


def select_series(series: Iterable[JsonObject], query: SeriesQuery) -> list[JsonObject]:
    """Return the series that a request asks for, newest point first.

    A point belongs to the interval ``(start, end]`` by its end. Series without points in it are left out.

    Raises:
        FilterError: for whatever of the request cannot be evaluated.
    """
    _check(query)
    wanted = parse_metric_filter(query.filter)
    chosen = [one for one in series if wanted.matches(one)]
    steps = [(one, owner) for one, owner in _aggregations(query) if one.aligner != UNALIGNED]
    if steps:
        read = [read_series(one) for one in chosen]
        for aggregation, owner in steps:
            read = _step(read, query, aggregation, owner)
        found = [written(one) for one in read]
    else:
        found = [_inside(one, query) for one in chosen]
    found = [one for one in found if one.get("points")]
    return [{key: one[key] for key in one if key != "points"} for one in found] if query.headers_only else found


def _check(query: SeriesQuery) -> None:
    if query.start >= query.end:  # documented; the wording is unverified
        start = rfc3339(query.start)
        raise refused("interval", "startTime", start, "The start time must be earlier than the end time.")
    if query.secondary is not None and query.aggregation is None:
        raise FilterError("Field secondaryAggregation may only be specified together with aggregation.")  # unverified
    for aggregation, owner in _aggregations(query):
        _check_aggregation(aggregation, owner)


def _aggregations(query: SeriesQuery) -> list[tuple[Aggregation, str]]:
    both = ((query.aggregation, "aggregation"), (query.secondary, "secondaryAggregation"))
    return [(one, owner) for one, owner in both if one is not None]


def _check_aggregation(aggregation: Aggregation, owner: str) -> None:
    if aggregation.aligner != UNALIGNED:
        check_aligner(aggregation.aligner, aggregation.alignment_period, owner)
    if aggregation.reducer != UNREDUCED:
        check_reducer(aggregation.reducer, owner)
        if aggregation.aligner == UNALIGNED:
            reason = "A reducer needs an aligner other than ALIGN_NONE."
            raise refused(owner, "crossSeriesReducer", aggregation.reducer, reason)


def _inside(series: JsonObject, query: SeriesQuery) -> JsonObject:
    """Return a stored series as it is, but for points outside the interval."""
    points = objects_at(series, "points")
    kept = [one for one in points if query.start < end_of(one) <= query.end]
    newest_first: list[Json] = [*sorted(kept, key=end_of, reverse=True)]
    return {**series, "points": newest_first}


def _step(series: list[Series], query: SeriesQuery, aggregation: Aggregation, owner: str) -> list[Series]:
    periods = Periods(query.start, query.end, aggregation.alignment_period)
    found = [aligned(one, aggregation.aligner, periods, owner) for one in series]
    if aggregation.reducer == UNREDUCED:
        return found
    return reduced([one for one in found if one.points], aggregation.reducer, aggregation.group_by, owner)
