"""Which regions to look at when nobody says: those in which the project has services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gcpdiag.collect.fetch import Answer, Patience
from gcpdiag.collect.gather import gather
from gcpdiag.collect.question import Question
from gcpdiag.gcp.failure import Failure
from gcpdiag.gcp.read import Reader, region_of
from gcpdiag.model.json import JsonObject

_WITHIN = 8.0  # seconds; nothing else is known until then
_REGIONAL = ("run.revisions", "vpcaccess.connectors", "redis.instances")
"""Sources that cannot be asked without a region, besides the services themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionsFound:
    """The regions with services, and what is known of regional sources if there are none to ask in."""

    regions: tuple[str, ...]
    answers: tuple[Answer, ...] = ()
    interrupted: bool = False


def find_regions(reader: Reader, project: str, patience: Patience) -> RegionsFound:
    """Ask in which regions a project has services, and what that leaves unknown when nobody says."""
    question = Question(
        source="run.services", name="regions with services", call=reader.services_everywhere(project), wait=_WITHIN
    )
    soon = replace(patience, deadline=min(patience.deadline, patience.monotonic() + _WITHIN))
    asked = gather([question], soon)
    answer = asked.answers[0]
    regions = regions_of(answer.resources)
    if regions:
        return RegionsFound(regions=regions, interrupted=asked.interrupted)
    if answer.failure is None:
        return RegionsFound(regions=(), answers=(answer,))
    why = Failure(kind=answer.failure.kind, text=f"no region is known ({answer.failure.text}); give --region")
    rest = (Answer(question=replace(question, source=source), failure=why) for source in _REGIONAL)
    return RegionsFound(regions=(), answers=(answer, *rest), interrupted=asked.interrupted)


def regions_of(services: Iterable[JsonObject]) -> tuple[str, ...]:
    """Return the regions of services in Knative's shape, sorted."""
    return tuple(sorted({region for one in services if (region := region_of(one))}))
