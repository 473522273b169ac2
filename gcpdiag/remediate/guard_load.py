"""How many database connections a service may open: the arithmetic behind a refusal to grow it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gcpdiag.model.json import JsonObject, objects_at, text_at
from gcpdiag.remediate.guard import Situation
from gcpdiag.remediate.guard_size import CONCURRENCY, MAX_INSTANCES, sizes_of

_POOL = re.compile(
    r"POOL_?SIZE|POOL_?MAX|MAX_?POOL|DB_?POOL|(?:DB|DATABASE|PG|POSTGRES|MYSQL|SQL)\w*MAX_?CONN", re.IGNORECASE
)
_OVERFLOW = re.compile(r"MAX_?OVERFLOW", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"[?&](?:connection_limit|pool_size|maximumPoolSize|max_pool_size)=(\d{1,5})\b", re.IGNORECASE)
_LONGEST = 5  # digits of a pool's size


def connections_told(situation: Situation) -> str:
    """Return the sum: instances times connections of each, now and after, against what the database allows."""
    service, after = situation.service or situation.step.before, situation.step.after
    now, then = sizes_of(service), sizes_of(after)
    pool, origin = _pool_of(service)
    least = 1.0
    each = (pool, pool) if pool else (now.get(CONCURRENCY), then.get(CONCURRENCY))
    counts = [one if isinstance(one, int) else (one.number if one else least) for one in each]
    word = f"{origin}" if pool else "one for each request at once, as the pool's size is not known"
    limit = str(situation.max_connections) if situation.max_connections else "a number that is not known"
    sums = [
        f"{size[MAX_INSTANCES].text} instances × {count:g} connections = {size[MAX_INSTANCES].number * count:g}"
        for size, count in zip((now, then), counts, strict=True)
    ]
    return f"now up to {sums[0]}, then {sums[1]}; {word}; max_connections is {limit}"


def _pool_of(service: JsonObject) -> tuple[int, str]:
    """Return how many connections an instance keeps, and which variable says so; 0 when none does."""
    sizes: list[tuple[int, str]] = []
    overflow = 0
    for name, value in _variables(objects_at(service, "template.containers")):
        if value.isdecimal() and len(value) <= _LONGEST:
            if _OVERFLOW.search(name):
                overflow += int(value)
            elif _POOL.search(name):
                sizes.append((int(value), name))
        elif found := _IN_ADDRESS.search(value):
            sizes.append((int(found[1]), f"in {name}"))
    if not sizes:
        return 0, ""
    size, name = max(sizes)
    return size + overflow, f"{name} is {size}" + (f", with {overflow} more at need" if overflow else "")


def _variables(containers: Iterable[JsonObject]) -> Iterable[tuple[str, str]]:
    return ((text_at(one, "name"), text_at(one, "value")) for each in containers for one in objects_at(each, "env"))
