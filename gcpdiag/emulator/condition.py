"""The conditions of Cloud Run services and revisions while an update rolls out, and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gcpdiag.model.json import Json, JsonObject, objects_at, text_at
from gcpdiag.model.window import in_utc

SUCCEEDED, FAILED, RECONCILING = "CONDITION_SUCCEEDED", "CONDITION_FAILED", "CONDITION_RECONCILING"

PORT_NOT_LISTENED = "HEALTH_CHECK_CONTAINER_ERROR"
IMAGE_MISSING = "CONTAINER_MISSING"

# RevisionReason of the discovery document; what is not listed there is a common reason.
_REVISION_REASONS = frozenset(
    (
        "PENDING",
        "RESERVE",
        "RETIRED",
        "RETIRING",
        "RECREATING",
        PORT_NOT_LISTENED,
        "CUSTOMIZED_PATH_RESPONSE_PENDING",
        "MIN_INSTANCES_NOT_PROVISIONED",
        "ACTIVE_REVISION_LIMIT_REACHED",
        "NO_DEPLOYMENT",
        "HEALTH_CHECK_SKIPPED",
        "MIN_INSTANCES_WARMING",
    )
)
_REVISION_TYPES = ("Ready", "Active", "ContainerHealthy", "ContainerReady", "ResourcesAvailable")
_PROVISIONED = ("ContainerReady", "ResourcesAvailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something did not become ready."""

    reason: str
    message: str


def stamp(moment: datetime) -> str:
    """Return a time as Cloud Run writes it: in UTC, to the microsecond."""
    return in_utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def condition(kind: str, state: str, at: str, failure: Failure | None = None) -> JsonObject:
    """Return one condition as v2 has it."""
    told: JsonObject = {"type": kind, "state": state}
    if failure is not None:
        told["message"] = failure.message
    told["lastTransitionTime"] = at
    if failure is not None and failure.reason:
        told["revisionReason" if failure.reason in _REVISION_REASONS else "reason"] = failure.reason
    return told


def starting_conditions(at: str, *, provisioned: bool) -> list[Json]:
    """Return the conditions of a revision that is being created; the image comes before the health check."""
    return [
        condition(kind, SUCCEEDED if provisioned and kind in _PROVISIONED else RECONCILING, at)
        for kind in _REVISION_TYPES
    ]


def ready_conditions(at: str) -> list[Json]:
    """Return the conditions of a revision that became ready and serves."""
    return [condition(kind, SUCCEEDED, at) for kind in _REVISION_TYPES]


def failed_conditions(at: str, failure: Failure) -> list[Json]:
    """Return the conditions of a revision that did not become ready."""
    conditions: list[Json] = []
    for kind in _REVISION_TYPES:
        if kind == "Ready" or kind in _broken(failure.reason):
            conditions.append(condition(kind, FAILED, at, failure))
        elif kind == "ContainerReady":
            conditions.append(condition(kind, SUCCEEDED, at))
    return conditions


def _broken(reason: str) -> tuple[str, ...]:
    if reason == PORT_NOT_LISTENED:
        return ("ContainerHealthy", "ResourcesAvailable")
    return ("ContainerReady",) if reason.startswith("CONTAINER_") else ("ResourcesAvailable",)


def retired(at: str) -> JsonObject:
    """Return the condition of a revision that no traffic goes to any more."""
    told = condition("Active", FAILED, at, Failure(reason="RETIRED", message="Revision retired."))
    return {**told, "severity": "INFO"}


def state_of(resource: JsonObject, kind: str) -> str:
    """Return the state of a resource's condition, or an empty text."""
    found = (text_at(one, "state") for one in objects_at(resource, "conditions") if text_at(one, "type") == kind)
    return next(found, "")


def with_condition(conditions: Iterable[JsonObject], replacement: JsonObject) -> list[Json]:
    """Return the conditions with one of them replaced, or added where it was not there."""
    kept = list(conditions)
    kinds = [text_at(one, "type") for one in kept]
    kind = text_at(replacement, "type")
    if kind not in kinds:
        return [*kept, replacement]
    return [replacement if text_at(one, "type") == kind else one for one in kept]


def failure_told(revision: str, port: str, image: str, reason: str, message: str) -> Failure:
    """Return the failure of a revision in Cloud Run's words, or in those given."""
    reason = reason or PORT_NOT_LISTENED
    if not message:
        message = f"Revision '{revision}' is not ready and cannot serve traffic."
        if reason == PORT_NOT_LISTENED:
            message += (
                " The user-provided container failed to start and listen on the port defined provided by the "
                f"PORT={port} environment variable within the allocated timeout. This can happen when the container "
                "port is misconfigured or if the timeout is too short. The health check timeout can be extended. "
                "Logs for this revision might contain more information."
            )
        elif reason == IMAGE_MISSING:
            message += f" Image '{image}' not found."
    return Failure(reason=reason, message=message)
