"""What Google's own records say about recovery: fewer errors, quiet probes, no restarts, the right revision.

What happened last is not visible yet: metrics of Cloud Run appear up to four minutes late, log entries up to one, so
that a stretch that is still coming in is no proof, and too early to say is a verdict of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.model.json import objects_at, text_at
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.model.verification import Criterion, CriterionVerdict
from gcpdiag.model.window import clock_time, from_epoch
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.pulse import LOGS_DELAY, METRICS_DELAY
from gcpdiag.signals.tally import Tally
from gcpdiag.signals.traffic import Traffic

SETTLING = timedelta(minutes=1)
"""After a change requests are still under way on old instances; they say nothing about it."""

STRETCH = timedelta(minutes=5)
"""How much of what came last is judged."""

_LEAST_STRETCH = timedelta(minutes=3)
_LEAST_REQUESTS = 20
_HARMLESS_SHARE = 0.01
_TIMES_BASELINE = 2.0
_PROBES = ("startup-probe-deadline", "startup-probe-failed", "startup-probe-cancelled", "liveness-probe-failed")
_RESTARTS = ("memory-limit-exceeded", "container-killed", "container-exited", "container-crashed")
_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What a criterion claims, before it is judged."""

    title: str
    service: ServiceRef

    def judged(self, verdict: CriterionVerdict, text: str, *, at: datetime | None = None) -> Criterion:
        return Criterion(
            group="traffic" if self.title == _FALLEN else "platform",
            title=self.title,
            subject=self.service.name,
            verdict=verdict,
            text=text,
            at=at,
        )


_FALLEN = "5xx rate has fallen"
_NO_PROBE_FAILURES = "no new probe failures"
_NO_RESTARTS = "restarts have stopped"
_SERVING = "latest revision serves"


def recovery_criteria(
    seen: Observation, *, services: Collection[str] = (), since: datetime | None = None
) -> Iterator[Criterion]:
    """Yield what records say about each service that has requests, fails, or is named.

    ``since`` is when something was done about the incident; without it the end of the window is judged by itself.
    """
    for service, state in sorted(seen.states.items()):
        wanted = service.name in services if services else bool(state.requests) or state.health == "failing"
        if not wanted:
            continue
        yield _error_rate(seen, service, since)
        yield _quiet(seen, _Claim(title=_NO_PROBE_FAILURES, service=service), _PROBES, since)
        yield _quiet(seen, _Claim(title=_NO_RESTARTS, service=service), _RESTARTS, since)
        if service in seen.estate.services and service not in seen.estate.from_audit:
            yield _serving(seen, service)


def _error_rate(seen: Observation, service: ServiceRef, since: datetime | None) -> Criterion:
    claim = _Claim(title=_FALLEN, service=service)
    traffic = seen.traffic.get(service)
    if traffic is None or not traffic.requests:
        gap = seen.gap(seen.traffic_source, "requests")
        return claim.judged("unknown", gap.reason if gap else "there were no requests to judge by")
    delay = LOGS_DELAY if seen.traffic_source == LOG_ENTRIES else METRICS_DELAY
    visible = seen.window.end - delay
    settled = since + SETTLING if since else seen.window.start
    ready = settled + _LEAST_STRETCH + delay
    if visible - settled < _LEAST_STRETCH:
        return claim.judged("too early", _not_yet(visible, since, delay), at=ready)
    start = max(settled, visible - STRETCH)
    failed, requests = _counted(traffic, start, visible)
    while requests < _LEAST_REQUESTS and start > settled:
        start = max(settled, start - STRETCH)
        failed, requests = _counted(traffic, start, visible)
    if requests < _LEAST_REQUESTS:
        told = f"only {requests} requests since {clock_time(settled)}, {failed} of them failed"
        return claim.judged("too early", told, at=visible + STRETCH + delay)
    return _judged_rate(seen, claim, traffic, start, visible)


def _judged_rate(seen: Observation, claim: _Claim, traffic: Traffic, start: datetime, end: datetime) -> Criterion:
    failed, requests = _counted(traffic, start, end)
    share = failed / requests
    baseline = _baseline(seen, claim.service, traffic)
    bound = max(_HARMLESS_SHARE, _TIMES_BASELINE * (baseline or 0.0))
    minutes = round((end - start) / timedelta(minutes=1))
    told = f"{_percent(share)} of {requests} requests failed in the last {minutes} min"
    state = seen.states[claim.service]
    if state.onset is not None and state.onset < start:
        worst_failed, worst = _counted(traffic, state.onset, start)
        told += f"; {_percent(worst_failed / worst)} in the incident before" if worst else ""
    told += f"; {_percent(baseline)} before it" if baseline is not None else "; no calm stretch is known"
    return claim.judged("met" if share <= bound else "not met", told)


