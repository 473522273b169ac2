"""The diagnosis for other programs: contract section 3, ``gcpdiag.diagnosis/v1``.

Keys stand in the order of the contract, those that it leaves free after them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from gcpdiag.model.diagnosis import Diagnosis, NamedCause, RuledOut, ServiceState, TimelineEvent, Weight
from gcpdiag.model.finding import Gap
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import rfc3339
from gcpdiag.report.wording import command_line, console_link, plain

SCHEMA = "gcpdiag.diagnosis/v1"


def render_json(diagnosis: Diagnosis) -> str:
    """Return the document, indented by two, with a newline at its end; the same to the byte every time."""
    return json.dumps(_document(diagnosis), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _document(diagnosis: Diagnosis) -> JsonObject:
    window = diagnosis.window
    return {
        "schema": SCHEMA,
        "project": plain(diagnosis.project),
        "window": {"start": rfc3339(window.start), "end": rfc3339(window.end)},
        "status": diagnosis.status,
        "summary": plain(diagnosis.summary),
        "services": [_service(one) for one in diagnosis.services],
        "root_causes": [_cause(one) for one in diagnosis.root_causes],
        "contributing": [{**_cause(one), "because_of": one.because_of} for one in diagnosis.contributing],
        "warnings": [_cause(one) for one in diagnosis.warnings],
        "ruled_out": _ruled_out(diagnosis.ruled_out),
        "unknown": [_unknown(one) for one in diagnosis.gaps],
        "timeline": [_event(one) for one in diagnosis.timeline],
        "stats": _stats(diagnosis),
        **_beyond_the_contract(diagnosis),
    }


def _stats(diagnosis: Diagnosis) -> JsonObject:
    stats: JsonObject = {"api_calls": sum(diagnosis.calls.values()), "log_entries": diagnosis.log_entries}
    if diagnosis.calls:
        stats["calls"] = dict(sorted(diagnosis.calls.items()))
    if diagnosis.duration is not None:
        stats["duration_ms"] = round(diagnosis.duration.total_seconds() * 1000)
    return stats


def _beyond_the_contract(diagnosis: Diagnosis) -> JsonObject:
    return {
        "suspects": [
            {"category": one.category, "verdict": one.verdict, "reason": plain(one.reason)}
            for one in diagnosis.suspects
        ],
        "candidates": [
            {"id": one.id, "title": plain(one.title), "confidence": one.confidence} for one in diagnosis.candidates
        ],
        "next_check": _said(diagnosis.next_check),
        "unexplained": [
            {
                "template": plain(one.template),
                "count": one.count,
                "first_at": rfc3339(one.first_at),
                "service": plain(one.service.name) if one.service else None,
            }
            for one in diagnosis.unexplained
        ],
        "problems": [plain(one) for one in diagnosis.problems],
    }


def _service(state: ServiceState) -> JsonObject:
    return {
        "name": plain(state.service.name),
        "region": plain(state.service.region) if state.service.region else "",
        "state": state.health,
        "requests": state.requests,
        "errors_5xx": state.errors,
        "first_error_at": _time(state.onset),
        "last_error_at": _time(state.last_error_at),
        "older_than_window": state.older_than_window,
    }


def _cause(cause: NamedCause) -> JsonObject:
    return {
        "id": cause.id,
        "category": cause.category,
        "service": plain(cause.service.name) if cause.service else None,
        "resource": _said(cause.resource),
        "confidence": cause.confidence,
        "summary": plain(cause.summary),
        "evidence": [_evidence(one) for one in cause.evidence],
        "contradicting": [_evidence(one) for one in cause.contradicting],
        "remediation": [
            {"command": command_line(one.command), "risk": one.risk, "why": plain(one.why)} for one in cause.remediation
        ],
        "title": plain(cause.title),
        "prior_db": _tenths(cause.prior),
        "score_db": _tenths(cause.score),
        "mistaken_for": _ruled_out(cause.mistaken_for),
        "verification": [plain(one) for one in cause.verification],
        "sums": [plain(one) for one in cause.sums],
    }


def _evidence(line: Weight) -> JsonObject:
    evidence = line.evidence
    return {
        "signal": line.signal,
        "text": plain(evidence.text),
        "observed_at": _time(evidence.first_at),
        "count": evidence.count,
        "source": evidence.source,
        "link": console_link(evidence.link) or None,
        "weight_db": _tenths(line.decibans),
        "last_at": _time(evidence.last_at),
        "resource": _said(evidence.resource),
        "title": _said(line.title),
    }


def _ruled_out(causes: Sequence[RuledOut]) -> list[Json]:
    return [{"id": one.id, "reason": plain(one.reason)} for one in causes]


def _unknown(gap: Gap) -> JsonObject:
    return {
        "check": plain(gap.check),
        "reason": plain(gap.reason),
        "permission": gap.permission or None,
        "fix": command_line(gap.fix) or None,
        "source": gap.source,
    }


def _event(event: TimelineEvent) -> JsonObject:
    return {
        "at": rfc3339(event.at),
        "kind": event.kind,
        "text": plain(event.text),
        "source": event.source or None,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _said(text: str) -> str | None:
    return plain(text) if text else None


def _tenths(decibans: float) -> float:
    """Return decibans as they are printed; adding zero turns a negative zero into the plain one."""
    return round(decibans, 1) + 0.0
