"""One pass over the log entries: what matched, what was asked for and failed, what changed, what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import TypeAlias

from gcpdiag.bundle.entry import HttpRequest, LogEntry, payload_of
from gcpdiag.bundle.read import Bundle
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window, in_utc
from gcpdiag.signals.catalogue import Catalogue
from gcpdiag.signals.change import Change, change_of, with_differences, with_revisions
from gcpdiag.signals.definition import LogSignal
from gcpdiag.signals.destination import destination_fits
from gcpdiag.signals.matcher import SignatureSet, captured, compiled
from gcpdiag.signals.tally import Tally
from gcpdiag.signals.template import TemplateCount
from gcpdiag.signals.text import ALARMING, severity_of, text_of
from gcpdiag.signals.traffic import Traffic

_ALARMING_SEVERITIES = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
_QUIET_SEVERITIES = frozenset({"DEBUG", "INFO"})
_GRADED = frozenset({"app", "database", "any"})  # kinds of logs whose entries say how alarming they are
_REMEMBERED, _REMEMBERED_LENGTH = 4096, 1000  # texts, and characters of one
_CLIENT_ERROR, _TOO_MANY, _SERVER_ERROR = 400, 429, 500

Subject: TypeAlias = ServiceRef | str
"""A service, or the short name of another resource (a database id, a load balancer's backend)."""


@dataclass(slots=True)
class Seen:
    """How much of one kind of log there is, and over which stretch (Unix seconds)."""

    count: int = 0
    oldest: float = float("inf")
    newest: float = float("-inf")

    def add(self, at: float) -> None:
        """Count an entry."""
        self.count += 1
        self.oldest = min(self.oldest, at)
        self.newest = max(self.newest, at)


@dataclass(slots=True, kw_only=True)
class LogScan:
    """Everything that the log entries of a bundle say."""

    entries: int = 0
    matches: dict[tuple[str, Subject], Tally] = field(default_factory=dict)
    traffic: dict[ServiceRef, Traffic] = field(default_factory=dict)
    balancer_traffic: dict[str, Traffic] = field(default_factory=dict)
    seen: dict[tuple[str, Subject], Seen] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    unexplained: TemplateCount = field(default_factory=TemplateCount)


def scan_entries(bundle: Bundle, catalogue: Catalogue) -> LogScan:
    """Return what the entries say; memory does not grow with their number."""
    scanner = _Scanner(catalogue=catalogue, window=bundle.window, project=bundle.project)
    for entry in bundle.entries():
        scanner.take(entry)
    revisions = bundle.resources("run.revisions") or ()
    scanner.scan.changes = with_differences(with_revisions(sorted(scanner.scan.changes, key=_age), revisions))
    return scanner.scan


@dataclass(slots=True, kw_only=True)
class _Lane:
    """Entries of one log about one subject: looked up once for each, since there may be millions."""

    kind: str
    subject: Subject
    seen: Seen
    traffic: Traffic | None


class _Scanner:
    def __init__(self, *, catalogue: Catalogue, window: Window, project: str) -> None:
        self.scan = LogScan()
        self._catalogue = catalogue
        self._project = project
        self._start, self._end = window.start.timestamp(), window.end.timestamp()
        self._verdicts: dict[tuple[str, str, bool], tuple[str, ...]] = {}
        self._lanes: dict[tuple[str | None, ...], _Lane] = {}

    def take(self, entry: LogEntry) -> None:
        self.scan.entries += 1
        at = _seconds(entry.timestamp or entry.receive_timestamp)
        lane = self._lane(entry)
        lane.seen.add(at)
        if lane.kind == "audit":
            self._note_change(entry, at)
        if not self._start <= at < self._end:
            return
        if lane.traffic is not None and entry.http_request is not None:
            failed = _count_request(entry, entry.http_request, at, lane.traffic)
            if not failed and not entry.text_payload:
                return
        self._match(entry, at, lane.kind, lane.subject)

    def _lane(self, entry: LogEntry) -> _Lane:
        told = entry.resource.labels.get
        key = (
            *(entry.log_name, entry.resource.type, told("service_name"), told("location")),
            *(told("database_id"), told("backend_service_name"), told("forwarding_rule_name")),
        )
        lane = self._lanes.get(key)
        if lane is None or not entry.log_name:
            lane = self._lanes[key] = self._new_lane(entry)
        return lane

    def _new_lane(self, entry: LogEntry) -> _Lane:
        kind = kind_of(entry)
        subject = _subject(entry, kind)
        traffic = None
        if kind == "request" and isinstance(subject, ServiceRef):
            traffic = self.scan.traffic.setdefault(subject, Traffic())
        elif kind in {"request", "load-balancer"}:
            traffic = self.scan.balancer_traffic.setdefault(str(subject), Traffic())
        seen = self.scan.seen.setdefault((kind, subject), Seen())
        return _Lane(kind=kind, subject=subject, seen=seen, traffic=traffic)

    def _note_change(self, entry: LogEntry, at: float) -> None:
        if not entry.proto_payload or "system_event" in entry.log_name:
            return
        payload = payload_of(entry.proto_payload)
        if not isinstance(payload, dict):
            return
        change = change_of(payload, at=at, labels=entry.resource.labels, project=self._project)
        if change is not None:
            self.scan.changes.append(change)

    def _match(self, entry: LogEntry, at: float, kind: str, subject: Subject) -> None:
        quiet = entry.severity in _QUIET_SEVERITIES and kind in {"app", "database"}
        signatures = self._catalogue.quiet if quiet else self._catalogue.alarming
        if quiet and not _may_match(signatures, bytes(entry.json_payload)):
            return
        text = text_of(entry, kind)
        if not text:
            return
        owners = self._owners_of(text, kind, signatures)
        if owners and kind in _GRADED and not _alarms(entry, text):
            owners = tuple(one for one in owners if self._catalogue.log(one).severity == "quiet")
        for owner in owners:
            self._count_match(owner, subject, entry, at, text)
        if not owners and kind in {"app", "system"} and entry.severity in _ALARMING_SEVERITIES:
            self.scan.unexplained.add(text, at, subject if isinstance(subject, ServiceRef) else None)

    def _owners_of(self, text: str, kind: str, signatures: SignatureSet) -> tuple[str, ...]:
        """Return the signals whose signature fits a text; remembered, since a crash loop repeats itself."""
        key = (text, kind, signatures is self._catalogue.quiet)
        known = self._verdicts.get(key)
        if known is None:
            matching = sorted(signatures.owners_of(text))
            known = tuple(one for one in matching if self._fits(self._catalogue.log(one), text, kind))
            if len(text) <= _REMEMBERED_LENGTH and len(self._verdicts) < _REMEMBERED:
                self._verdicts[key] = known
        return known

    @staticmethod
    def _fits(signal: LogSignal, text: str, kind: str) -> bool:
        if kind != "any" and kind not in signal.logs:
            return False
        if any(compiled(pattern).search(text) for pattern in signal.unless):
            return False
        return not signal.destination or destination_fits(text, signal.any, signal.destination)

    def _count_match(self, owner: str, subject: Subject, entry: LogEntry, at: float, text: str) -> None:
        tally = self.scan.matches.get((owner, subject))
        if tally is None:
            tally = self.scan.matches[owner, subject] = Tally()
        instance = entry.labels.get("instanceId", "")
        tally.add(at, text, instance=instance, revision=entry.resource.labels.get("revision_name", ""))
        signal = self._catalogue.log(owner)
        if signal.other_port:
            tally.ports.update(captured(text, signal.any, "port"))


def _count_request(entry: LogEntry, request: HttpRequest, at: float, traffic: Traffic) -> bool:
    """Count a request, and tell whether it failed: a 5xx, or a 429 that the platform gave for want of an instance."""
    status = request.status or 0
    seconds = _duration(request.latency) if status >= _CLIENT_ERROR else 0.0
    refused = bool(entry.text_payload) or not (seconds or entry.labels.get("instanceId"))
    failed = status >= _SERVER_ERROR or (status == _TOO_MANY and refused) or _lost_its_way(entry)
    revision = entry.resource.labels.get("revision_name", "")
    by_platform = bool(entry.text_payload)  # an answer that the application made has no text
    traffic.add(at, status, failed=failed, by_platform=by_platform, revision=revision, seconds=seconds)
    return failed


def _lost_its_way(entry: LogEntry) -> bool:
    """Tell whether a load balancer knew of a backend that is not there; it answers 404 as well as 502 and 503 then."""
    return bool(entry.json_payload) and b"serverless_neg_routing_failed" in bytes(entry.json_payload)


def kind_of(entry: LogEntry) -> str:
    """Return which kind of log an entry is of; ``any`` where an exporter left its name out and nothing else tells."""
    name = entry.log_name.replace("%2F", "/")
    resource = entry.resource.type
    if "cloudaudit.googleapis.com" in name or (not name and entry.proto_payload):
        return "audit"
    if resource in {"http_load_balancer", "http_external_regional_lb_rule", "internal_http_lb_rule"}:
        return "load-balancer"
    if name.endswith("run.googleapis.com/requests") or (not name and entry.http_request is not None):
        return "request"
    if name.endswith("varlog/system"):
        return "system"
    if resource == "cloudsql_database" or "cloudsql.googleapis.com" in name:
        return "database"
    return "app" if name else "any"


def _subject(entry: LogEntry, kind: str) -> Subject:
    labels = entry.resource.labels
    name = labels.get("service_name")
    if name:
        return ServiceRef(name=name, region=labels.get("location", ""))
    if kind == "database":
        return labels.get("database_id", "")
    if kind == "load-balancer":
        return labels.get("backend_service_name") or labels.get("forwarding_rule_name", "")
    return ""


def _age(change: Change) -> tuple[float, str, str, str]:
    return (change.at, change.resource, change.method, str(change.after))


def _alarms(entry: LogEntry, text: str) -> bool:
    level = severity_of(entry, text)
    return level == 0 or level >= ALARMING


def _seconds(moment: datetime | None) -> float:
    if moment is None:
        return 0.0
    return moment.timestamp() if moment.tzinfo is not None else in_utc(moment).timestamp()


def _may_match(signatures: SignatureSet, payload: bytes) -> bool:
    """Tell whether decoding a payload is worth its while; one with escapes may say more than it shows."""
    return not payload or b"\\" in payload or bool(signatures.owners_of(payload))


def _duration(latency: str | None) -> float:
    try:
        seconds = float((latency or "0").rstrip("s"))
    except ValueError:
        return 0.0
    return seconds if isfinite(seconds) else 0.0
