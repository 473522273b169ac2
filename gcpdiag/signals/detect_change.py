"""Changes and revisions as findings: what was altered before the onset, and whether only the new revision fails."""

from __future__ import annotations

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.bundle.redact import one_line
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import clock_time, from_epoch
from gcpdiag.signals.change import Change
from gcpdiag.signals.definition import ChangeSignal, RevisionSignal
from gcpdiag.signals.link import logs_link, service_link
from gcpdiag.signals.matcher import compiled
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.traffic import RevisionTraffic

_SLACK = 60.0  # seconds: an audit entry may carry a later time than the first failure
_SOON = 2 * 3600.0  # seconds between a change and the onset that it may well have caused
_ENOUGH_REQUESTS = 5
_HARDLY_ANY_SERVED = 0.97


def find_change(signal_id: str, definition: ChangeSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether such a change precedes the onset; the closer to it, the stronger."""
    onset = _onset(service, seen)
    mine = [one for one in seen.scan.changes if not one.failed and one.at <= onset + _SLACK]
    found = [one for one in mine if _fits(definition, one, service)]
    if found:
        latest = found[-1]
        strength = 1.0 if onset - latest.at <= _SOON or definition.field else 0.5
        return Present(
            signal=signal_id,
            strength=strength,
            evidence=(_evidence(signal_id, latest, service, seen),),
        )
    gap = seen.gap(LOG_ENTRIES, definition.title)
    if gap is None and not any(kind == "audit" for kind, _ in seen.scan.seen):
        gap = Gap(check=definition.title, reason="there is no audit log entry", source=LOG_ENTRIES)
    if gap:
        return Unknown(signal=signal_id, gap=gap)
    looked = definition.absent or f"none of {len(mine)} changes before the onset: {definition.title}"
    return Absent(signal=signal_id, looked=looked, source=LOG_ENTRIES)


def _onset(service: ServiceRef, seen: Observation) -> float:
    state = seen.states.get(service)
    if state is None or state.onset is None:
        return seen.window.end.timestamp()
    return state.onset.timestamp()


def _fits(definition: ChangeSignal, change: Change, service: ServiceRef) -> bool:
    if definition.methods:
        return any(compiled(pattern).search(change.method) for pattern in definition.methods)
    if change.service != service:
        return False
    if not definition.field:
        return change.kind == "deploy"
    altered = [one for one in change.fields if one.path == definition.field]
    return any(not definition.to or one.after in definition.to for one in altered)


def _evidence(signal_id: str, change: Change, service: ServiceRef, seen: Observation) -> Evidence:
    return Evidence(
        signal=signal_id,
        text=f"{clock_time(from_epoch(change.at))} {one_line(change.text)}",
        source=LOG_ENTRIES,
        first_at=from_epoch(change.at),
        last_at=from_epoch(change.at),
        count=1,
        service=service,
        link=logs_link(seen.project, change.service, "", ["audit"], seen.window),
    )


def find_revision(signal_id: str, definition: RevisionSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether the newest revision fails while an older one serves, or served until it came."""
    traffic = seen.traffic.get(service)
    revisions = {name: one for name, one in (traffic.revisions if traffic else {}).items() if name}
    if not revisions:
        gap = seen.gap(seen.traffic_source, definition.title) or Gap(
            check=definition.title, reason="requests do not tell their revision", source=seen.traffic_source
        )
        return Unknown(signal=signal_id, gap=gap)
    newest, *older = sorted(revisions, key=_age_order, reverse=True)
    old = RevisionTraffic(
        requests=sum(revisions[one].requests for one in older),
        errors=sum(revisions[one].errors for one in older),
    )
    told = f"{newest} fails {_share(revisions[newest])}, older revisions {_share(old)}"
    if old.requests < _ENOUGH_REQUESTS or revisions[newest].requests < _ENOUGH_REQUESTS:
        return _of_one_revision(signal_id, definition, newest, service, seen)
    fails = _ratio(revisions[newest]) >= max(0.05, definition.least_ratio * _ratio(old))
    if fails and not (definition.partly and _ratio(revisions[newest]) > _HARDLY_ANY_SERVED):
        return Present(signal=signal_id, strength=1.0, evidence=(_told(signal_id, told, service, seen),))
    return Absent(signal=signal_id, looked=told, source=seen.traffic_source)


def _of_one_revision(
    signal_id: str, definition: RevisionSignal, revision: str, service: ServiceRef, seen: Observation
) -> Finding:
    """Judge a revision without company: if it served well before it failed, its newness is not the reason."""
    state, traffic = seen.states.get(service), seen.traffic[service]
    if state is None or state.onset is None or state.older_than_window:
        gap = Gap(check=definition.title, reason="no older revision served in the window", source=seen.traffic_source)
        return Unknown(signal=signal_id, gap=gap)
    onset = int(state.onset.timestamp() // 60)
    served = sum(count for minute, count in traffic.ok_minutes.items() if minute < onset)
    if served >= 2 * _ENOUGH_REQUESTS and len(traffic.revisions) == 1:
        looked = f"{revision} answered {served} requests well before it failed"
        return Absent(signal=signal_id, looked=looked, source=seen.traffic_source)
    gap = Gap(check=definition.title, reason="too few requests to compare revisions", source=seen.traffic_source)
    return Unknown(signal=signal_id, gap=gap)


def _told(signal_id: str, text: str, service: ServiceRef, seen: Observation) -> Evidence:
    return Evidence(
        signal=signal_id,
        text=text,
        source=seen.traffic_source,
        first_at=seen.states[service].onset,
        service=service,
        link=service_link(seen.project, service, "revisions"),
    )


def _age_order(revision: str) -> tuple[int, str]:
    """Order revisions by the number that Cloud Run gives them: ``api-00042-abc``."""
    numbers = [part for part in revision.split("-") if part.isdigit()]
    return (int(numbers[-1]) if numbers else 0, revision)


def _ratio(traffic: RevisionTraffic) -> float:
    return traffic.errors / traffic.requests if traffic.requests else 0.0


def _share(traffic: RevisionTraffic) -> str:
    return f"{traffic.errors} of {traffic.requests} requests"
