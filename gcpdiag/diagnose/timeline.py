"""What happened when: changes, the first failure, and the first sign of every cause."""

from __future__ import annotations

from collections.abc import Iterable

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.diagnosis import NamedCause, ServiceState, TimelineEvent
from gcpdiag.model.window import from_epoch
from gcpdiag.signals.change import Change
from gcpdiag.signals.observation import Observation

_MOST_CHANGES = 20


def timeline_of(seen: Observation, causes: Iterable[NamedCause]) -> tuple[TimelineEvent, ...]:
    """Return the events in time order; of very many changes, the last ones before the end of the window."""
    events = [_change_event(one) for one in seen.scan.changes[-_MOST_CHANGES:]]
    for state in seen.states.values():
        events += _state_events(state, seen.source_of(state.service))
    for cause in causes:
        events += _first_sign(cause)
    return tuple(sorted(set(events), key=lambda one: (one.at, one.kind, one.text)))


def _change_event(change: Change) -> TimelineEvent:
    text = one_line(change.text, limit=200)
    return TimelineEvent(
        at=from_epoch(change.at),
        kind="deploy" if change.kind == "deploy" else "change",
        text=f"{text} (refused)" if change.failed else text,
        source=change.source,
    )


def _state_events(state: ServiceState, source: str) -> list[TimelineEvent]:
    if state.onset is None:
        return []
    first = f"{state.service.name}: first 5xx in the window"
    if state.older_than_window:
        first += "; the failure is older than the window"
    events = [TimelineEvent(at=state.onset, kind="onset", text=first, source=source)]
    if state.health == "recovered" and state.last_error_at is not None:
        text = f"{state.service.name}: last 5xx, none since"
        events.append(TimelineEvent(at=state.last_error_at, kind="recovery", text=text, source=source))
    return events


def _first_sign(cause: NamedCause) -> list[TimelineEvent]:
    timed = [(line.evidence.first_at, line.evidence) for line in cause.evidence if line.evidence.first_at is not None]
    if not timed:
        return []
    at, evidence = min(timed, key=lambda one: (one[0], one[1].text))
    text = f"first sign of {cause.id}: {one_line(evidence.text, limit=140)}"
    return [TimelineEvent(at=at, kind="evidence", text=text, source=evidence.source)]
