"""Which services stand together, and what a group of them shows as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from gcpdiag.model.finding import Absent, Finding, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.signals.detect import evaluate_signal
from gcpdiag.signals.estate import Estate
from gcpdiag.signals.observation import Observation

_NAME = re.compile(r"[a-z][a-z0-9-]+")
_RUN_HOST = re.compile(r"([a-z][a-z0-9-]+)[a-z0-9.-]*\.run\.app")  # of a service's URL: its name, then a mark
_URL_HOST = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})")
_TELLING_LENGTH = 8
Group = tuple[ServiceRef, ...]


def connected_groups(services: Sequence[ServiceRef], seen: Observation) -> list[Group]:
    """Return the services in groups that share a connector, a network, a database, Redis, or call one another."""
    ordered = sorted(services)
    leader = {one: one for one in ordered}

    def find(one: ServiceRef) -> ServiceRef:
        while leader[one] != one:
            one = leader[one]
        return one

    ties = {one: _ties(one, seen.estate) for one in ordered}
    called = {one: _called_by(one, ordered, seen) for one in ordered}
    for left, right in combinations(ordered, 2):
        if ties[left] & ties[right] or right in called[left] or left in called[right]:
            first, second = sorted((find(left), find(right)))
            leader[second] = first
    groups: dict[ServiceRef, list[ServiceRef]] = {}
    for one in ordered:
        groups.setdefault(find(one), []).append(one)
    return [tuple(group) for group in groups.values()]


def called_in(group: Group, seen: Observation) -> frozenset[ServiceRef]:
    """Return the services of a group that others of it call."""
    return frozenset(called for one in group for called in _called_by(one, group, seen) if called in group)


def _called_by(service: ServiceRef, others: Sequence[ServiceRef], seen: Observation) -> set[ServiceRef]:
    return (set(seen.estate.upstreams(service)) | _named_in_errors(service, others, seen)) - {service}


def _named_in_errors(service: ServiceRef, others: Sequence[ServiceRef], seen: Observation) -> set[ServiceRef]:
    """Return the services that this one's errors speak of, as callers do of what they call."""
    samples = [tally.sample for (_, subject), tally in seen.scan.matches.items() if subject == service]
    words = {word for sample in samples for word in _NAME.findall(sample.lower())}
    hosts = [host for sample in samples for host in _RUN_HOST.findall(sample.lower())]
    named = {one for one in others if one.name in words and _is_telling(one.name)}
    return named | {one for one in others if any(host.startswith(f"{one.name}-") for host in hosts)}


def names_outsiders(group: Group, seen: Observation) -> bool:
    """Tell whether a group's errors speak of hosts elsewhere, which no service of the project can stand behind."""
    samples = [tally.sample.lower() for (_, subject), tally in seen.scan.matches.items() if subject in group]
    hosts = [host for sample in samples for host in _URL_HOST.findall(sample)]
    return any(not host.endswith(".run.app") for host in hosts)


def _is_telling(name: str) -> bool:
    """Tell a name that no sentence has by chance (``route-solver``) from a common word (``api``)."""
    return "-" in name or len(name) >= _TELLING_LENGTH


def _ties(service: ServiceRef, estate: Estate) -> set[tuple[str, str]]:
    ties = {("database", name) for name in estate.database_names(service)}
    ties |= {("redis", name) for name in estate.redis_names(service)}
    if connector := estate.connector(service):
        ties.add(("connector", connector))
    if network := estate.network(service):
        ties.add(("network", f"{service.region}/{network}"))
    return ties


def group_findings(group: Group, seen: Observation) -> dict[str, Finding]:
    """Return every signal's finding for the group: present if any service shows it."""
    return {
        signal: merged([evaluate_signal(signal, service, seen) for service in group])
        for signal in seen.catalogue.definitions
    }


def merged(findings: Sequence[Finding]) -> Finding:
    """Return one finding for several services: present at any, else absent where any could be looked at."""
    present = [one for one in findings if isinstance(one, Present)]
    if present:
        ordered = sorted(present, key=lambda one: -one.strength)
        lines = {line.text: line for one in reversed(ordered) for line in one.evidence}
        evidence = sorted(lines.values(), key=lambda line: (-(line.count or 0), str(line.first_at), line.text))
        return Present(signal=ordered[0].signal, strength=ordered[0].strength, evidence=tuple(evidence))
    absent = [one for one in findings if isinstance(one, Absent)]
    unknown = [one for one in findings if isinstance(one, Unknown)]
    return absent[0] if absent else unknown[0]
