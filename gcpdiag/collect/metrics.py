"""Which metrics are read: one call each for all resources, as the points were written.

Types, kinds and delays are from the metric lists of Cloud Monitoring. A call takes one metric type alone. ``triage``
reads what a signal needs; ``collect`` reads the rest too, so that a later version may know more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gcpdiag.collect.scope import BASELINE, HISTORY, Scope
from gcpdiag.model.database import has_metric
from gcpdiag.model.json import JsonObject
from gcpdiag.model.window import Window

CONNECTORS, DATABASES, CACHES, ROUTERS, BALANCERS = (
    "vpcaccess.connectors",
    "sqladmin.instances",
    "redis.instances",
    "compute.routers",
    "compute.backend_services",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric type; it is read only if the source ``of`` has resources that write it, or could not be read itself."""

    type: str
    of: str = ""
    triage: bool = True
    back: timedelta = BASELINE

    def fits(self, resource: JsonObject) -> bool:
        """Tell whether a resource of the source ``of`` has this metric."""
        return has_metric(resource, self.type)


_RUN = "run.googleapis.com"
_SQL = "cloudsql.googleapis.com/database"
_VPC = "vpcaccess.googleapis.com/connector"
_REDIS = "redis.googleapis.com"

METRICS = (
    Metric(type=f"{_RUN}/request_count", back=HISTORY),
    Metric(type=f"{_RUN}/request_latency/pending"),
    Metric(type=f"{_RUN}/container/instance_count"),
    Metric(type=f"{_RUN}/container/cpu/utilizations"),
    Metric(type=f"{_RUN}/container/memory/utilizations"),
    Metric(type=f"{_RUN}/container/max_request_concurrencies"),
    Metric(type=f"{_RUN}/container/completed_probe_count"),
    Metric(type=f"{_RUN}/container/startup_latencies", triage=False),
    Metric(type=f"{_RUN}/request_latencies", triage=False),
    Metric(type=f"{_RUN}/scaling/recommended_instances", triage=False),
    Metric(type=f"{_RUN}/infrastructure/cloudsql/connection_request_count", triage=False),
    Metric(type=f"{_RUN}/infrastructure/cloudsql/connection_refused_count", triage=False),
    Metric(type=f"{_RUN}/container/network/sent_bytes_count", triage=False),
    Metric(type=f"{_RUN}/container/network/received_bytes_count", triage=False),
    Metric(type=f"{_SQL}/up", of=DATABASES),
    Metric(type=f"{_SQL}/cpu/utilization", of=DATABASES),
    Metric(type=f"{_SQL}/disk/utilization", of=DATABASES),
    Metric(type=f"{_SQL}/postgresql/num_backends", of=DATABASES),
    Metric(type=f"{_SQL}/postgresql/num_backends_by_state", of=DATABASES),
    Metric(type=f"{_SQL}/postgresql/new_connection_count", of=DATABASES),
    Metric(type=f"{_SQL}/network/connections", of=DATABASES),
    Metric(type=f"{_SQL}/memory/utilization", of=DATABASES, triage=False),
    Metric(type=f"{_SQL}/instance_state", of=DATABASES, triage=False),
    Metric(type=f"{_VPC}/cpu/utilizations", of=CONNECTORS),
    Metric(type=f"{_VPC}/instances", of=CONNECTORS),
    Metric(type=f"{_VPC}/sent_bytes_count", of=CONNECTORS, triage=False),
    Metric(type=f"{_VPC}/received_bytes_count", of=CONNECTORS, triage=False),
    Metric(type=f"{_REDIS}/clients/connected", of=CACHES),
    Metric(type=f"{_REDIS}/stats/memory/usage_ratio", of=CACHES),
    Metric(type=f"{_REDIS}/stats/reject_connections_count", of=CACHES),
    Metric(type=f"{_REDIS}/stats/cpu_utilization_main_thread", of=CACHES),
    Metric(type=f"{_REDIS}/server/uptime", of=CACHES, triage=False),
    Metric(type="router.googleapis.com/nat/dropped_sent_packets_count", of=ROUTERS),
    Metric(type="router.googleapis.com/nat/port_usage", of=ROUTERS, triage=False),
    Metric(type="serviceruntime.googleapis.com/quota/exceeded"),
    Metric(type="serviceruntime.googleapis.com/quota/rate/net_usage", triage=False),
    Metric(type="loadbalancing.googleapis.com/https/request_count", of=BALANCERS),
)


def filter_of(metric: Metric, scope: Scope) -> str:
    """Return the Monitoring filter that selects a metric's series in the scope's regions, where it has a region."""
    selected = f'metric.type = "{metric.type}"'
    if not scope.regions or not metric.type.startswith((_RUN, _VPC)):
        return selected
    regions = ", ".join(f'"{one}"' for one in scope.regions)
    return f"{selected} AND resource.labels.location = one_of({regions})"


def interval_of(metric: Metric, scope: Scope) -> Window:
    """Return the stretch for which a metric is read: the window, and what lies before it for comparison."""
    return Window(start=scope.window.start - metric.back, end=scope.window.end)
