"""Time series of a playbook's test, as the Monitoring API lists them: newest first, integers as text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from gcpdiag.diagnose.selftest_entries import database_resource, revision_of, run_resource
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import rfc3339
from gcpdiag.playbook.format import SeriesLine
from gcpdiag.playbook.notation import PROJECT, REGION, SERIES_RESOURCES, START, nearest, points_of

Kind: TypeAlias = Literal["GAUGE", "DELTA"]
ValueType: TypeAlias = Literal["INT64", "DOUBLE", "BOOL", "DISTRIBUTION"]

_COUNTED = 100  # values in each distribution
_TINY = 1e-9  # upper end of the bucket that holds zeros

# Google Cloud metrics list, by the end of the name; what ends in _count and is not here is DELTA INT64.
_KINDS: tuple[tuple[str, Kind, ValueType], ...] = (
    ("container/instance_count", "GAUGE", "INT64"),
    ("container/instance_count_with_readiness", "GAUGE", "INT64"),
    ("service_health_count", "GAUGE", "INT64"),
    ("pending_queue/pending_requests", "GAUGE", "INT64"),
    ("scaling/recommended_instances", "GAUGE", "INT64"),
    ("connector/instances", "GAUGE", "INT64"),
    ("connector/cpu/utilizations", "GAUGE", "DISTRIBUTION"),
    ("container/cpu/utilizations", "DELTA", "DISTRIBUTION"),
    ("container/memory/utilizations", "DELTA", "DISTRIBUTION"),
    ("container/cpu/usage", "GAUGE", "DISTRIBUTION"),
    ("container/memory/usage", "GAUGE", "DISTRIBUTION"),
    ("container/startup_latencies", "DELTA", "DISTRIBUTION"),
    ("container/probe_latencies", "DELTA", "DISTRIBUTION"),
    ("container/max_request_concurrencies", "DELTA", "DISTRIBUTION"),
    ("request_latencies", "DELTA", "DISTRIBUTION"),
    ("request_latency/pending", "DELTA", "DISTRIBUTION"),
    ("request_latency/e2e_latencies", "DELTA", "DISTRIBUTION"),
    ("cloudsql/connection_latencies", "DELTA", "DISTRIBUTION"),
    ("container/billable_instance_time", "DELTA", "DOUBLE"),
    ("database/up", "GAUGE", "INT64"),
    ("database/instance_state", "GAUGE", "BOOL"),
    ("database/available_for_failover", "GAUGE", "INT64"),
    ("database/network/connections", "GAUGE", "INT64"),
    ("postgresql/num_backends", "GAUGE", "INT64"),
    ("postgresql/num_backends_by_state", "GAUGE", "INT64"),
    ("postgresql/num_backends_by_application", "GAUGE", "INT64"),
    ("postgresql/vacuum/oldest_transaction_age", "GAUGE", "INT64"),
    ("clients/connected", "GAUGE", "INT64"),
    ("clients/blocked", "GAUGE", "INT64"),
    ("server/uptime", "GAUGE", "INT64"),
    ("stats/connections/total", "DELTA", "INT64"),
    ("stats/evicted_keys", "DELTA", "INT64"),
    ("stats/cpu_utilization", "DELTA", "DOUBLE"),
    ("stats/cpu_utilization_main_thread", "DELTA", "DOUBLE"),
)


def series_of(line: SeriesLine) -> JsonObject:
    """Return the raw series; ValueError for values or a resource that cannot be read."""
    kind, value_type = kind_of(line.metric, distribution=line.distribution)
    points = points_of(line.values)
    values = _values([one for one in points if one is not None], value_type)
    moments = [START + timedelta(minutes=minute) for minute, one in enumerate(points) if one is not None]
    written: list[Json] = [
        {"interval": _interval(at, kind), "value": value} for at, value in zip(moments, values, strict=True)
    ]
    return {
        "metric": {"type": line.metric, "labels": dict(line.labels)},
        "resource": _resource(line),
        "metricKind": kind,
        "valueType": value_type,
        "points": written[::-1],
    }


def kind_of(metric: str, *, distribution: bool = False) -> tuple[Kind, ValueType]:
    """Return a metric's kind and value type; an unlisted one is a gauge of numbers, unless it counts."""
    for name, kind, value_type in _KINDS:
        if metric.endswith(f"/{name}"):
            return kind, value_type
    if distribution:
        return "DELTA", "DISTRIBUTION"
    return ("DELTA", "INT64") if metric.endswith("_count") else ("GAUGE", "DOUBLE")


def _interval(at: datetime, kind: Kind) -> JsonObject:
    """Return the minute that a delta covers, or the moment of a gauge."""
    end = at + timedelta(minutes=1) if kind == "DELTA" else at
    return {"startTime": rfc3339(at), "endTime": rfc3339(end)}


def _resource(line: SeriesLine) -> JsonObject:
    match line.resource:
        case "cloud_run_revision":
            return run_resource(line.of, revision_of(line.of))
        case "cloudsql_database":
            return database_resource(line.of)
        case "vpc_access_connector":
            labels: JsonObject = {"location": REGION, "connector_name": line.of}
        case "redis_instance":
            path = f"projects/{PROJECT}/locations/{REGION}/instances/{line.of}"
            labels = {"region": REGION, "instance_id": path, "node_id": "node-0"}
        case "nat_gateway":
            labels = {"region": REGION, "router_id": "4711", "gateway_name": line.of}
        case "https_lb_rule":
            labels = {"region": "global", "url_map_name": "map", "backend_target_name": line.of}
        case _:
            known = nearest(line.resource, SERIES_RESOURCES)
            raise ValueError(f"a series cannot be of a {line.resource!r}; {known}")
    return {"type": line.resource, "labels": {"project_id": PROJECT, **labels}}


def _values(numbers: Sequence[float], value_type: ValueType) -> list[JsonObject]:
    match value_type:
        case "DISTRIBUTION":
            bounds = _bounds(numbers)
            return [{"distributionValue": _distribution(one, bounds)} for one in numbers]
        case "INT64":
            return [{"int64Value": _whole(one)} for one in numbers]
        case "BOOL":
            return [{"boolValue": bool(one)} for one in numbers]
        case "DOUBLE":
            return [{"doubleValue": one} for one in numbers]


def _whole(number: float) -> str:
    if not number.is_integer():
        raise ValueError(f"this metric has whole numbers, and {number:g} is none")
    return str(int(number))


def _bounds(numbers: Sequence[float]) -> list[float]:
    """Return the bounds that all points of the series share: a narrow bucket around each value.

    With every count in it the 0.99 quantile is the value and a hair more, a lower one at most 1 % less.
    """
    if any(one < 0 for one in numbers):
        raise ValueError("a distribution has no values below zero")
    positive = {one for one in numbers if one > _TINY}
    return [0.0, _TINY, *sorted({one * 0.99 for one in positive} | {one * 1.0002 for one in positive})]


def _distribution(value: float, bounds: Sequence[float]) -> JsonObject:
    empty: list[Json] = ["0"] * bisect_right(bounds, value)
    return {
        "count": str(_COUNTED),
        "mean": value,
        "bucketOptions": {"explicitBuckets": {"bounds": list(bounds)}},
        "bucketCounts": [*empty, str(_COUNTED)],
    }
