"""What is known after some rounds of diagnosing the same project: the last sight of it, its course, its events.

A vigil is a value: each round gives the next one. A round that failed keeps what was known, with its age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gcpdiag.model.diagnosis import Diagnosis, ServiceHealth, TimelineEvent
from gcpdiag.model.resource import ServiceRef
from gcpdiag.signals.pulse import Pulse, ServicePulse

CALM_ROUNDS = 2
"""As many rounds in a row must be healthy before anybody calls it over."""

ENOUGH_ANSWERED = 10
"""Requests since the last 5xx that prove anything."""

_MOST_EVENTS = 200
_MOST_MARKS = 500
_AFFLICTED: frozenset[ServiceHealth] = frozenset({"failing", "recovered"})
_SLIDING = frozenset({"onset", "recovery", "evidence"})
"""Kinds of events whose time moves along with the window: what they are about tells whether they are new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one round saw."""

    diagnosis: Diagnosis
    pulse: Pulse

    @property
    def at(self) -> datetime:
        """The moment up to which it saw."""
        return self.pulse.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A round that saw nothing, and why."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The top cause of one round and its confidence; no cause where none was named or nothing was seen."""

    cause: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """Something that happened; ``fresh`` tells that it was not known in the first round."""

    at: datetime
    kind: str
    text: str
    fresh: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Vigil:
    """What is known by now; ``named`` are the services that somebody asked for, none for all."""

    began: datetime
    named: frozenset[str] = frozenset()
    rounds: int = 0
    sight: Sight | None = None
    miss: Miss | None = None
    marks: tuple[Mark, ...] = ()
    events: tuple[WatchEvent, ...] = ()
    known: frozenset[tuple[str, ...]] = frozenset()
    afflicted: frozenset[ServiceRef] = frozenset()
    health: Mapping[ServiceRef, ServiceHealth] = field(default_factory=dict)
    calm: int = 0

    @property
    def is_over(self) -> bool:
        """As many rounds in a row as it takes were healthy, with enough traffic to tell."""
        return self.calm >= CALM_ROUNDS

    def with_sight(self, sight: Sight) -> Vigil:
        """Return what is known after a round that saw something."""
        diagnosis = sight.diagnosis
        states = {one.service: one.health for one in diagnosis.services}
        afflicted = self.afflicted | {one for one, health in states.items() if health in _AFFLICTED}
        told = [one for one in diagnosis.timeline if _key(one) not in self.known]
        noted = replace(
            self,
            rounds=self.rounds + 1,
            sight=sight,
            miss=None,
            marks=(*self.marks, _mark_of(diagnosis))[-_MOST_MARKS:],
            known=self.known | {_key(one) for one in told},
            afflicted=afflicted,
            health=states,
        )
        fresh = self.sight is not None
        events = [WatchEvent(at=one.at, kind=one.kind, text=one.text, fresh=fresh) for one in told]
        events += [*_turns(self, sight), *([_returned(self, sight)] if self.miss else [])]
        calm = diagnosis.status == "healthy" and has_enough_traffic(noted)
        return replace(_with_events(noted, events), calm=self.calm + 1 if calm else 0)

    def with_miss(self, miss: Miss) -> Vigil:
        """Return what is known after a round that failed: what was known before."""
        noted = replace(self, rounds=self.rounds + 1, miss=miss, marks=(*self.marks, Mark())[-_MOST_MARKS:], calm=0)
        if self.miss:
            return noted
        return _with_events(noted, [WatchEvent(at=miss.at, kind="no sight", text=miss.why)])


def subjects_of(vigil: Vigil) -> list[ServicePulse]:
    """Return the services whose recovery counts: the named ones and those that failed at any time; else all."""
    if vigil.sight is None:
        return []
    services = vigil.sight.pulse.services
    chosen = [one for one in services if one.service in vigil.afflicted or one.service.name in vigil.named]
    return chosen or list(services)


def answered_since_failure(pulse: ServicePulse) -> int | None:
    """Return the requests that a service answered since its last failure; None where nobody could count."""
    beats = [one for one in pulse.beats if one.requests is not None]
    if not beats:
        return None
    last = int(pulse.last_error.timestamp() // 60) if pulse.last_error else -1
    return sum((one.requests or 0) - (one.errors or 0) for one in beats if one.minute > last)


def has_enough_traffic(vigil: Vigil) -> bool:
    """Tell whether traffic suffices to prove anything: at each service that failed or was named, else in all."""
    subjects = subjects_of(vigil)
    counts = [answered_since_failure(one) or 0 for one in subjects]
    if vigil.afflicted or vigil.named:
        return bool(counts) and min(counts) >= ENOUGH_ANSWERED
    return sum(counts) >= ENOUGH_ANSWERED


def _with_events(vigil: Vigil, events: list[WatchEvent]) -> Vigil:
    """Return the vigil with more events: those of one round by age, rounds one after the other."""
    return replace(vigil, events=(*vigil.events, *sorted(events, key=lambda one: one.at))[-_MOST_EVENTS:])


def _key(event: TimelineEvent) -> tuple[str, ...]:
    """Return what makes an event the same in the next round."""
    if event.kind in _SLIDING:
        return (event.kind, event.text.partition(":")[0])
    return (event.kind, event.at.isoformat(), event.text)


def _mark_of(diagnosis: Diagnosis) -> Mark:
    if not diagnosis.root_causes:
        return Mark()
    top = diagnosis.root_causes[0]
    return Mark(cause=top.id, confidence=top.confidence)


def _turns(before: Vigil, sight: Sight) -> list[WatchEvent]:
    """Return what is otherwise than in the round before: the status, the top cause, the health of services."""
    if before.sight is None:
        return []
    turns: list[tuple[str, str]] = []
    was, now = before.sight.diagnosis, sight.diagnosis
    if was.status != now.status:
        turns.append(("status", f"{was.status} → {now.status}"))
    old, new = _mark_of(was), _mark_of(now)
    if new.cause and old.cause != new.cause:
        turns.append(("cause", f"{new.cause} comes first now" + (f", before {old.cause}" if old.cause else "")))
    for state in now.services:
        health = before.health.get(state.service)
        if health is not None and health != state.health:
            turns.append(("service", f"{state.service.name}: {health} → {state.health}"))
    return [WatchEvent(at=sight.at, kind=kind, text=text) for kind, text in turns]


def _returned(before: Vigil, sight: Sight) -> WatchEvent:
    since = before.sight.at if before.sight else before.began
    return WatchEvent(at=sight.at, kind="sight", text=f"seen again; nothing was seen since {since:%H:%M:%S}")
