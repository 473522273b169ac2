"""How far a recovery is: what must hold before anybody calls it over, ticked off as rounds show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gcpdiag.diagnose.vigil import ENOUGH_ANSWERED, Vigil, answered_since_failure, has_enough_traffic, subjects_of
from gcpdiag.signals.pulse import LOGS_DELAY, Pulse, ServicePulse

QUIET = timedelta(minutes=15)
"""Without a 5xx for so long a service counts as recovered; a diagnosis asks for the same."""

STEADY = timedelta(minutes=5)
"""Without a restart for so long restarts have stopped."""

TickState = Literal["met", "not yet", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One line of the checklist: what must hold, whether it does, what was seen, and the share of the way (0 to 1)."""

    title: str
    state: TickState
    text: str
    progress: float | None = None


def ticks_of(vigil: Vigil) -> tuple[Tick, ...]:
    """Return the checklist in the order to print; nothing before anything was seen."""
    if vigil.sight is None:
        return ()
    pulse, subjects = vigil.sight.pulse, subjects_of(vigil)
    stray = vigil.sight.diagnosis.status == "healthy" and not vigil.afflicted
    return (
        _quiet(pulse, subjects, stray=stray),
        _traffic(vigil, subjects),
        _serving(subjects),
        _steady(pulse, subjects),
    )


def _quiet(pulse: Pulse, subjects: Sequence[ServicePulse], *, stray: bool) -> Tick:
    """Judge that there is no 5xx any more, by the service that failed last; ``stray`` ones were no failure."""
    title = f"no 5xx for {_minutes(QUIET)} min"
    visible = _visible_for(pulse)
    last = _latest(subjects, pulse, [one.last_error for one in subjects])
    if last is not None:
        service, since = last
        text = f"{service}: the last {_ago(since)} ago"
        if stray:
            return Tick(title=title, state="met", text=f"only stray ones; {text}", progress=1.0)
        if since < QUIET:
            return Tick(title=title, state="not yet", text=text, progress=max(0.0, since / QUIET))
    else:
        text = "none is known"
    if visible is None or visible < QUIET:
        shown = "nothing" if visible is None else f"{_minutes(visible)} min only"
        return Tick(title=title, state="unknown", text=f"{text}, but the request log shows {shown}")
    return Tick(title=title, state="met", text=text, progress=1.0)


def _traffic(vigil: Vigil, subjects: Sequence[ServicePulse]) -> Tick:
    """Judge that enough requests were answered since, by the service that answered fewest."""
    title = f"{ENOUGH_ANSWERED} requests answered"
    counts = [(count, one) for one in subjects if (count := answered_since_failure(one)) is not None]
    if not counts or len(counts) < len(subjects):
        return Tick(title=title, state="unknown", text="requests cannot be counted")
    if not (vigil.afflicted or vigil.named):
        least, told = sum(count for count, _ in counts), "all services together"
    else:
        least, fewest = min(counts, key=lambda one: one[0])
        told = fewest.service.name
    enough = has_enough_traffic(vigil)
    progress = min(1.0, least / ENOUGH_ANSWERED)
    state: TickState = "met" if enough else "not yet"
    return Tick(title=title, state=state, text=f"{told}: {least} without a failure", progress=progress)


def _serving(subjects: Sequence[ServicePulse]) -> Tick:
    """Judge that the latest revision serves, or one that somebody chose."""
    title = "latest revision serves"
    told = [(one.service.name, one.serving) for one in subjects if one.serving is not None]
    if not told:
        return Tick(title=title, state="unknown", text="revisions cannot be seen")
    for name, serving in told:
        if serving.rolling:
            return Tick(title=title, state="not yet", text=f"{name}: {serving.latest} is being rolled out")
        if serving.latest != serving.latest_ready and not serving.pinned:
            return Tick(title=title, state="not yet", text=f"{name}: {serving.latest} is not ready")
    chosen = [(name, one) for name, one in told if one.revision != one.latest]
    if chosen:
        name, serving = chosen[0]
        return Tick(title=title, state="met", text=f"{name}: {serving.revision} by choice, not {serving.latest}")
    name, serving = told[0]
    more = f", and {len(told) - 1} more" if len(told) > 1 else ""
    return Tick(title=title, state="met", text=f"{serving.latest}{more}")


def _steady(pulse: Pulse, subjects: Sequence[ServicePulse]) -> Tick:
    """Judge that instances no longer go down."""
    title = "restarts stopped"
    visible = _visible_for(pulse)
    last = _latest(subjects, pulse, [one.last_restart for one in subjects])
    if last is not None and last[1] < STEADY:
        service, since = last
        told = f"{service}: the last {_ago(since)} ago"
        return Tick(title=title, state="not yet", text=told, progress=max(0.0, since / STEADY))
    if visible is None or visible < STEADY:
        return Tick(title=title, state="unknown", text="the system log cannot be seen")
    if last is None:
        return Tick(title=title, state="met", text=f"none for {_minutes(visible)} min", progress=1.0)
    return Tick(title=title, state="met", text=f"{last[0]}: the last {_ago(last[1])} ago", progress=1.0)


def _visible_for(pulse: Pulse) -> timedelta | None:
    """Return how much of what came last the log shows whole; what may still come in does not count as missing."""
    if pulse.whole_from is None:
        return None
    visible = pulse.at - pulse.whole_from
    return visible if visible > LOGS_DELAY else None


def _latest(
    subjects: Sequence[ServicePulse], pulse: Pulse, times: Sequence[datetime | None]
) -> tuple[str, timedelta] | None:
    """Return the service to which something happened last, and how long ago; None if it happened to none."""
    known = [(at, one.service.name) for one, at in zip(subjects, times, strict=True) if at is not None]
    if not known:
        return None
    at, name = max(known)
    return name, pulse.at - at


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def _ago(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"  # noqa: PLR2004 - seconds of a minute
