"""Cloud Monitoring v3: time series and metric descriptors; there are no alert policies and no uptime checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from gcpdiag.bundle.format import TIME_SERIES
from gcpdiag.emulator.metric_filter import Aggregation, FilterError, SeriesQuery, select_series
from gcpdiag.emulator.paging import Mark, mark_of, page_of, page_size, token_of
from gcpdiag.emulator.rest import Request, Route, invalid, not_found
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.window import in_utc

_MOST_POINTS = 100_000
_MOST_DESCRIPTORS = 10_000
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
_ONE_TYPE = re.compile(r'\s*metric\.type\s*=\s*"?([^"\s]+)"?\s*')
_TYPE_PREFIX = re.compile(r'\s*metric\.type\s*=\s*starts_with\(\s*"([^"]*)"\s*\)\s*')
_VIEWS = {"": False, "FULL": False, "0": False, "HEADERS": True, "1": True}


def list_time_series(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the series that match; pages are counted in points, or in series where only headers are asked."""
    query = _query_of(request)
    try:
        found = select_series(state.listed(TIME_SERIES), query)
    except FilterError as error:
        raise invalid(str(error)) from error
    size = page_size(request.number("pageSize"), default=_MOST_POINTS, most=_MOST_POINTS)
    key = repr((captured, query))
    if query.headers_only:
        page, token = page_of(found, size=size, token=request.text("pageToken"), query=key)
        listed: list[Json] = list(page)
    else:
        mark = mark_of(request.text("pageToken"), key)
        listed, more = _points_page(found, mark.position, size)
        token = token_of(Mark(mark.position + size), key) if more else ""
    answer: JsonObject = {"timeSeries": listed} if listed else {}
    return {**answer, **({"nextPageToken": token} if token else {})}


def _points_page(found: list[JsonObject], start: int, size: int) -> tuple[list[Json], bool]:
    """Return the points from one position on, each below its series, and whether there are more after them."""
    listed: list[Json] = []
    position, end = 0, start + size
    for one in found:
        points = objects_at(one, "points")
        first, last = max(start - position, 0), min(end - position, len(points))
        if first < last:
            listed.append({**one, "points": list(points[first:last])} if last - first < len(points) else one)
        position += len(points)
    return listed, position > end


def _query_of(request: Request) -> SeriesQuery:
    if request.text("orderBy"):
        raise invalid("The orderBy parameter is not supported.")  # unverified wording
    end = _moment_of(request, "interval.endTime")
    start = _moment_of(request, "interval.startTime") if request.text("interval.startTime") else end
    if start > end:
        raise invalid("Field interval.start_time had an invalid value: it is later than the end.")  # unverified wording
    view = request.text("view")
    if view not in _VIEWS:
        raise invalid(f"Invalid value at 'view' (TYPE_ENUM), \"{view}\"")
    if not request.text("filter").strip():
        raise invalid("Field filter had an invalid value: it must name one metric type.")  # unverified wording
    return SeriesQuery(
        filter=request.text("filter"),
        start=start,
        end=end,
        aggregation=_aggregation_of(request, "aggregation"),
        secondary=_aggregation_of(request, "secondaryAggregation"),
        headers_only=_VIEWS[view],
    )


def _aggregation_of(request: Request, prefix: str) -> Aggregation | None:
    if not any(name.startswith(f"{prefix}.") for name in request.query):
        return None
    period = request.text(f"{prefix}.alignmentPeriod")
    found = _DURATION.fullmatch(period)
    if period and not found:
        raise invalid(f"Invalid value at '{prefix}.alignment_period' (type.googleapis.com/google.protobuf.Duration)")
    return Aggregation(
        alignment_period=timedelta(seconds=float(found[1])) if found else timedelta(),
        aligner=request.text(f"{prefix}.perSeriesAligner") or "ALIGN_NONE",
        reducer=request.text(f"{prefix}.crossSeriesReducer") or "REDUCE_NONE",
        group_by=tuple(request.query.get(f"{prefix}.groupByFields", ())),
    )


def _moment_of(request: Request, name: str) -> datetime:
    try:
        return in_utc(datetime.fromisoformat(request.text(name)))
    except ValueError as error:
        raise invalid(f'Field {name} had an invalid value: "{request.text(name)}"') from error


def list_descriptors(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with a descriptor of each metric that has a series."""
    told = request.text("filter")
    found = [one for one in _descriptors(state) if _has_type(one, told)]
    size = page_size(request.number("pageSize"), default=_MOST_DESCRIPTORS, most=_MOST_DESCRIPTORS)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=told)
    return {"metricDescriptors": list(page), **({"nextPageToken": token} if token else {})}


def get_descriptor(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the descriptor of one metric."""
    for one in _descriptors(state):
        if one["type"] == captured["type"]:
            return one
    raise not_found(f"Could not find descriptor for metric '{captured['type']}'.")


def _has_type(descriptor: JsonObject, told: str) -> bool:
    own = text_at(descriptor, "type")
    if not told.strip():
        return True
    if one := _ONE_TYPE.fullmatch(told):
        return own == one[1]
    if prefix := _TYPE_PREFIX.fullmatch(told):
        return own.startswith(prefix[1])
    raise invalid(f"The emulator cannot evaluate this filter of metric descriptors: {told}")


def _descriptors(state: State) -> list[JsonObject]:
    labels: dict[str, set[str]] = {}
    resources: dict[str, set[str]] = {}
    kinds: dict[str, JsonObject] = {}
    for series in state.listed(TIME_SERIES):
        own = text_at(series, "metric.type")
        kinds.setdefault(own, {"metricKind": series.get("metricKind"), "valueType": series.get("valueType")})
        labels.setdefault(own, set()).update(object_at(series, "metric.labels"))
        resources.setdefault(own, set()).add(text_at(series, "resource.type"))
    return [
        {
            "name": f"projects/{state.project}/metricDescriptors/{own}",
            "labels": [{"key": key} for key in sorted(labels[own])],
            **kinds[own],
            "type": own,
            "monitoredResourceTypes": [*sorted(resources[own])],
        }
        for own in sorted(kinds)
    ]


def list_nothing(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with an empty list, whatever it is of: the bundle records none."""
    return {}


_PROJECT = r"/v3/projects/(?P<project>[^/]+)"
_DESCRIPTORS = "monitoring.metricDescriptors."
ROUTES = (
    Route("GET", "monitoring", rf"{_PROJECT}/timeSeries", list_time_series, TIME_SERIES),
    Route(
        "GET",
        "monitoring",
        rf"{_PROJECT}/metricDescriptors",
        list_descriptors,
        TIME_SERIES,
        permission=f"{_DESCRIPTORS}list",
    ),
    Route(
        "GET",
        "monitoring",
        rf"{_PROJECT}/metricDescriptors/(?P<type>.+)",
        get_descriptor,
        TIME_SERIES,
        permission=f"{_DESCRIPTORS}get",
    ),
    Route("GET", "monitoring", rf"{_PROJECT}/alertPolicies", list_nothing),
    Route("GET", "monitoring", rf"{_PROJECT}/uptimeCheckConfigs", list_nothing),
)
