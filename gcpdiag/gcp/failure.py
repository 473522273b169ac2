"""What a call to Google can come back with instead of an answer, told apart by what it means for the one who asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from gcpdiag.model.json import JsonObject, number_at, object_at, objects_at, text_at

FailureKind = Literal[
    "denied",
    "disabled",
    "not-found",
    "not-offered",
    "rejected",
    "conflict",
    "quota",
    "unavailable",
    "timeout",
    "malformed",
]

_TRANSIENT: frozenset[FailureKind] = frozenset({"quota", "unavailable"})
_KIND_BY_STATUS: dict[int, FailureKind] = {
    400: "rejected",
    401: "denied",
    403: "denied",
    404: "not-found",
    408: "unavailable",
    409: "conflict",  # ABORTED: the etag is stale; ALREADY_EXISTS: the name is taken
    429: "quota",
    501: "not-offered",
    504: "timeout",
}
# Compute answers 403 for an exceeded rate (Compute API rate limits); others answer 429.
_RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_DISABLED_REASONS = frozenset({"SERVICE_DISABLED", "accessNotConfigured"})
_SERVER_ERROR, _FORBIDDEN = 500, 403
# "Permission 'run.services.list' denied on resource …", "Required 'compute.routers.list' permission for …"
_PERMISSION = re.compile(r"['\"`]?\b([a-z][a-zA-Z]+(?:\.[a-zA-Z]+){2,3})\b['\"`]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call gave no answer; ``permission`` is the missing one where Google names it, times are seconds."""

    kind: FailureKind
    text: str
    permission: str = ""
    retry_after: float | None = None

    @property
    def is_transient(self) -> bool:
        """The same call may succeed a moment later."""
        return self.kind in _TRANSIENT


class CallError(Exception):
    """A call to Google failed; ``failure`` says how. It never leaves ``collect``: there it becomes a gap."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


class MutationRefusedError(Exception):
    """Code that may only read tried to change something; nothing was sent."""


def failure_of_answer(code: int, body: JsonObject, *, retry_after: str = "") -> Failure:
    """Return the failure that an HTTP error answer tells of; ``body`` is Google's error document, or empty."""
    error = object_at(body, "error")
    message = text_at(error, "message") or f"HTTP {code}"
    details = objects_at(error, "details")
    reasons = {text_at(one, "reason") for one in (*details, *objects_at(error, "errors"))}
    named = next((text_at(one, "metadata.permission") for one in details if text_at(one, "metadata.permission")), "")
    return failure_of(code, message, reasons=reasons, permission=named, retry_after=_seconds(retry_after))


def failure_of(
    code: int, message: str, *, reasons: set[str], permission: str = "", retry_after: float | None = None
) -> Failure:
    """Return the failure of an HTTP status (or its gRPC equal), a message, and the reasons in its details."""
    kind = _kind_of(code, reasons)
    text = f"{code} {' '.join(message.split())}"
    if kind == "denied":
        return Failure(kind=kind, text=text, permission=permission or _permission_in(message))
    return Failure(kind=kind, text=text, retry_after=retry_after)


def _kind_of(code: int, reasons: set[str]) -> FailureKind:
    if code == _FORBIDDEN and reasons & _RATE_REASONS:
        return "quota"
    if code == _FORBIDDEN and reasons & _DISABLED_REASONS:
        return "disabled"
    return _KIND_BY_STATUS.get(code, "unavailable" if code >= _SERVER_ERROR else "rejected")


def _permission_in(message: str) -> str:
    """Return the permission that a message names: three or four words with dots, and no host name."""
    names = [one for one in _PERMISSION.findall(message) if not one.endswith((".com", ".com."))]
    return names[0] if names else ""


def _seconds(retry_after: str) -> float | None:
    """Return the header's seconds; the form with a date is not used by Google's APIs."""
    return float(retry_after) if retry_after.strip().isdigit() else None


def code_in(body: JsonObject, default: int) -> int:
    """Return the code that an error document tells, or the answer's own."""
    return int(number_at(body, "error.code") or default)
