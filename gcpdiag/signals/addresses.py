"""Addresses of subnetworks, as direct VPC egress takes them."""

from __future__ import annotations

from ipaddress import ip_network

from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.signals.metric import INSTANCES
from gcpdiag.signals.observation import Observation

BLOCK = 16
"""Addresses that direct VPC egress takes at a time (docs)."""

EACH = 2
"""Addresses of an instance in a steady state (docs)."""

_RESERVED = 4  # addresses of every subnetwork that Google keeps


def usable_addresses(subnet: JsonObject) -> int:
    """Return how many addresses a subnetwork has to give; 0 where its range is not known."""
    try:
        return max(0, ip_network(text_at(subnet, "ipCidrRange")).num_addresses - _RESERVED)
    except ValueError:
        return 0


def instances_in(subnet: JsonObject, seen: Observation) -> int:
    """Return the most instances that ran at once, by their metric, of all services that take addresses there."""
    name = text_at(subnet, "name")
    minutes: dict[int, float] = {}
    for service in (one for one in seen.estate.services if name in seen.estate.direct_subnetworks(one)):
        told = seen.series.values(INSTANCES, service.name, labels={}, quantile=0.99, combine="sum")
        for minute, value in told.items():
            minutes[minute] = minutes.get(minute, 0.0) + value
    start = seen.window.start.timestamp() / 60
    return round(max((value for minute, value in minutes.items() if minute >= start), default=0.0))
