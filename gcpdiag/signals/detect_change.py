"""Changes as findings: what was altered before the onset."""

from __future__ import annotations

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.bundle.redact import one_line
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import clock_time, from_epoch
from gcpdiag.signals.change import Change
from gcpdiag.signals.definition import ChangeSignal
from gcpdiag.signals.link import logs_link
from gcpdiag.signals.matcher import compiled
from gcpdiag.signals.observation import Observation

_SLACK = 60.0  # seconds: an audit entry may carry a later time than the first failure
_FORGOTTEN = 36 * 3600.0  # seconds: what was altered before that has been served since
_SOON = 2 * 3600.0  # seconds between a change and the onset that it may well have caused


def find_change(signal_id: str, definition: ChangeSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether such a change precedes the onset; the closer to it, the stronger."""
    onset = _onset(service, seen)
    mine = [one for one in seen.scan.changes if not one.failed and onset - _FORGOTTEN <= one.at <= onset + _SLACK]
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
    if definition.fewer:
        return any(_names(one.before) - _names(one.after) for one in altered)
    return any(not definition.to or one.after in definition.to for one in altered)


def _names(text: str) -> set[str]:
    return {name for name in text.split(", ") if name}


def _when(at: float, seen: Observation) -> str:
    """Return the time of day, with the date where that is not the day of the incident."""
    moment = from_epoch(at)
    same_day = moment.date() == seen.window.end.date()
    return clock_time(moment) if same_day else f"{moment:%Y-%m-%d} {clock_time(moment)}"


def _evidence(signal_id: str, change: Change, service: ServiceRef, seen: Observation) -> Evidence:
    return Evidence(
        signal=signal_id,
        text=f"{_when(change.at, seen)} {one_line(change.text)}",
        source=change.source,
        first_at=from_epoch(change.at),
        last_at=from_epoch(change.at),
        count=1,
        service=service,
        link=logs_link(seen.project, change.service, "", ["audit"], seen.window),
    )
