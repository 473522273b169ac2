"""A change as a value: what it touches, before and after, how risky it is, how long it holds, and its digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gcpdiag.model.field_mask import FieldDiff, differences
from gcpdiag.model.json import Json, JsonObject, text_at
from gcpdiag.model.resource import last_segment, location_of
from gcpdiag.model.sealed import sealed, unsealed
from gcpdiag.model.window import in_utc

__all__ = ["VALIDITY", "ActionKind", "BlastRadius", "Cost", "FieldDiff", "Plan", "Risk", "Step"]

ActionKind = Literal["restart", "scale", "rollback", "unpin", "egress", "undo", "probe"]
Risk = Literal["low", "medium", "high"]
Cost = Literal["higher", "lower", "same"]

VALIDITY = timedelta(minutes=15)
"""How long a plan holds."""

_ALL = 100  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """What a plan may touch: services by full name, the greatest share of one's traffic, and instances if known."""

    services: tuple[str, ...]
    traffic_percent: float
    instances: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.traffic_percent <= _ALL:
            raise ValueError(f"a share of traffic is between 0 and {_ALL} percent, not {self.traffic_percent}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of one service: ``before`` as it was read, ``after`` as it shall be, both as ``run.v2.Service`` JSON.

    Neither holds the values of environment variables (see ``sealed``); ``request`` returns what is to be sent.
    ``etag`` and ``generation`` are those of ``before``; ``update_mask`` has snake_case paths.
    """

    kind: ActionKind
    target: str
    before: JsonObject
    after: JsonObject
    update_mask: tuple[str, ...]
    etag: str
    generation: str
    risk: Risk
    is_reversible: bool
    is_disruptive: bool
    effect: str
    cost: Cost
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.update_mask:
            raise ValueError("a step without an update mask would replace the whole service")
        object.__setattr__(self, "before", sealed(self.before))
        object.__setattr__(self, "after", sealed(self.after))

    @property
    def diff(self) -> tuple[FieldDiff, ...]:
        """What differs between before and after, under the mask."""
        return differences(self.before, self.after, self.update_mask)

    @property
    def service(self) -> str:
        """The short name of the service."""
        return last_segment(self.target)

    @property
    def region(self) -> str:
        """The region of the service."""
        return location_of(self.target)

    @property
    def makes_revision(self) -> bool:
        """A change of the template makes a new revision."""
        return any(path.split(".", 1)[0] == "template" for path in self.update_mask)

    def request(self, service_now: JsonObject) -> JsonObject:
        """Return the service to send: ``after``, with the etag and the environment of the service as it was just read.

        KeyError names variables that the service has no more.
        """
        return {**unsealed(self.after, service_now), "etag": text_at(service_now, "etag")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered changes, until when they hold, and who wants them why.

    ``causes`` and ``confidence`` are of the diagnosis that the plan answers, empty and None for a plan by hand.
    ``validation`` is ``accepted``, or the server's words, or empty when the server was not asked.
    """

    id: str
    project: str
    steps: tuple[Step, ...]
    created_at: datetime
    expires_at: datetime
    author: str
    host: str
    reason: str
    causes: tuple[str, ...] = ()
    confidence: float | None = None
    production: bool = False
    radius: BlastRadius
    validation: str = ""

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("a plan has at least one step")
        if self.created_at.tzinfo is None or self.expires_at.tzinfo is None:
            raise ValueError("the times of a plan have a zone")
        if not timedelta() < self.expires_at - self.created_at <= VALIDITY:
            raise ValueError("a plan holds for fifteen minutes at most")

    @property
    def digest(self) -> str:
        """The SHA-256, in hex, over the canonical JSON of the contents."""
        return digest_of(contents_of(self))


def contents_of(plan: Plan) -> JsonObject:
    """Return a plan as JSON: everything but what follows from it (digest, differences, inverse)."""
    return {
        "id": plan.id,
        "project": plan.project,
        "created_at": _written(plan.created_at),
        "expires_at": _written(plan.expires_at),
        "author": plan.author,
        "host": plan.host,
        "reason": plan.reason,
        "causes": [*plan.causes],
        "confidence": plan.confidence,
        "production": plan.production,
        "radius": {
            "services": [*plan.radius.services],
            "traffic_percent": plan.radius.traffic_percent,
            "instances": plan.radius.instances,
        },
        "validation": plan.validation,
        "steps": [_step_contents(one) for one in plan.steps],
    }


def digest_of(document: Json) -> str:
    """Return the SHA-256, in hex, over a document's canonical JSON: sorted keys, no blanks, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _step_contents(step: Step) -> JsonObject:
    return {
        "kind": step.kind,
        "target": step.target,
        "update_mask": [*step.update_mask],
        "etag": step.etag,
        "generation": step.generation,
        "risk": step.risk,
        "is_reversible": step.is_reversible,
        "is_disruptive": step.is_disruptive,
        "effect": step.effect,
        "cost": step.cost,
        "warnings": [*step.warnings],
        "before": step.before,
        "after": step.after,
    }


def _written(moment: datetime) -> str:
    return in_utc(moment).isoformat().replace("+00:00", "Z")
