"""One signal, a small raw bundle, and what looking for it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gcpdiag.bundle.entry import LogEntry, decode_entry
from gcpdiag.model.finding import Absent, Finding, Present, Unknown
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.resource import ServiceRef
from gcpdiag.signals.catalogue import Catalogue, catalogue_of, parse_signals
from gcpdiag.signals.detect import evaluate_signal
from gcpdiag.signals.estate import Estate
from gcpdiag.signals.observation import Observation, observe
from tests.making import REGION, SERVICES, Files, bundle, jsonl, requests, service

API = ServiceRef(name="api", region=REGION)
WEB = ServiceRef(name="web", region=REGION)
CALM_THEN_FAILING = [*requests(200, range(40)), *requests(503, range(40, 60), text="malformed response")]


def read_entry(document: JsonObject) -> LogEntry:
    return decode_entry(jsonl(document))


def catalogue(signals: Mapping[str, JsonObject]) -> Catalogue:
    told: Json = {name: {"title": f"title of {name}", **one} for name, one in signals.items()}
    return catalogue_of(parse_signals(told))


def seen_in(files: Files, signals: Mapping[str, JsonObject], **head: Json) -> Observation:
    return observe(bundle(files, **head), catalogue(signals))


def looked_for(signal: JsonObject, files: Files, *, at: ServiceRef = API, sources: Sequence[Json] = ()) -> Finding:
    """What looking for one signal in a bundle gives; the service is there unless the files say otherwise."""
    whole = {SERVICES: [service()], **files}
    return evaluate_signal("x", at, seen_in(whole, {"x": signal}, sources=[*sources]))


def estate_in(files: Files) -> Estate:
    return seen_in(files, {}).estate


def outcome(finding: Finding) -> str:
    match finding:
        case Present():
            return "present"
        case Absent():
            return "absent"
        case Unknown():
            return "unknown"


def strength(finding: Finding) -> float:
    assert isinstance(finding, Present)
    return finding.strength


def told(finding: Finding) -> str:
    """The sentence that a report would print."""
    match finding:
        case Present():
            return finding.evidence[0].text
        case Absent():
            return finding.looked
        case Unknown():
            return finding.gap.reason
