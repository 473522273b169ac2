"""Four questions to Cloud Logging for all services together: its quota is 60 reads a minute for a whole project.

What fails must not be pushed out by what does not, nor a deployment hours ago by a flood of errors: each kind has a
page of its own, newest entries first. The four filters exclude each other, so no entry comes twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gcpdiag.collect.scope import CHANGES_BACK, Scope
from gcpdiag.model.window import Window, in_utc

# Resource types as Cloud Logging names them: Cloud Run, load balancers, databases, caches, connectors, NAT.
_BALANCERS = (
    "http_load_balancer",
    "http_external_regional_lb_rule",
    "internal_http_lb_rule",
)
_WORKLOADS = (
    "cloud_run_revision",
    "cloud_run_worker_pool",
    "cloudsql_database",
    "redis_instance",
    "vpc_access_connector",
    "nat_gateway",
)
# Administrators' changes of these say nothing about Cloud Run, and there may be thousands of them an hour.
_UNRELATED = (
    "k8s_cluster",
    "gke_cluster",
    "gke_nodepool",
    "gce_instance",
    "gce_instance_group",
    "gce_instance_group_manager",
    "gce_disk",
    "bigquery_resource",
    "bigquery_dataset",
    "dataflow_step",
)
_AUDIT = 'log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/system_event")'
_POLICY = 'log_id("cloudaudit.googleapis.com/policy")'
_REQUESTS = 'log_id("run.googleapis.com/requests")'
_SYSTEM = 'log_id("run.googleapis.com/varlog/system")'
_FAILED = "httpRequest.status>=400"
_ALARMING = "(severity>=WARNING OR severity=DEFAULT)"
"""Text on standard output and error has no severity: an unhandled exception may well be DEFAULT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuestion:
    """One filter; ``routine`` is what may be a sample only."""

    name: str
    filter: str
    routine: bool = False


def log_questions(scope: Scope) -> list[LogQuestion]:
    """Return the questions for a window, the most telling first; changes are looked for from a day before it."""
    changes = Window(start=scope.window.start - CHANGES_BACK, end=scope.window.end)
    here = _regional(scope.regions)
    return [
        LogQuestion(
            name="failed requests and system events", filter=_joined(_during(scope.window), _failures(), *here)
        ),
        LogQuestion(
            name="application and database logs",
            filter=_joined(_during(scope.window), _application(), _ALARMING, *here),
        ),
        LogQuestion(
            name="answered requests and routine logs",
            filter=_joined(_during(scope.window), _routine(), *here),
            routine=True,
        ),
        LogQuestion(
            name="changes",
            filter=_joined(_during(changes), f"({_AUDIT})", f"NOT resource.type=({_any(_UNRELATED)})", *here),
        ),
    ]


def earlier_question(earlier: Window, regions: Sequence[str]) -> LogQuestion:
    """Return the one question for a stretch that a window was widened by: whatever is not routine."""
    wanted = f"({_failures()} OR ({_application()} AND {_ALARMING}))"
    return LogQuestion(name="logs since the onset", filter=_joined(_during(earlier), wanted, *_regional(regions)))


def _regional(regions: Sequence[str]) -> list[str]:
    """Return the term that keeps services of other regions out; what has no region of its own stays."""
    if not regions:
        return []
    return [f'NOT (resource.type="cloud_run_revision" AND NOT resource.labels.location=({_any(regions)}))']


def _failures() -> str:
    balancers = f"resource.type=({_any(_BALANCERS)})"
    return f"((({_REQUESTS} OR {balancers}) AND {_FAILED}) OR {_SYSTEM} OR {_POLICY})"


def _application() -> str:
    return f"(resource.type=({_any(_WORKLOADS)}) AND NOT ({_AUDIT} OR {_POLICY} OR {_REQUESTS} OR {_SYSTEM}))"


def _routine() -> str:
    answered = f"(({_REQUESTS} OR resource.type=({_any(_BALANCERS)})) AND NOT {_FAILED})"
    return f"({answered} OR ({_application()} AND NOT {_ALARMING}))"


def _during(window: Window) -> str:
    return f'timestamp>="{_time(window.start)}" AND timestamp<"{_time(window.end)}"'


def _time(moment: datetime) -> str:
    return in_utc(moment).isoformat().replace("+00:00", "Z")


def _any(values: Sequence[str]) -> str:
    return " OR ".join(f'"{one}"' for one in values)


def _joined(*terms: str) -> str:
    return " AND ".join(terms)
