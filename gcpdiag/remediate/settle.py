"""Where a step stands, told by reading the target: nothing is ever sent a second time to find out.

A request carries the etag of what was read before it. Once the target has another etag, a request whose answer was
lost cannot arrive any more; while it has the same one, taking our lease away gives it another.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, Protocol

from gcpdiag.gcp.failure import CallError, FailureKind
from gcpdiag.model.field_mask import differences
from gcpdiag.model.json import Json, JsonObject, text_at
from gcpdiag.model.sealed import sealed
from gcpdiag.remediate.lease import LEASE_MASK, Lease, LockedError, lease_of, leased, without_lease
from gcpdiag.remediate.refusal import RefusedError

WRITE_WITHIN = 30.0
"""Seconds that an update may take to be accepted."""

LEASE_WITHIN = 30.0
"""Seconds that an update of the lease alone may take to settle."""

_ATTEMPTS = 4
_PATHS_SHOWN = 3
_REFUSALS: frozenset[FailureKind] = frozenset(
    {"denied", "disabled", "not-found", "not-offered", "rejected", "conflict", "quota"}
)

# What Cloud Run itself writes into a service (run.v2 Service, output only), and so no change of anybody's.
_OUTPUT = frozenset(
    (
        "conditions",
        "createTime",
        "creator",
        "etag",
        "expireTime",
        "generation",
        "lastModifier",
        "latestCreatedRevision",
        "latestReadyRevision",
        "observedGeneration",
        "reconciling",
        "satisfiesPzs",
        "terminalCondition",
        "trafficStatuses",
        "updateTime",
        "uri",
        "urls",
    )
)

Stand = Literal["applied", "not-applied", "unknown"]


class ServiceWriter(Protocol):
    """What changes a service; ``gcpdiag.gcp.write.Writer`` is one."""

    def get_service(self, name: str) -> JsonObject:
        """Return a service as it stands now."""
        ...

    def list_revisions(self, service: str) -> list[JsonObject]:
        """Return the revisions of a service."""
        ...

    def update_service(
        self, service: JsonObject, update_mask: Sequence[str], *, validate_only: bool, timeout: float
    ) -> JsonObject:
        """Send an update and return its operation."""
        ...

    def get_operation(self, name: str) -> JsonObject:
        """Return an operation as it stands now."""
        ...

    def wait_operation(self, name: str, *, timeout: float) -> JsonObject:
        """Return an operation when it is done, or as it stands when the time is over."""
        ...


def is_refusal(error: CallError) -> bool:
    """Tell whether the server has said that it did nothing; after any other failure nobody knows."""
    return error.failure.kind in _REFUSALS


def stand_of(before: JsonObject, after: JsonObject, mask: Sequence[str], service: JsonObject) -> Stand:
    """Return whether a service has a step's ``after``, its ``before``, or (unknown) something else in the fields.

    Only fields that the step changes count: the server fills in defaults of its own beside them.
    """
    was, wanted, now = (_said(one) for one in (before, after, sealed(service)))
    changed = [one.path for one in differences(was, wanted, mask)]
    if not any(_touches(one.path, changed) for one in differences(wanted, now, mask)):
        return "applied"
    if not any(_touches(one.path, changed) for one in differences(was, now, mask)):
        return "not-applied"
    return "unknown"


def require_unmoved(left: JsonObject, service: JsonObject, mask: Sequence[str]) -> None:
    """Raise RefusedError when fields under a mask are not as a step left them: somebody else has been there since."""
    moved = differences(_said(left), _said(sealed(service)), mask)
    if moved:
        by = text_at(service, "lastModifier") or "somebody"
        paths = ", ".join(one.path for one in moved[:_PATHS_SHOWN])
        raise RefusedError(
            f"what the step set was changed since: {paths}",
            cause=f"the last change of the service is by {by}",
            hint="Take later changes back first, or make a new plan from the service as it is now",
        )


def settings_of(service: JsonObject) -> JsonObject:
    """Return what users set of a service, without anybody's lease."""
    return {key: value for key, value in without_lease(service).items() if key not in _OUTPUT}


def settle(
    writer: ServiceWriter,
    target: str,
    *,
    request: tuple[JsonObject, JsonObject, Sequence[str]],
    etag: str,
    run: str,
) -> Stand:
    """Return whether a request whose answer was lost has been done, and make sure that it cannot be done any more.

    ``request`` is before, after and mask; ``etag`` is what it was sent with. CallError when the target cannot be read.
    """
    for _ in range(_ATTEMPTS):
        service = writer.get_service(target)
        stand = stand_of(*request, service)
        if stand == "applied" or text_at(service, "etag") != etag:
            return stand
        if not _changed_etag(writer, service, run):
            break
    return "unknown"


def take_lease(writer: ServiceWriter, service: JsonObject, lease: Lease) -> None:
    """Put a lease on a service as it was read; LockedError says who was faster, CallError why it cannot be."""
    try:
        _write_lease(writer, service, lease)
    except CallError as error:
        if is_refusal(error) and error.failure.kind != "conflict":
            raise
        held = lease_of(writer.get_service(text_at(service, "name")))
        if held is not None and held.run == lease.run:
            return
        if error.failure.kind == "conflict":
            raise LockedError(
                "somebody else was faster",
                cause=held.describe() if held is not None else error.failure.text,
                hint="Wait for them to end; `gcpdiag triage` shows what they changed",
            ) from error
        raise


def release_lease(writer: ServiceWriter, target: str, run: str) -> str:
    """Take a run's lease away, and return what went wrong, or an empty text; it expires by itself then."""
    try:
        for _ in range(_ATTEMPTS):
            service = writer.get_service(target)
            held = lease_of(service)
            if held is None or held.run != run:
                return ""
            _changed_etag(writer, service, run)
    except CallError as error:
        return f"the lock could not be taken away, and expires by itself: {error.failure.text}"
    return "the lock could not be taken away, and expires by itself: the service keeps changing"


def _changed_etag(writer: ServiceWriter, service: JsonObject, run: str) -> bool:
    """Take our lease off the service as it was read, and tell whether there was one; others may be faster."""
    held = lease_of(service)
    if held is None or held.run != run:
        return False
    try:
        _write_lease(writer, service, None)
    except CallError as error:
        if is_refusal(error) and error.failure.kind != "conflict":
            raise
    return True


def _write_lease(writer: ServiceWriter, service: JsonObject, lease: Lease | None) -> None:
    operation = writer.update_service(leased(service, lease), LEASE_MASK, validate_only=False, timeout=WRITE_WITHIN)
    with suppress(CallError):  # it is written; who may not see operations reads the service
        writer.wait_operation(text_at(operation, "name"), timeout=LEASE_WITHIN)


def _touches(path: str, changed: Sequence[str]) -> bool:
    """Tell whether a path is one of the changed ones, or within or around one."""
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) or _within(one, path) for one in changed)


def _within(path: str, outer: str) -> bool:
    return path.startswith((f"{outer}.", f"{outer}["))


def _said(value: JsonObject) -> JsonObject:
    """Return a document without what says nothing: in protobuf, zero, false and empty are the same as absent."""
    bare = _bare(value)
    return bare if isinstance(bare, dict) else {}


def _bare(value: Json) -> Json:
    if isinstance(value, dict):
        inner = ((key, _bare(one)) for key, one in value.items())
        return {key: one for key, one in inner if one or one is None}
    return [_bare(one) for one in value] if isinstance(value, list) else value
