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

Group = tuple[ServiceRef, ...]


def connected_groups(services: Sequence[ServiceRef], seen: Observation) -> list[Group]:
    """Return the services in groups that share a connector, a network, a database, Redis, or call one another."""
    estate = seen.estate
    leader = {one: one for one in services}

    def find(one: ServiceRef) -> ServiceRef:
        while leader[one] != one:
            one = leader[one]
        return one

    shared = {one: _ties(one, estate) for one in services}
    for left, right in combinations(sorted(services), 2):
        calls = right in estate.upstreams(left) or left in estate.upstreams(right)
        if calls or _speaks_of(left, right, seen) or _speaks_of(right, left, seen) or shared[left] & shared[right]:
            first, second = sorted((find(left), find(right)))
            leader[second] = first
    groups: dict[ServiceRef, list[ServiceRef]] = {}
    for one in sorted(services):
        groups.setdefault(find(one), []).append(one)
    return [tuple(group) for group in groups.values()]


def _speaks_of(service: ServiceRef, other: ServiceRef, seen: Observation) -> bool:
    """Tell whether an error of a service names the other one, as callers do of what they call."""
    name = re.compile(rf"(?<![\w-]){re.escape(other.name)}(?![\w-])")
    samples = (tally.sample for (_, subject), tally in seen.scan.matches.items() if subject == service)
    return any(name.search(sample) for sample in samples)


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
        lines = dict.fromkeys(line for one in ordered for line in one.evidence)
        evidence = sorted(lines, key=lambda line: (-(line.count or 0), str(line.first_at), line.text))
        return Present(signal=ordered[0].signal, strength=ordered[0].strength, evidence=tuple(evidence))
    absent = [one for one in findings if isinstance(one, Absent)]
    unknown = [one for one in findings if isinstance(one, Unknown)]
    return absent[0] if absent else unknown[0]
