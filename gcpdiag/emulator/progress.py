"""How updates of services roll out: where each stands is a function of the clock, asked whenever somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gcpdiag.emulator.audit import log_outcome
from gcpdiag.emulator.condition import (
    FAILED,
    SUCCEEDED,
    Failure,
    condition,
    failed_conditions,
    ready_conditions,
    retired,
    stamp,
    starting_conditions,
    state_of,
    with_condition,
)
from gcpdiag.emulator.knative import LATEST, PINNED
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment

SERVICE_TYPE = "type.googleapis.com/google.cloud.run.v2.Service"
SERVICES, REVISIONS = "run.services", "run.revisions"
FAILED_PRECONDITION, INTERNAL = 9, 13  # google/rpc/code.proto

_ELSEWHERE = "Update all traffic to route to currently available revisions."
_ROLLOUT = "rollout"  # what the emulator keeps in an operation, and shows to nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """An update under way: when it ends, and how."""

    service: str
    revision: str
    generation: int
    start: datetime
    seconds: float
    failure: Failure | None
    code: int

    @property
    def due(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(seconds=self.seconds)

    @property
    def halfway(self) -> datetime:
        """When the image is there, and the container is being started."""
        return self.start + timedelta(seconds=self.seconds / 2)

    def to_json(self) -> JsonObject:
        """Return it as an operation keeps it."""
        failure: Json = {"reason": self.failure.reason, "message": self.failure.message} if self.failure else None
        return {
            "service": self.service,
            "revision": self.revision,
            "generation": self.generation,
            "start": self.start.isoformat(),
            "seconds": self.seconds,
            "failure": failure,
            "code": self.code,
        }


def begin(state: State, operation: str, rollout: Rollout) -> None:
    """Note an update that is under way under its operation's name."""
    state.operations[operation] = {"name": operation, "metadata": {}, _ROLLOUT: rollout.to_json()}


def settle(state: State) -> None:
    """Bring every update to where it stands by now."""
    with state.lock:
        under_way = [
            (_rollout_of(operation), name)
            for name, operation in state.operations.items()
            if _ROLLOUT in operation and not operation.get("done")
        ]
        for rollout, name in sorted(under_way, key=lambda one: (one[0].due, one[0].generation)):
            _advance(state, name, rollout)


def operation_at(state: State, name: str) -> JsonObject | None:
    """Return an operation as it stands by now, or None."""
    with state.lock:
        settle(state)
        found = state.operations.get(name)
        return None if found is None or "name" not in found else _shown(found)


def operations_of(state: State, parent: str) -> list[JsonObject]:
    """Return the operations of a location, newest first."""
    with state.lock:
        settle(state)
        found = [one for one in state.operations.values() if text_at(one, "name").startswith(f"{parent}/operations/")]
        return [_shown(one) for one in reversed(found)]


def find(state: State, source_id: str, name: str) -> JsonObject | None:
    """Return a resource by its full name, or None."""
    return next((one for one in state.listed(source_id) if text_at(one, "name") == name), None)


def replace_resource(state: State, source_id: str, resource: JsonObject) -> None:
    """Put a resource in the place of the one of its name."""
    found = state.resources(source_id)
    for place, one in enumerate(found or ()):
        if found is not None and text_at(one, "name") == text_at(resource, "name"):
            found[place] = resource


def revisions_of(state: State, service: str) -> list[JsonObject]:
    """Return the revisions of a service, given by its full name."""
    return [one for one in state.listed(REVISIONS) if text_at(one, "name").startswith(f"{service}/revisions/")]


def _shown(operation: JsonObject) -> JsonObject:
    return {key: value for key, value in operation.items() if key != _ROLLOUT}


def _rollout_of(operation: JsonObject) -> Rollout:
    kept = object_at(operation, _ROLLOUT)
    failure = object_at(kept, "failure")
    return Rollout(
        service=text_at(kept, "service"),
        revision=text_at(kept, "revision"),
        generation=int(number_at(kept, "generation") or 0),
        start=datetime.fromisoformat(text_at(kept, "start")),
        seconds=number_at(kept, "seconds") or 0,
        failure=Failure(reason=text_at(failure, "reason"), message=text_at(failure, "message")) if failure else None,
        code=int(number_at(kept, "code") or FAILED_PRECONDITION),
    )


def _advance(state: State, operation: str, rollout: Rollout) -> None:
    now = state.clock()
    revision = find(state, REVISIONS, rollout.revision) if rollout.revision else None
    service = find(state, SERVICES, rollout.service)
    if service is None:
        return
    if now < rollout.due:
        if revision is not None:
            conditions = starting_conditions(stamp(rollout.start), provisioned=now >= rollout.halfway)
            replace_resource(state, REVISIONS, {**revision, "conditions": conditions})
        state.operations[operation]["metadata"] = {"@type": SERVICE_TYPE, **service}
        return
    failure, code = _failure(state, service, rollout)
    at = stamp(rollout.due)
    if revision is not None:
        revision = _finished_revision(revision, at, rollout.failure)
        replace_resource(state, REVISIONS, revision)
        log_outcome(state, service, revision, rollout.failure, rollout.due)
    service = _finished_service(service, rollout, at, failure)
    replace_resource(state, SERVICES, service)
    if not failure:
        _retire(state, service, at)
    result: JsonObject = {"code": code, "message": failure.message} if failure else {"@type": SERVICE_TYPE, **service}
    state.operations[operation] |= {
        "metadata": {"@type": SERVICE_TYPE, **service},
        "done": True,
        "error" if failure else "response": result,
    }


