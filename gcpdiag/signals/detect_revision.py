"""The newest revision against the older ones, as a finding: only it fails, or only its containers die."""

from __future__ import annotations

from collections import Counter

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.signals.definition import RevisionSignal
from gcpdiag.signals.link import service_link
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.traffic import RevisionTraffic

_ENOUGH_REQUESTS = 5
_ENOUGH_DEATHS = 3
_LEAST_RATIO = 0.05
_HARDLY_ANY_SERVED = 0.97


def find_revision(signal_id: str, definition: RevisionSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether the newest revision fails while an older one serves, or served until it came."""
    revisions = _revisions(service, seen)
    if not revisions:
        return _unknown(signal_id, definition, "requests do not tell their revision", seen)
    newest, *older = sorted(revisions, key=_age_order, reverse=True)
    old = RevisionTraffic(
        requests=sum(revisions[one].requests for one in older),
        errors=sum(revisions[one].errors for one in older),
    )
    if old.requests < _ENOUGH_REQUESTS or revisions[newest].requests < _ENOUGH_REQUESTS:
        return _of_one_revision(signal_id, definition, newest, service, seen)
    if definition.dying:
        return _find_deaths(signal_id, definition, newest, service, seen)
    told = f"{newest} fails {_share(revisions[newest])}, older revisions {_share(old)}"
    ratio = _ratio(revisions[newest])
    never = ratio > _HARDLY_ANY_SERVED
    as_wanted = never if definition.never else not (definition.partly and never)
    if as_wanted and ratio >= max(_LEAST_RATIO, definition.least_ratio * _ratio(old)):
        return _present(signal_id, told, service, seen)
    return Absent(signal=signal_id, looked=told, source=seen.source_of(service))


def _revisions(service: ServiceRef, seen: Observation) -> dict[str, RevisionTraffic]:
    """Return what each revision answered; those that served before the window alone are known from metrics."""
    found: dict[str, RevisionTraffic] = {}
    for told in (seen.history.get(service), seen.traffic.get(service)):
        found |= {name: one for name, one in (told.revisions if told else {}).items() if name and one.requests}
    return found


def _find_deaths(
    signal_id: str, definition: RevisionSignal, newest: str, service: ServiceRef, seen: Observation
) -> Finding:
    deaths: Counter[str] = Counter()
    for signal in definition.dying:
        tally = seen.scan.matches.get((signal, service))
        deaths.update(tally.revisions if tally else {})
    others = deaths.total() - deaths[newest]
    told = f"containers of {newest} died {deaths[newest]} times, those of older revisions {others} times"
    if deaths[newest] >= _ENOUGH_DEATHS and not others:
        return _present(signal_id, told, service, seen)
    if seen.gap(LOG_ENTRIES, definition.title):
        return _unknown(signal_id, definition, "deaths are in the logs alone", seen)
    return Absent(signal=signal_id, looked=told, source=LOG_ENTRIES)


def _of_one_revision(
    signal_id: str, definition: RevisionSignal, revision: str, service: ServiceRef, seen: Observation
) -> Finding:
    """Judge a revision without company: if it served well before it failed, its newness is not the reason."""
    state, traffic = seen.states.get(service), seen.traffic[service]
    if state is None or state.onset is None or state.older_than_window:
        return _unknown(signal_id, definition, "no older revision served in the window", seen)
    onset = int(state.onset.timestamp() // 60)
    served = sum(count for minute, count in traffic.ok_minutes.items() if minute < onset)
    if served >= 2 * _ENOUGH_REQUESTS and len(traffic.revisions) == 1:
        looked = f"{revision} answered {served} requests well before it failed"
        return Absent(signal=signal_id, looked=looked, source=seen.source_of(service))
    return _unknown(signal_id, definition, "too few requests to compare revisions", seen)


def _unknown(signal_id: str, definition: RevisionSignal, reason: str, seen: Observation) -> Unknown:
    source = LOG_ENTRIES if definition.dying else seen.traffic_source
    gap = seen.gap(source, definition.title) or Gap(check=definition.title, reason=reason, source=source)
    return Unknown(signal=signal_id, gap=gap)


def _present(signal_id: str, text: str, service: ServiceRef, seen: Observation) -> Present:
    evidence = Evidence(
        signal=signal_id,
        text=text,
        source=seen.source_of(service),
        first_at=seen.states[service].onset,
        service=service,
        link=service_link(seen.project, service, "revisions"),
    )
    return Present(signal=signal_id, strength=1.0, evidence=(evidence,))


def _age_order(revision: str) -> tuple[int, str]:
    """Order revisions by the number that Cloud Run gives them: ``api-00042-abc``."""
    numbers = [part for part in revision.split("-") if part.isdigit()]
    return (int(numbers[-1]) if numbers else 0, revision)


def _ratio(traffic: RevisionTraffic) -> float:
    return traffic.errors / traffic.requests if traffic.requests else 0.0


def _share(traffic: RevisionTraffic) -> str:
    return f"{traffic.errors} of {traffic.requests} requests"
