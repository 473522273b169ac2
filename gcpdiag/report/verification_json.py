"""A verification for other programs, ``gcpdiag.verification/v1``."""

from __future__ import annotations

import json

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.probe import Measure, ProbeResult
from gcpdiag.model.verification import Criterion, Verification
from gcpdiag.model.window import rfc3339
from gcpdiag.report.verification import conclusion_of
from gcpdiag.report.wording import plain
from gcpdiag.signals.probe import document_of

SCHEMA = "gcpdiag.verification/v1"


def render_verification_json(verification: Verification) -> str:
    """Return the document, indented by two, with a newline at its end."""
    document: JsonObject = {
        "schema": SCHEMA,
        "outcome": verification.outcome,
        "summary": conclusion_of(verification),
        "project": plain(verification.project) if verification.project else None,
        "at": rfc3339(verification.at),
        "since": rfc3339(verification.since) if verification.since else None,
        "criteria": [_criterion(one) for one in verification.criteria],
        "probes": [_probe(one) for one in verification.probes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _criterion(criterion: Criterion) -> JsonObject:
    return {
        "group": criterion.group,
        "title": plain(criterion.title),
        "subject": plain(criterion.subject),
        "verdict": criterion.verdict,
        "text": plain(criterion.text),
        "notes": [plain(one) for one in criterion.notes],
        "measures": _measures(criterion.measures),
        "ask_again_at": rfc3339(criterion.at) if criterion.at else None,
    }


def _probe(probe: ProbeResult) -> JsonObject:
    """Return a probe with the keys that a bundle's ``probes/results.json`` has."""
    told = {"target": plain(probe.target), "error": plain(probe.error) if probe.error else None}
    return document_of(probe) | told | {"measures": _measures(probe.measures)}


def _measures(measures: tuple[Measure, ...]) -> dict[str, Json]:
    return {one.name: plain(one.value) for one in measures}
