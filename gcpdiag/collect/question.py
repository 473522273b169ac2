"""All questions of one collection: a table, so that the budget of calls can be read off it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gcpdiag.bundle.format import LOG_ENTRIES, TIME_SERIES
from gcpdiag.collect.logs import LogQuestion, log_questions
from gcpdiag.collect.metrics import METRICS, filter_of, interval_of
from gcpdiag.collect.scope import Scope
from gcpdiag.collect.share import PageShares
from gcpdiag.gcp.read import PageCall, Reader, region_of
from gcpdiag.model.json import JsonObject

REGIONS = "run.regions"
"""No source of a bundle: the question in which regions a project has services, when nobody says."""

REGIONAL = ("run.services", "run.revisions", "vpcaccess.connectors", "redis.instances")
"""Sources that can only be asked region by region."""

Breadth = Literal["triage", "everything"]

_WAIT, _LOGGING_WAIT = 10.0, 20.0  # seconds for one call; searching logs may take a while
_MANY_PAGES = 20  # of anything but logs: a project with more is reported as cut off
_SPARE_PAGES: dict[Breadth, int] = {"triage": 2, "everything": 16}
"""Pages of a thousand log entries beyond one for each kind of log; all kinds share them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One list to read: ``after`` names a source that must have resources first, of those that ``only`` says.

    ``wait`` is seconds for a call.

    With ``shares``, pages beyond the first are those that it allots. ``then`` gives the questions that only what was
    found lets one ask.
    """

    source: str
    name: str
    call: PageCall
    most_pages: int = _MANY_PAGES
    shares: PageShares | None = None
    after: str = ""
    only: Callable[[JsonObject], bool] = bool
    routine: bool = False
    wait: float = _WAIT
    then: Callable[[Sequence[JsonObject]], Sequence[Question]] | None = None


# What signals read of Compute is asked for in every triage; the rest belongs to a bundle that is kept.
_COMPUTE_FOR_TRIAGE = (
    ("backend_services", ("backendServices",)),
    ("network_endpoint_groups", ("networkEndpointGroups",)),
    ("routers", ("routers",)),
    ("firewalls", ("firewalls",)),
    ("subnetworks", ("subnetworks",)),
)
_COMPUTE_BESIDES = (
    ("forwarding_rules", ("forwardingRules",)),
    ("target_proxies", ("targetHttpProxies", "targetHttpsProxies")),
    ("url_maps", ("urlMaps",)),
    ("ssl_certificates", ("sslCertificates",)),
    ("routes", ("routes",)),
    ("addresses", ("addresses",)),
)


def questions_of(scope: Scope, reader: Reader, breadth: Breadth, *, monotonic: Callable[[], float]) -> list[Question]:
    """Return every question for a scope, those first whose answers take longest."""
    logs = log_questions(scope)
    shares = PageShares([one.name for one in logs], _SPARE_PAGES[breadth], monotonic=monotonic)
    return [
        *(log_question(one, scope, reader, shares) for one in logs),
        *(_regional_questions(scope.project, scope.regions, reader) if scope.regions else [_discovery(scope, reader)]),
        *_metric_questions(scope, reader, breadth),
        Question(source="sqladmin.instances", name="instances", call=reader.sql_instances(scope.project)),
        Question(source="servicehealth.events", name="events", call=reader.health_events(scope.project)),
        *_compute_questions(scope, reader, breadth),
    ]


def log_question(question: LogQuestion, scope: Scope, reader: Reader, shares: PageShares | None = None) -> Question:
    """Return the question that a filter asks: one page, and its share of the spare ones."""
    return Question(
        source=LOG_ENTRIES,
        name=question.name,
        call=reader.entries(scope.project, question.filter),
        most_pages=1,
        shares=shares,
        routine=question.routine,
        wait=_LOGGING_WAIT,
    )


def _discovery(scope: Scope, reader: Reader) -> Question:
    """Return the question in which regions there are services, and with its answer what is to be asked there."""
    return Question(
        source=REGIONS,
        name="regions with services",
        call=reader.services_everywhere(scope.project),
        then=lambda found: _regional_questions(scope.project, regions_of(found), reader),
    )


def regions_of(services: Iterable[JsonObject]) -> tuple[str, ...]:
    """Return the regions of services in Knative's shape, sorted."""
    return tuple(sorted({region for one in services if (region := region_of(one))}))


def _regional_questions(project: str, regions: Sequence[str], reader: Reader) -> list[Question]:
    found: list[Question] = []
    for region in regions:
        for source, name, call in (
            ("run.services", "services", reader.services(project, region)),
            ("run.revisions", "revisions", reader.revisions(project, region)),
            ("vpcaccess.connectors", "connectors", reader.connectors(project, region)),
            ("redis.instances", "instances", reader.redis_instances(project, region)),
        ):
            found.append(Question(source=source, name=f"{name} in {region}", call=call))
    return found


def _metric_questions(scope: Scope, reader: Reader, breadth: Breadth) -> list[Question]:
    return [
        Question(
            source=TIME_SERIES,
            name=metric.type,
            call=reader.time_series(scope.project, filter_of(metric, scope), interval_of(metric, scope)),
            after=metric.of,
            only=metric.fits,
        )
        for metric in METRICS
        if metric.triage or breadth == "everything"
    ]


def _compute_questions(scope: Scope, reader: Reader, breadth: Breadth) -> list[Question]:
    wanted: Sequence[tuple[str, tuple[str, ...]]] = _COMPUTE_FOR_TRIAGE
    if breadth == "everything":
        wanted = (*_COMPUTE_FOR_TRIAGE, *_COMPUTE_BESIDES)
    return [
        Question(source=f"compute.{source}", name=kind, call=reader.compute(scope.project, kind))
        for source, kinds in wanted
        for kind in kinds
    ]