def _failure(state: State, service: JsonObject, rollout: Rollout) -> tuple[Failure | None, int]:
    """Return why an update fails: as it was planned, or because traffic is sent where none can go."""
    if rollout.failure:
        return rollout.failure, rollout.code
    if state.resources(REVISIONS) is None:  # the bundle does not tell which revisions there are
        return None, 0
    known = {last_segment(text_at(one, "name")): one for one in revisions_of(state, rollout.service)}
    for target in objects_at(service, "traffic"):
        name = last_segment(text_at(target, "revision"))
        if text_at(target, "type") != PINNED or name == last_segment(rollout.revision):
            continue
        if name not in known:  # accepted, and then failed: public reports show code 13 in the operation
            told = f"Revision '{name}' does not exist or is deleted."
            return Failure(reason="", message=f"{told} {_ELSEWHERE}"), INTERNAL
        if state_of(known[name], "Ready") == FAILED:
            told = f"Revision '{name}' is not ready and cannot serve traffic."
            return Failure(reason="REVISION_FAILED", message=told), FAILED_PRECONDITION
    return None, 0


def _finished_revision(revision: JsonObject, at: str, failure: Failure | None) -> JsonObject:
    conditions = failed_conditions(at, failure) if failure else ready_conditions(at)
    finished = {key: value for key, value in revision.items() if key != "reconciling"}
    return {**finished, "conditions": conditions, "updateTime": at}


def _finished_service(service: JsonObject, rollout: Rollout, at: str, failure: Failure | None) -> JsonObject:
    finished = dict(service)
    if rollout.revision and not rollout.failure:
        finished["latestReadyRevision"] = rollout.revision
    if int(number_at(service, "generation") or 0) != rollout.generation:
        return finished  # a later update is under way; it will tell how the service stands
    finished.pop("reconciling", None)
    if failure:
        return {**finished, **_failed_service(service, rollout, at, failure)}
    conditions = with_condition(objects_at(service, "conditions"), condition("RoutesReady", SUCCEEDED, at))
    if rollout.revision or not _follows_latest(service):
        conditions = with_condition(
            [one for one in conditions if isinstance(one, dict)], condition("ConfigurationsReady", SUCCEEDED, at)
        )
    failed = [one for one in conditions if isinstance(one, dict) and one.get("state") == FAILED]
    # Unverified: a change of traffic or scaling alone leaves the newest revision's failure where it is.
    terminal: JsonObject = {**failed[0], "type": "Ready"} if failed else condition("Ready", SUCCEEDED, at)
    return {
        **finished,
        "observedGeneration": str(rollout.generation),
        "trafficStatuses": _statuses(service),
        "terminalCondition": terminal,
        "conditions": conditions,
    }


def _failed_service(service: JsonObject, rollout: Rollout, at: str, failure: Failure) -> JsonObject:
    """Return what a failure changes: not the traffic, nor the revision that serves."""
    told = Failure(reason="REVISION_FAILED" if failure.reason else "", message=failure.message)
    conditions: list[Json] = [*objects_at(service, "conditions")]
    for kind in ("RoutesReady", "ConfigurationsReady") if rollout.failure and rollout.revision else ("RoutesReady",):
        known = [one for one in conditions if isinstance(one, dict)]
        conditions = with_condition(known, condition(kind, FAILED, at, told))
    return {"terminalCondition": condition("Ready", FAILED, at, told), "conditions": conditions}


def _follows_latest(service: JsonObject) -> bool:
    targets = objects_at(service, "traffic")
    return not targets or any(text_at(one, "type") != PINNED for one in targets)


def _statuses(service: JsonObject) -> list[Json]:
    """Return the traffic as it flows now that the update has succeeded."""
    uri = text_at(service, "uri")
    statuses: list[Json] = []
    for target in objects_at(service, "traffic") or [{"type": LATEST, "percent": 100}]:
        tag = text_at(target, "tag")
        tagged: JsonObject = {"uri": uri.replace("https://", f"https://{tag}---", 1)} if tag and uri else {}
        statuses.append({**target, **tagged})
    return statuses


def _retire(state: State, service: JsonObject, at: str) -> None:
    """Retire the revisions that no traffic and no tag leads to, and wake those that some leads to again."""
    latest = last_segment(text_at(service, "latestReadyRevision"))
    serving = {last_segment(text_at(one, "revision")) or latest for one in objects_at(service, "trafficStatuses")}
    for revision in revisions_of(state, text_at(service, "name")):
        serves = last_segment(text_at(revision, "name")) in serving
        wanted = SUCCEEDED if serves else FAILED
        if state_of(revision, "Ready") != SUCCEEDED or state_of(revision, "Active") == wanted:
            continue
        active = condition("Active", SUCCEEDED, at) if serves else retired(at)
        conditions = with_condition(objects_at(revision, "conditions"), active)
        replace_resource(state, REVISIONS, {**revision, "conditions": conditions})
