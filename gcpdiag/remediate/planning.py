"""From a step to a plan: who wants it and why, how far it reaches, and until when it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.plan import VALIDITY, BlastRadius, Plan, Step
from gcpdiag.model.resource import last_segment
from gcpdiag.model.window import in_utc
from gcpdiag.remediate.action_scale import instance_bounds
from gcpdiag.remediate.traffic import share_of_latest, shares_of

_ALL = 100.0  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who wants a plan, from which machine, why; and the diagnosis that it answers, if there is one."""

    author: str
    host: str
    reason: str
    causes: tuple[str, ...] = ()
    confidence: float | None = None
    production: bool = False


def plan_of(
    steps: Sequence[Step],
    occasion: Occasion,
    *,
    plan_id: str,
    now: datetime,
    validation: str = "",
    instances: int | None = None,
) -> Plan:
    """Return the plan of some steps, all of one project; ``instances`` are those that run now, where that is known."""
    moment = in_utc(now).replace(microsecond=0)
    return Plan(
        id=plan_id,
        project=steps[0].target.split("/")[1],
        steps=tuple(steps),
        created_at=moment,
        expires_at=moment + VALIDITY,
        author=occasion.author,
        host=occasion.host,
        reason=occasion.reason,
        causes=occasion.causes,
        confidence=occasion.confidence,
        production=occasion.production,
        radius=radius_of(steps, instances=instances),
        validation=validation,
    )


def radius_of(steps: Sequence[Step], *, instances: int | None = None) -> BlastRadius:
    """Return how far steps reach: instances that run now, or else as many as there may be."""
    most = sum({one.target: max(instance_bounds(two)[1] for two in (one.before, one.after)) for one in steps}.values())
    return BlastRadius(
        services=tuple(dict.fromkeys(one.target for one in steps)),
        traffic_percent=max(touched_share(one) for one in steps),
        instances=most if instances is None else instances,
    )


def touched_share(step: Step) -> float:
    """Return the percentage of a service's requests that a step sends to other instances than before."""
    if "traffic" in step.update_mask:
        before, after = _shares(step.before), _shares(step.after)
        return min(_ALL, sum(max(0.0, share - before.get(name, 0.0)) for name, share in after.items()))
    return min(_ALL, share_of_latest(step.before)) if step.makes_revision else _ALL


def _shares(service: JsonObject) -> dict[str, float]:
    latest = last_segment(text_at(service, "latestReadyRevision"))
    return shares_of(service) or {latest: _ALL}
