"""Results as a Cloud Run job writes them: one line of JSON each, which Cloud Logging keeps as a structured entry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import get_args

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.json import Json, JsonObject, number_at, objects_at, text_at, texts_at
from gcpdiag.model.probe import STAGES, Measure, ProbeKind, ProbeResult
from gcpdiag.model.window import in_utc
from gcpdiag.signals.probe import document_of
from gcpdiag.verify.runner import Probed, Unprobed
from gcpdiag.verify.target import Target

SCHEMA = "gcpdiag.probe/v1"
"""Marks the lines that are results."""

_MOST_PARTS = 30
_TEXT = 300  # characters


def lines_of(probed: Sequence[Probed]) -> list[str]:
    """Return a line of JSON for each result, in the order of the targets."""
    return [json.dumps(_document(number, len(probed), one)) for number, one in enumerate(probed)]


def results_in(payloads: Iterable[JsonObject], targets: Sequence[Target]) -> dict[int, Probed]:
    """Return what payloads of log entries tell of targets, by their place; what is no such result is passed over."""
    found: dict[int, Probed] = {}
    for payload in payloads:
        number = number_at(payload, "number")
        if text_at(payload, "schema") != SCHEMA or number is None or not 0 <= number < len(targets):
            continue
        target = targets[int(number)]
        probed = _probed(payload, target)
        if probed is not None:
            found[int(number)] = probed
    return found


def _document(number: int, count: int, probed: Probed) -> JsonObject:
    head: JsonObject = {"schema": SCHEMA, "number": number, "of": count}
    if isinstance(probed, Unprobed):
        told = one_line(probed.reason, limit=_TEXT)
        unprobed: JsonObject = {"ok": False, "status": None, "latency_ms": None, "error": told, "at": None}
        names: JsonObject = {"target": probed.target.shown, "kind": probed.target.kind}
        return {"severity": "WARNING", **head, **names, **unprobed, "unprobed": told}
    measures: list[Json] = [{"name": one.name, "value": one.value} for one in probed.measures]
    more: JsonObject = {"measures": measures, "notes": [*probed.notes]}
    return {"severity": "INFO" if probed.passed else "ERROR", **head, **document_of(probed), **more}


def _probed(payload: JsonObject, target: Target) -> Probed | None:
    """Return the result of a target, or None where the payload is about another one, or is no result."""
    if text_at(payload, "target") != target.shown or text_at(payload, "kind") not in get_args(ProbeKind):
        return None
    if reason := text_at(payload, "unprobed"):
        return Unprobed(target=target, reason=one_line(reason, limit=_TEXT))
    status, latency = number_at(payload, "status"), number_at(payload, "latency_ms")
    passed = payload.get("ok") is True
    try:
        return ProbeResult(
            target=target.shown,
            kind=target.kind,
            at=in_utc(datetime.fromisoformat(text_at(payload, "at"))),
            failed_at=None if passed else next(one for one in STAGES if one == text_at(payload, "failed_at")),
            error="" if passed else one_line(text_at(payload, "error"), limit=_TEXT) or "no reason is told",
            status=None if status is None else int(status),
            latency=None if latency is None else timedelta(milliseconds=latency),
            origin="inside",
            measures=tuple(_measure(one) for one in objects_at(payload, "measures")[:_MOST_PARTS]),
            notes=tuple(one_line(one, limit=_TEXT) for one in texts_at(payload, "notes")[:_MOST_PARTS]),
        )
    except (ValueError, OverflowError, StopIteration):
        return None


def _measure(told: JsonObject) -> Measure:
    return Measure(name=one_line(text_at(told, "name")), value=one_line(text_at(told, "value"), limit=_TEXT))
