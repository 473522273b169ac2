"""Watching a rollout to its end: the operation, the new revision's conditions, and where the traffic goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from gcpdiag.gcp.failure import CallError
from gcpdiag.model.json import JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.guard_target import is_rolling_out
from gcpdiag.remediate.settle import ServiceWriter, is_refusal

PATIENCE = 600.0
"""Seconds that a rollout is waited for: startup takes four minutes at most, and two tries."""

_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between two looks; the last one goes on
_SUCCEEDED, _FAILED = "CONDITION_SUCCEEDED", "CONDITION_FAILED"


class Clock(Protocol):
    """What time it is, how long things take, and how to wait."""

    @property
    def now(self) -> Callable[[], datetime]:
        """Tells the time."""
        ...

    @property
    def monotonic(self) -> Callable[[], float]:
        """Tells seconds that never go back."""
        ...

    @property
    def sleep(self) -> Callable[[float], None]:
        """Waits so many seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEnd:
    """How a rollout ended: ``ready``, ``failed``, or ``pending`` when it had not ended by the time.

    ``revision`` is the short name of the revision that the update made, empty where it made none; ``serving`` says in
    words where the traffic goes.
    """

    state: Literal["ready", "failed", "pending"]
    message: str
    revision: str = ""
    serving: str = ""
    serves_broken: bool = False


def watch_rollout(
    writer: ServiceWriter,
    target: str,
    operation: str,
    *,
    newest_before: str,
    clock: Clock,
    on_progress: Callable[[str], None],
    patience: float = PATIENCE,
) -> RolloutEnd:
    """Wait until an update has rolled out, and return how it ended; an empty operation is one whose name was lost.

    ``newest_before`` is the ``latestCreatedRevision`` before the update. A failure to look is no failure of the
    rollout: it is looked at again until the time is over.
    """
    deadline = clock.monotonic() + patience
    looks, trouble = 0, ""
    try:
        while True:
            try:
                answer, operation = _asked(writer, operation)
                service = writer.get_service(target)
                if _is_over(answer, service, has_operation=bool(operation)):
                    return _end(writer, answer, service, newest_before)
                on_progress(_progress(service))
            except CallError as error:
                trouble = error.failure.text
                on_progress(f"cannot look: {trouble}")
            if clock.monotonic() >= deadline:
                return RolloutEnd(state="pending", message=trouble or "it had not ended in time")
            clock.sleep(_PAUSES[min(looks, len(_PAUSES) - 1)])
            looks += 1
    except KeyboardInterrupt:
        return RolloutEnd(state="pending", message="you stopped waiting; the rollout goes on")


def _asked(writer: ServiceWriter, operation: str) -> tuple[JsonObject, str]:
    """Return the operation and its name; no name for one that may not be seen: the service tells the same, later."""
    try:
        return writer.get_operation(operation) if operation else {}, operation
    except CallError as error:
        if not is_refusal(error):
            raise
        return {}, ""


def serving_of(service: JsonObject) -> tuple[tuple[str, float], ...]:
    """Return the revisions that traffic goes to, each with its percentage, the most first."""
    shares: dict[str, float] = {}
    latest = last_segment(text_at(service, "latestReadyRevision"))
    for status in objects_at(service, "trafficStatuses"):
        name = last_segment(text_at(status, "revision")) or latest
        shares[name] = shares.get(name, 0) + (number_at(status, "percent") or 0)
    return tuple(sorted(((name, share) for name, share in shares.items() if share), key=lambda one: -one[1]))


def _is_over(operation: JsonObject, service: JsonObject, *, has_operation: bool) -> bool:
    return operation.get("done") is True if has_operation else not is_rolling_out(service)


def _end(writer: ServiceWriter, operation: JsonObject, service: JsonObject, newest_before: str) -> RolloutEnd:
    newest = text_at(service, "latestCreatedRevision")
    made = newest if newest != newest_before else ""
    failure = text_at(operation, "error.message") or _failure(operation, service, made)
    serving = serving_of(service)
    told = ", ".join(f"{name} ({share:g} %)" for name, share in serving) or "no revision"
    broken = _broken(writer, text_at(service, "name")) if failure else frozenset[str]()
    return RolloutEnd(
        state="failed" if failure else "ready",
        message=failure or (f"{last_segment(made)} is ready" if made else "the change is in effect"),
        revision=last_segment(made),
        serving=told,
        serves_broken=any(name in broken for name, _ in serving),
    )


def _failure(operation: JsonObject, service: JsonObject, made: str) -> str:
    """Return why the service is not as it should be, or an empty text.

    A failure that an older revision left in the conditions is not one of an update that made none.
    """
    if made:
        is_ready = text_at(service, "latestReadyRevision") == made
        return "" if is_ready else text_at(service, "terminalCondition.message") or "the revision is not ready"
    if operation.get("done") is True:
        return ""
    routes = next((one for one in objects_at(service, "conditions") if text_at(one, "type") == "RoutesReady"), {})
    return text_at(routes, "message") or "traffic cannot go there" if text_at(routes, "state") == _FAILED else ""


def _broken(writer: ServiceWriter, service: str) -> frozenset[str]:
    """Return the revisions that are not ready for good."""
    try:
        revisions = writer.list_revisions(service)
    except CallError:
        return frozenset()
    return frozenset(last_segment(text_at(one, "name")) for one in revisions if _ready_state(one) == _FAILED)


def _ready_state(revision: JsonObject) -> str:
    states = {text_at(one, "type"): text_at(one, "state") for one in objects_at(revision, "conditions")}
    return states.get("Ready", "")


def _progress(service: JsonObject) -> str:
    """Return what is still awaited, in one line."""
    newest = last_segment(text_at(service, "latestCreatedRevision"))
    done = [text_at(one, "type") for one in objects_at(service, "conditions") if text_at(one, "state") == _SUCCEEDED]
    left = [text_at(one, "type") for one in objects_at(service, "conditions") if text_at(one, "state") != _SUCCEEDED]
    waiting = ", ".join(left) or text_at(object_at(service, "terminalCondition"), "type") or "the operation"
    return f"{newest}: waiting for {waiting}" + (f" ({', '.join(done)} done)" if done else "")