def _baseline(seen: Observation, service: ServiceRef, traffic: Traffic) -> float | None:
    """Return the share of failed requests in the calm before the onset, None where nothing is known of one."""
    onset = seen.states[service].onset
    if onset is None:
        return traffic.errors / traffic.requests
    history = seen.history.get(service)
    for one in (traffic, history):
        if one is None:
            continue
        failed, requests = _counted(one, None, onset)
        if requests >= _LEAST_REQUESTS:
            return failed / requests
    return None


def _counted(traffic: Traffic, start: datetime | None, end: datetime) -> tuple[int, int]:
    """Return the failed requests and all requests of the whole minutes of a stretch."""
    first = start.timestamp() / _MINUTE if start else float("-inf")
    last = end.timestamp() / _MINUTE
    failed = sum(count for minute, count in traffic.error_minutes.items() if first <= minute and minute + 1 <= last)
    well = sum(count for minute, count in traffic.ok_minutes.items() if first <= minute and minute + 1 <= last)
    return failed, failed + well


def _quiet(seen: Observation, claim: _Claim, signals: Collection[str], since: datetime | None) -> Criterion:
    """Judge that something of the system log no longer happens."""
    gap = seen.gap(LOG_ENTRIES, claim.title)
    tallies = [tally for one in signals if (tally := seen.scan.matches.get((one, claim.service))) is not None]
    visible = seen.window.end - LOGS_DELAY
    settled = since + SETTLING if since else seen.window.start
    recent = _after(tallies, max(settled, visible - STRETCH))
    last = max((one.last for one in tallies), default=None)
    if recent:
        told = f"{recent} in the last {STRETCH / timedelta(minutes=1):.0f} min"
        return claim.judged("not met", f"{told}, the last at {_time(last)}")
    if gap is not None:
        return claim.judged("unknown", gap.reason)
    if visible - settled < STRETCH:
        told = _not_yet(visible, since, LOGS_DELAY)
        return claim.judged("too early", told, at=settled + STRETCH + LOGS_DELAY)
    if last is None:
        return claim.judged("met", "none in the window")
    return claim.judged("met", f"{sum(one.count for one in tallies)} in the window, the last at {_time(last)}")


def _after(tallies: Collection[Tally], start: datetime) -> int:
    first = start.timestamp() / _MINUTE
    return sum(count for tally in tallies for minute, count in tally.minutes.items() if minute + 1 > first)


def _not_yet(visible: datetime, since: datetime | None, delay: timedelta) -> str:
    when = f"the change of {clock_time(since)}" if since else "the window's start"
    told = f"records are visible until {clock_time(visible)} ({delay.total_seconds():.0f} s behind)"
    return f"{told}, too little after {when}"


def _serving(seen: Observation, service: ServiceRef) -> Criterion:
    claim = _Claim(title=_SERVING, service=service)
    document = seen.estate.services[service]
    created = last_segment(text_at(document, "latestCreatedRevision"))
    ready = last_segment(text_at(document, "latestReadyRevision"))
    if not created:
        return claim.judged("unknown", "the service does not tell its latest revision")
    if not ready:
        return claim.judged("not met", f"{created} is not ready, nor was any revision before it")
    serving = seen.estate.serving_revision(service)
    pinned = any(text_at(one, "revision") for one in objects_at(document, "traffic"))
    if document.get("reconciling") is True:
        return claim.judged("too early", f"{created} is still being rolled out; {serving} serves")
    if created != ready and not (pinned and serving != created):
        return claim.judged("not met", f"{created} is not ready; {serving} serves in its place")
    if serving != created:
        return claim.judged("met", f"{serving} serves by choice: traffic is pinned to it, and {created} gets less")
    return claim.judged("met", f"{serving} is ready and gets most of the traffic")


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _time(seconds: float | None) -> str:
    return clock_time(from_epoch(seconds)) if seconds is not None else "an unknown time"
