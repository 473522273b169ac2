"""Time series of a bundle, found by metric and resource, as plain numbers by minute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from gcpdiag.bundle.series import TimeSeries
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.signals.traffic import Traffic

REQUEST_COUNT = "run.googleapis.com/request_count"
INSTANCES = "run.googleapis.com/container/instance_count"
SLOTS = "run.googleapis.com/container/max_request_concurrencies"
PENDING = "run.googleapis.com/request_latency/pending"
BALANCED_COUNT = "loadbalancing.googleapis.com/https/request_count"
_RESOURCE_LABELS = {
    "cloud_run_revision": "service_name",
    "vpc_access_connector": "connector_name",
    "cloudsql_database": "database_id",
    "redis_instance": "instance_id",
    "consumer_quota": "project_id",
    "nat_gateway": "gateway_name",
    "https_lb_rule": "backend_target_name",
}


@dataclass(slots=True)
class SeriesIndex:
    """The series of the metrics that anybody asks for, by metric type and the resource's short name."""

    series: dict[tuple[str, str], list[TimeSeries]] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)

    def values(
        self,
        metric: str,
        resource: str,
        *,
        labels: Mapping[str, str],
        quantile: float,
        combine: str,
    ) -> dict[int, float]:
        """Return one number for each minute (Unix time over 60), the series of a resource taken together."""
        minutes: dict[int, float] = {}
        for one in self.series.get((metric, resource), ()):
            if any(one.metric.labels.get(key, "").lower() != value.lower() for key, value in labels.items()):
                continue
            for point in one.points:
                number = point.value.number(quantile)
                if number is None:
                    continue
                minute = int(point.interval.end_time.timestamp() // 60)
                known = minutes.get(minute)
                if known is None:
                    minutes[minute] = number
                else:
                    minutes[minute] = known + number if combine == "sum" else max(known, number)
        return minutes

    def traffic(self, start: float, end: float) -> dict[ServiceRef, Traffic]:
        """Return requests by service as ``request_count`` tells them, between two Unix times."""
        found: dict[ServiceRef, Traffic] = {}
        for (metric, _), several in sorted(self.series.items()):
            if metric == REQUEST_COUNT:
                for one in several:
                    _add_requests(found, one, start, end)
        return found

    def balanced_traffic(self, start: float, end: float) -> dict[str, Traffic]:
        """Return requests by backend service as a load balancer's ``request_count`` tells them, from a sample."""
        found: dict[str, Traffic] = {}
        for (metric, backend), several in sorted(self.series.items()):
            if metric == BALANCED_COUNT:
                traffic = found.setdefault(backend, Traffic())
                for one in several:
                    _count(traffic, one, start, end, revision="")
        return found


def index_series(series: Iterable[TimeSeries], wanted: set[str]) -> SeriesIndex:
    """Return the index of the series whose metric is wanted; the others are only known to exist."""
    index = SeriesIndex()
    for one in series:
        index.types.add(one.metric.type)
        if one.metric.type in wanted or one.metric.type in {REQUEST_COUNT, BALANCED_COUNT}:
            label = _RESOURCE_LABELS.get(one.resource.type, "")
            resource = last_segment(one.resource.labels.get(label, ""))
            index.series.setdefault((one.metric.type, resource), []).append(one)
    return index


def _add_requests(found: dict[ServiceRef, Traffic], series: TimeSeries, start: float, end: float) -> None:
    labels = series.resource.labels
    service = ServiceRef(name=labels.get("service_name", ""), region=labels.get("location", ""))
    _count(found.setdefault(service, Traffic()), series, start, end, revision=labels.get("revision_name", ""))


def _count(traffic: Traffic, series: TimeSeries, start: float, end: float, *, revision: str) -> None:
    status = _status_of(series)
    for point in series.points:
        at, count = point.interval.end_time.timestamp() - 60, point.value.number()
        if count and start <= at < end:
            traffic.add_counted(int(at // 60), int(count), status=status, revision=revision)


def _status_of(series: TimeSeries) -> int:
    """Return the status of the requests that a series counts; of a class alone, its first one (``5xx`` is 500)."""
    code, told = series.metric.labels.get("response_code", ""), series.metric.labels.get("response_code_class", "")
    if code.isdecimal() and code.isascii():
        return int(code)
    return 100 * int(told[0]) if told[:1].isdecimal() and told.isascii() else 0


def robust_score(values: list[float], baseline: list[float]) -> float:
    """Return how far the last values lie from the baseline, in robust standard deviations.

    The floor under the spread (a tenth of the level) keeps a tiny wiggle of a flat series from winning.
    """
    level = median(baseline)
    spread = 1.4826 * median(abs(one - level) for one in baseline)
    return (median(values) - level) / max(spread, 0.1 * abs(level), 1e-9)
