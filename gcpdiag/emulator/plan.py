"""How the next update of a service shall go, as ``POST /_emulator/rollout`` asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gcpdiag.emulator.condition import Failure, failure_told
from gcpdiag.emulator.container import ingress_of
from gcpdiag.emulator.progress import FAILED_PRECONDITION, SERVICES, Rollout
from gcpdiag.emulator.rest import Request, Route, invalid, not_found
from gcpdiag.emulator.state import State
from gcpdiag.model.json import JsonObject, number_at, objects_at, text_at
from gcpdiag.model.resource import last_segment

_OUTCOMES = {"ready": 1.0, "fail": 1.0, "slow": 5.0}  # seconds that each takes unless told
_ONLY_TOLD = frozenset({"annotations", "description", "labels"})  # fields of a service that change nothing that runs
_PLAN = "rollouts/"  # plans stand among the operations, under a name that is no operation's


def plan_rollout(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``POST /_emulator/rollout``: note how the next update of a service shall go."""
    body = request.body
    service, outcome = text_at(body, "service"), text_at(body, "outcome") or "ready"
    seconds = number_at(body, "seconds")
    if outcome not in _OUTCOMES:
        raise invalid(f"outcome: {outcome!r} is none of {', '.join(_OUTCOMES)}")
    if seconds is not None and seconds < 0:
        raise invalid(f"seconds: {seconds:g} is negative")
    if not any(last_segment(text_at(one, "name")) == service for one in state.listed(SERVICES)):
        raise not_found(f"service: there is no {service!r}")
    plan: JsonObject = {
        "outcome": outcome,
        "reason": text_at(body, "reason"),
        "message": text_at(body, "message"),
        "seconds": _OUTCOMES[outcome] if seconds is None else seconds,
    }
    with state.lock:
        state.operations[f"{_PLAN}{service}"] = plan
    return {"service": service, **plan}


def rollout_of(
    state: State, service: JsonObject, revision: JsonObject | None, *, changed: Collection[str] = ()
) -> Rollout:
    """Return the update of a service that begins now, as it was planned; a plan serves once.

    It waits for an update that has something to roll out: one of annotations or labels alone leaves it where it is.
    """
    rolls_out = revision is not None or not changed or not _ONLY_TOLD.issuperset(changed)
    plan = state.operations.pop(f"{_PLAN}{last_segment(text_at(service, 'name'))}", {}) if rolls_out else {}
    seconds = number_at(plan, "seconds")
    return Rollout(
        service=text_at(service, "name"),
        revision=text_at(revision, "name"),
        generation=int(text_at(service, "generation")),
        start=state.clock(),
        seconds=_OUTCOMES["ready"] if seconds is None else seconds,
        failure=_failure(plan, service, revision) if text_at(plan, "outcome") == "fail" else None,
        code=FAILED_PRECONDITION,
    )


def _failure(plan: JsonObject, service: JsonObject, revision: JsonObject | None) -> Failure:
    ingress = ingress_of(objects_at(service, "template.containers"))
    ports = objects_at(ingress, "ports")
    port = text_at(ports[0], "containerPort") if ports else "8080"
    failed = last_segment(text_at(revision, "name") or text_at(service, "latestCreatedRevision"))
    return failure_told(failed, port, text_at(ingress, "image"), text_at(plan, "reason"), text_at(plan, "message"))


ROUTES = (Route("POST", "", r"/_emulator/rollout", plan_rollout, mutates=True),)
