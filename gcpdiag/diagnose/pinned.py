"""Traffic that a rollback has pinned: until it is released, every later deployment gets none."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from gcpdiag.model.diagnosis import NamedCause, Remedy, Weight
from gcpdiag.model.finding import Evidence
from gcpdiag.model.json import JsonObject, number_at, objects_at, text_at
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.signals.observation import Observation

PINNED_TRAFFIC = "bad-deployment/pinned-traffic"
"""The id of this warning. It explains no failure, so there is no playbook that could name it as a cause."""


def pinned_warnings(seen: Observation) -> Iterator[NamedCause]:
    """Yield a warning for every service whose newest ready revision gets nothing because an older one is named."""
    for service, document in seen.estate.services.items():
        latest = last_segment(text_at(document, "latestReadyRevision"))
        pinned = _pinned_to(document)
        if service in seen.states and latest and pinned and latest not in pinned:
            yield _warning(service, pinned, latest, seen.project)


def _pinned_to(document: JsonObject) -> list[str]:
    """Return the revisions that are given traffic by name; none when the latest one gets some, whichever it is."""
    targets = [one for one in objects_at(document, "traffic") if number_at(one, "percent")]
    names = [last_segment(text_at(one, "revision")) for one in targets]
    return names if all(names) else []


def _warning(service: ServiceRef, pinned: list[str], latest: str, project: str) -> NamedCause:
    text = f"all traffic of {service.name} is pinned to {', '.join(pinned)}; {latest}, which is newer, gets none"
    evidence = Evidence(signal="traffic-pinned", text=text, source="run.services", service=service, resource=latest)
    command = f"gcpdiag traffic unpin {shlex.quote(service.name)}"
    return NamedCause(
        id=PINNED_TRAFFIC,
        title="Traffic is pinned to an older revision",
        summary=f"{text[0].upper()}{text[1:]}.",
        service=service,
        resource=latest,
        confidence=0.99,
        prior=0.0,
        evidence=(Weight(signal="traffic-pinned", title="traffic is pinned", decibans=0.0, evidence=evidence),),
        remediation=(
            Remedy(
                command=f"{command} --region={shlex.quote(service.region)} --project={shlex.quote(project)}",
                risk="medium",
                why=f"Later deployments get traffic again; {latest} takes all of it at once, so make sure of it first.",
            ),
        ),
    )
