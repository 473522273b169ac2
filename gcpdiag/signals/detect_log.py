"""Log signatures as findings: how often, since when compared with the onset, and whether there were logs at all."""

from __future__ import annotations

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.bundle.redact import one_line
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import from_epoch
from gcpdiag.signals.definition import LogSignal
from gcpdiag.signals.link import logs_link
from gcpdiag.signals.matcher import excerpt, spaced
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.scan import Subject
from gcpdiag.signals.tally import Tally

_LATE = 5 * 60  # seconds after the onset: what begins later did not begin it
_UNTIMELY = 0.3  # share of its strength that a finding keeps when its time speaks against it
_SECOND = 0.8


def find_log(signal_id: str, definition: LogSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether entries of the service, or of a resource that it uses, match the signature."""
    subjects = _subjects(definition, service, seen)
    found = [(one, seen.scan.matches[signal_id, one]) for one in subjects if (signal_id, one) in seen.scan.matches]
    if definition.other_port:
        if not seen.estate.configuration(service):
            reason = f"the port that {service.name} was given is not known"
            return Unknown(signal=signal_id, gap=Gap(check=definition.title, reason=reason, source="run.services"))
        port = seen.estate.port(service)
        found = [(one, tally) for one, tally in found if tally.ports and port not in tally.ports]
    if found:
        strength = max(_strength(tally, definition, service, seen) for _, tally in found)
        evidence = tuple(_evidence(signal_id, definition, subject, tally, service, seen) for subject, tally in found)
        return Present(signal=signal_id, strength=strength, evidence=evidence)
    gap = seen.gap(LOG_ENTRIES, definition.title) or _not_covered(definition, subjects, seen)
    if gap is None and definition.severity == "quiet" and seen.coverage[LOG_ENTRIES].sampled:
        gap = Gap(check=definition.title, reason="of routine log entries only a sample was read", source=LOG_ENTRIES)
    if gap:
        return Unknown(signal=signal_id, gap=gap)
    looked = definition.absent or f"no log entry says: {definition.title}"
    return Absent(signal=signal_id, looked=looked, source=LOG_ENTRIES)


def _subjects(definition: LogSignal, service: ServiceRef, seen: Observation) -> list[Subject]:
    subjects: list[Subject] = [service]
    if "database" in definition.logs:
        linked = set(seen.estate.database_names(service))
        logged = sorted({one for kind, one in seen.scan.seen if kind == "database" and isinstance(one, str)})
        subjects += [one for one in logged if not linked or one.rsplit(":", 1)[-1] in linked]
    if "load-balancer" in definition.logs:
        balancers = sorted(one for kind, one in seen.scan.seen if kind == "load-balancer" and isinstance(one, str))
        subjects += [one for one in balancers if seen.estate.behind(one) in {None, service}]
    if "audit" in definition.logs:
        subjects.append("")
    return subjects


def _not_covered(definition: LogSignal, subjects: list[Subject], seen: Observation) -> Gap | None:
    """Return a gap when none of the logs, in which the signal would stand, has an entry.

    The system log has entries only when something happens, so any log of the service proves that it is covered.
    """
    proving = {*definition.logs, "any"}
    if proving & {"system", "audit"}:
        proving |= {"app", "request", "system"}
    counted = any((kind, subject) in seen.scan.seen for kind in proving for subject in subjects)
    if counted:
        return None
    logs = " and ".join(definition.logs)
    return Gap(check=definition.title, reason=f"there is no {logs} log entry in the window", source=LOG_ENTRIES)


def _strength(tally: Tally, definition: LogSignal, service: ServiceRef, seen: Observation) -> float:
    """Return 0.5 for a single match up to 1 for enough of them, less where the time does not fit."""
    strength = min(1.0, 0.5 + 0.5 * (tally.count - 1) / max(1, definition.enough - 1))
    return strength * _timeliness(tally, service, seen)


def _timeliness(tally: Tally, service: ServiceRef, seen: Observation) -> float:
    """Return 1 for matches that come with the failure, and less for others.

    Less for matches that were over before the onset, that went on as they did before it, or that began after it; what
    began later and made the failure worse may still be a second cause.
    """
    state = seen.states.get(service)
    if state is None or state.onset is None or state.older_than_window:
        return 1.0
    onset = state.onset.timestamp()
    lead = 60.0 + _longest_wait(service, seen)
    if tally.last < onset - lead:
        return _UNTIMELY
    if tally.first > onset + _LATE:
        if _begins_where_logs_do(tally, service, seen):
            return 1.0
        return _SECOND if _grew_worse(onset, tally.first, service, seen) else _UNTIMELY
    begin = int((onset - lead) // 60)
    before = tally.rate_before(begin)
    steady = before > 0 and tally.first < onset - 2 * lead and tally.rate_from(begin) < 2 * before
    return _UNTIMELY if steady else 1.0


def _begins_where_logs_do(tally: Tally, service: ServiceRef, seen: Observation) -> bool:
    """Tell whether logs were cut off, and a match is as old as what is left: it may have begun before."""
    if not seen.coverage[LOG_ENTRIES].truncated:
        return False
    left = [one.oldest for (kind, subject), one in seen.scan.seen.items() if subject == service and kind != "audit"]
    return tally.first <= min(left, default=float("-inf")) + _LATE


def _grew_worse(onset: float, later: float, service: ServiceRef, seen: Observation) -> bool:
    """Tell whether more requests a minute failed after a moment than between the onset and it."""
    minutes = seen.traffic[service].error_minutes
    split, end = int(later // 60), int(seen.window.end.timestamp() // 60)
    before = sum(count for minute, count in minutes.items() if onset // 60 <= minute < split)
    after = sum(count for minute, count in minutes.items() if minute >= split)
    return after / max(1, end - split) >= 1.3 * before / max(1, split - onset // 60)


def _longest_wait(service: ServiceRef, seen: Observation) -> float:
    """Return how long before a request's answer its cause may lie, in seconds."""
    return min(seen.estate.timeout(service), 300.0)


def _evidence(
    signal_id: str,
    definition: LogSignal,
    subject: Subject,
    tally: Tally,
    service: ServiceRef,
    seen: Observation,
) -> Evidence:
    instances = f" on {len(tally.instances)} instances" if len(tally.instances) > 1 else ""
    where = subject.name if isinstance(subject, ServiceRef) else subject
    owner = subject if isinstance(subject, ServiceRef) else None
    said = one_line(excerpt(tally.sample, definition.any))
    text = f"{tally.count} × in {where or 'the audit log'}{instances}: {said}"
    return Evidence(
        signal=signal_id,
        text=text,
        source=LOG_ENTRIES,
        first_at=from_epoch(tally.first),
        last_at=from_epoch(tally.last),
        count=tally.count,
        service=service,
        resource=where.rsplit(":", 1)[-1] if owner is None else "",
        link=logs_link(seen.project, owner, spaced(definition.any[0]), list(definition.logs), seen.window),
    )
