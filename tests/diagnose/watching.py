"""Rounds of a watch as a test wants them: a diagnosis and a pulse of a few services, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gcpdiag.diagnose.vigil import Sight, Vigil
from gcpdiag.model.diagnosis import (
    Candidate,
    Diagnosis,
    NamedCause,
    ServiceHealth,
    ServiceState,
    Status,
    TimelineEvent,
)
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window
from gcpdiag.signals.pulse import Beat, Pulse, ServicePulse, Serving

NOON = datetime(2025, 9, 15, 12, tzinfo=UTC)
API = ServiceRef(name="api", region="us-central1")
WORKER = ServiceRef(name="worker", region="us-central1")
SERVING = Serving(revision="api-00002-def", latest="api-00002-def", latest_ready="api-00002-def")
MEMORY = "resource-exhaustion/memory-limit"
EGRESS = "vpc-connector/egress-blocked"
STATUS: dict[ServiceHealth, Status] = {
    "failing": "incident",
    "recovered": "healthy",
    "healthy": "healthy",
    "unknown": "inconclusive",
}


def cause(cause_id: str = MEMORY, confidence: float = 0.9, *, title: str = "Instances are killed") -> NamedCause:
    return NamedCause(
        id=cause_id,
        title=title,
        summary="api is killed for its memory",
        service=API,
        resource="",
        confidence=confidence,
        prior=0.0,
        evidence=(),
    )


def beats(requests: Sequence[int | None], errors: Sequence[int | None], *, at: datetime = NOON) -> tuple[Beat, ...]:
    """Beats of the minutes before a moment; the newest stands last."""
    first = int(at.timestamp() // 60) - len(requests)
    return tuple(
        Beat(minute=first + number, settled=number < len(requests) - 1, requests=asked, errors=failed)
        for number, (asked, failed) in enumerate(zip(requests, errors, strict=True))
    )


def pulse_of_api(
    *,
    at: datetime = NOON,
    service: ServiceRef = API,
    failed_ago: float | None = None,
    restarted_ago: float | None = None,
    each_minute: int | None = 6,
    serving: Serving | None = SERVING,
) -> ServicePulse:
    """An hour of a service; it failed until so many minutes ago, and was restarted so many minutes ago."""
    calm = 60 if failed_ago is None else min(60, int(failed_ago))
    errors = [each_minute or 0] * (60 - calm) + [0] * calm
    return ServicePulse(
        service=service,
        beats=beats([each_minute] * 60, errors, at=at),
        last_error=None if failed_ago is None else at - timedelta(minutes=failed_ago),
        last_restart=None if restarted_ago is None else at - timedelta(minutes=restarted_ago),
        restarts=int(restarted_ago is not None),
        serving=serving,
    )


def sight(
    health: ServiceHealth = "failing",
    *pulses: ServicePulse,
    at: datetime = NOON,
    causes: Sequence[NamedCause] | None = None,
    timeline: Sequence[TimelineEvent] = (),
    whole_for: float | None = 60,
    status: Status | None = None,
) -> Sight:
    """A round in which ``api`` was like that; of an incident, the memory is the cause."""
    told = pulses or (pulse_of_api(at=at, failed_ago=0.5 if health == "failing" else None),)
    status = status or STATUS[health]
    named = causes if causes is not None else [cause()] if status == "incident" else []
    return Sight(
        diagnosis=Diagnosis(
            project="demo-staging",
            window=Window(start=at - timedelta(hours=1), end=at),
            status=status,
            summary="api fails 30 of 360 requests.",
            services=(ServiceState(service=API, health=health, requests=360, errors=30),),
            root_causes=tuple(named),
            candidates=(Candidate(id=EGRESS, title="Egress", confidence=0.4),) if status == "inconclusive" else (),
            timeline=tuple(timeline),
            calls={"logging.entries": 5, "monitoring.time_series": 19},
        ),
        pulse=Pulse(
            at=at,
            whole_from=None if whole_for is None else at - timedelta(minutes=whole_for),
            services=tuple(told),
        ),
    )


def after(*sights: Sight, named: frozenset[str] = frozenset()) -> Vigil:
    """What is known after these rounds."""
    vigil = Vigil(began=sights[0].at if sights else NOON, named=named)
    for one in sights:
        vigil = vigil.with_sight(one)
    return vigil


def with_services(told: Sight, *states: ServiceState) -> Sight:
    """The round with these services in its diagnosis."""
    return replace(told, diagnosis=replace(told.diagnosis, services=states))
