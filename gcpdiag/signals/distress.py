"""Signs that users suffer which request metrics do not count: what Cloud Run refuses never reaches an instance.

The request log tells of refused requests. Where nobody could read it, these signs say which services to judge all the
same, and since when. They name nothing by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gcpdiag.model.json import objects_at, text_at, times_in
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window, from_epoch
from gcpdiag.signals.estate import Estate
from gcpdiag.signals.metric import INSTANCES, PENDING, SLOTS, SeriesIndex

METRICS = (INSTANCES, SLOTS, PENDING)

_FULL = 0.95  # share of a configured limit
_LONG_WAIT = 1000.0  # milliseconds that the slowest hundredth waits for an instance
_LASTING = 3  # minutes
_DIPS = 2  # minutes that do not end a stretch


def distressed_since(service: ServiceRef, estate: Estate, series: SeriesIndex, window: Window) -> datetime | None:
    """Return since when a service is in distress at the window's end; None without a sign of it."""
    broke = _not_ready_since(service, estate)
    if broke is not None:
        return max(broke, window.start)
    if not estate.configuration(service):
        return None
    full = estate.max_instances(service) * _FULL
    at_limit = _beyond_since(_values(series, INSTANCES, service, window, combine="sum"), full)
    slots = _beyond_since(_values(series, SLOTS, service, window), estate.concurrency(service) * _FULL)
    waiting = _beyond_since(_values(series, PENDING, service, window), _LONG_WAIT)
    starts = [one for one in (_both(at_limit, slots), waiting) if one is not None]
    return from_epoch(min(starts) * 60) if starts else None


def _not_ready_since(service: ServiceRef, estate: Estate) -> datetime | None:
    """Return since when the revision that should serve is not ready; None where one is."""
    document = estate.services.get(service, {})
    serving = estate.revisions.get(estate.serving_revision(service))
    told = document if serving is None else serving
    times = [
        moment
        for one in objects_at(told, "conditions")
        if text_at(one, "type") in {"Ready", "RoutesReady"} and text_at(one, "state") == "CONDITION_FAILED"
        for moment in times_in(one)
    ]
    ready = serving is None and text_at(document, "latestReadyRevision")
    return None if ready else min(times, default=None)


def _values(
    series: SeriesIndex, metric: str, service: ServiceRef, window: Window, *, combine: str = "max"
) -> dict[int, float]:
    told = series.values(metric, service.name, labels={}, quantile=0.99, combine=combine)
    start, end = window.start.timestamp() / 60, window.end.timestamp() / 60
    return {minute: value for minute, value in sorted(told.items()) if start <= minute <= end}


def _beyond_since(values: Mapping[int, float], bound: float) -> int | None:
    """Return the first minute of the last stretch beyond a bound that lasts to the end, but for short dips."""
    beyond: list[int] = []
    dips = 0
    for minute in sorted(values, reverse=True):
        dips = 0 if values[minute] >= bound else dips + 1
        if dips > _DIPS:
            break
        if not dips:
            beyond.append(minute)
    return beyond[-1] if len(beyond) >= _LASTING else None


def _both(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else max(first, second)
