"""What Cloud Run says to a step before it is taken: the request is checked, and nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass

from gcpdiag.gcp.failure import CallError, FailureKind
from gcpdiag.gcp.write import Writer
from gcpdiag.model.json import JsonObject
from gcpdiag.model.plan import Step

ACCEPTED = "accepted"
_WITHIN = 30.0  # seconds
_REFUSALS: frozenset[FailureKind] = frozenset(
    {"rejected", "denied", "conflict", "not-found", "disabled", "not-offered"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``accepted``, or the server's own words; ``is_refusal`` is False too when it gave no answer."""

    text: str
    is_refusal: bool


def validate(writer: Writer, step: Step, service: JsonObject) -> Verdict:
    """Return what the server says to a step on the service as it was just read."""
    try:
        writer.update_service(step.request(service), step.update_mask, validate_only=True, timeout=_WITHIN)
    except CallError as error:
        return Verdict(text=error.failure.text, is_refusal=error.failure.kind in _REFUSALS)
    return Verdict(text=ACCEPTED, is_refusal=False)
