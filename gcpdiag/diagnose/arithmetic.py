"""The sum behind a limit, as one line that a person can check: what may be asked for, against what there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gcpdiag.model.json import number_at, text_at
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.signals.addresses import BLOCK, EACH, usable_addresses
from gcpdiag.signals.estate import max_connections_of
from gcpdiag.signals.metric import INSTANCES
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.traffic import Traffic

# What a pool says of its own size when it is empty: SQLAlchemy, Prisma, HikariCP, Sequelize and tarn, psycopg_pool.
_POOLS = (
    re.compile(r"limit of size (?P<size>\d+) overflow (?P<more>\d+)"),
    re.compile(r"connection limit: (?P<size>\d+)"),
    re.compile(r"\(total=(?P<size>\d+), active="),
    re.compile(r"pool_?[sS]ize[\"']?[=: ]+(?P<size>\d+)"),
    re.compile(r"max(?:imum)?PoolSize[\"']?[=: ]+(?P<size>\d+)"),
)
# Mbit/s that one instance of a connector carries: the documented throughput of a connector over its instances.
_THROUGHPUT = {"f1-micro": 50, "e2-micro": 100, "e2-standard-4": 1600}
_SLOW = 10.0  # seconds: a request may take that long, so more says nothing
_BACKENDS = "cloudsql.googleapis.com/database/postgresql/num_backends"


def sums_of(cause: str, service: ServiceRef | None, seen: Observation) -> tuple[str, ...]:
    """Return the sums that bear on a cause; none where a part of them is not known."""
    reckon = _SUMS.get(cause)
    if reckon is None or service is None or not seen.estate.configuration(service):
        return ()
    return tuple(line for line in reckon(service, seen) if line)


def _connections(service: ServiceRef, seen: Observation) -> list[str]:
    most = int(seen.estate.max_instances(service))
    pool, told = _pool_of(service, seen)
    lines: list[str] = []
    for name in seen.estate.database_names(service):
        limit = max_connections_of((seen.estate.databases or {}).get(name, {}))
        if limit is None:
            continue
        peak = _peak(seen, _BACKENDS, f"{seen.project}:{name}")
        used = f", of which {peak:.0f} were in use at the most" if peak else ""
        if pool:
            lines.append(
                f"{most} instances at most × {pool} connections ({told}) × worker processes = {most * pool} or more,"
                f" twice that while a rollout overlaps; {name} allows {limit:.0f}{used}"
            )
        else:
            share = limit / max(1, most)
            lines.append(
                f"{name} allows {limit:.0f} connections{used}; shared by {most} instances at most that is"
                f" {share:.1f} for each, {share / 2:.1f} while a rollout overlaps"
            )
    return lines


def _pool_of(service: ServiceRef, seen: Observation) -> tuple[int, str]:
    """Return how many connections a pool may hold, as its own error says, and the words for it; 0 when none does."""
    samples = sorted(tally.sample for (_, subject), tally in seen.scan.matches.items() if subject == service)
    for pattern in _POOLS:
        for sample in samples:
            if found := pattern.search(sample):
                size, more = int(found["size"]), int(found.groupdict().get("more") or 0)
                return size + more, f"pool of {size}, overflow {more}" if more else f"pool of {size}"
    return 0, ""


def _slots(service: ServiceRef, seen: Observation) -> list[str]:
    instances, each = int(seen.estate.max_instances(service)), int(seen.estate.concurrency(service))
    slots = instances * each
    line = f"{instances} instances at most × {each} requests at once = {slots} slots"
    running = _peak(seen, INSTANCES, service.name)
    if running:
        line += f"; {running:.0f} instances ran at the most"
    busiest = _busiest_minute(seen.traffic.get(service))
    if busiest and 60 * slots / busiest <= _SLOW:
        line += f"; the busiest minute's {busiest} requests fit while each takes less than {60 * slots / busiest:.1f} s"
    return [line]


def _busiest_minute(traffic: Traffic | None) -> int:
    if traffic is None:
        return 0
    minutes = {*traffic.ok_minutes, *traffic.error_minutes}
    return max((traffic.ok_minutes[one] + traffic.error_minutes[one] for one in minutes), default=0)


def _throughput(service: ServiceRef, seen: Observation) -> list[str]:
    name = last_segment(seen.estate.connector(service))
    connector = (seen.estate.connectors or {}).get(name, {})
    machine = text_at(connector, "machineType") or "e2-micro"
    most = number_at(connector, "maxInstances")
    each = _THROUGHPUT.get(machine)
    if not connector or not most or not each:
        return []
    line = f"{most:.0f} × {machine} of {name} at most × some {each} Mbit/s = {most * each:.0f} Mbit/s"
    if peak := _megabits(seen, name):
        line += f"; {peak:.0f} Mbit/s passed in the busiest minute"
    return [line]


def _megabits(seen: Observation, connector: str) -> float:
    """Return the busiest minute's traffic both ways; 0 where these metrics were not collected."""
    metrics = [f"vpcaccess.googleapis.com/connector/{way}_bytes_count" for way in ("sent", "received")]
    return sum(_peak(seen, one, connector) for one in metrics) * 8 / 60 / 1e6


def _addresses(service: ServiceRef, seen: Observation) -> list[str]:
    most = int(seen.estate.max_instances(service))
    needed = -(-EACH * most // BLOCK) * BLOCK
    line = f"up to {most} instances take some {needed} addresses (two for each, in blocks of {BLOCK})"
    for subnet in seen.estate.subnetworks_of(service):
        if usable := usable_addresses(subnet):
            line += f"; {text_at(subnet, 'name')} has {usable}"
    return [line]


def _peak(seen: Observation, metric: str, resource: str) -> float:
    """Return the highest minute of a metric, its series taken together; 0 where there are no points."""
    values = seen.series.values(metric, resource, labels={}, quantile=0.99, combine="sum")
    return max(values.values(), default=0.0)


_SUMS: Mapping[str, Callable[[ServiceRef, Observation], list[str]]] = {
    "database-connections/client-pool-exhausted": _connections,
    "database-connections/server-connection-limit": _connections,
    "resource-exhaustion/instance-limit": _slots,
    "resource-exhaustion/concurrency-limit": _slots,
    "vpc-connector/saturated": _throughput,
    "vpc-connector/subnet-exhausted": _addresses,
}
