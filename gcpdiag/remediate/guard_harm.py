"""What makes a cause worse: by cause, the kinds of change that it cannot bear, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gcpdiag.model.json import text_at
from gcpdiag.remediate.guard import Situation
from gcpdiag.remediate.guard_size import CONCURRENCY, CPU, MAX_INSTANCES, MEMORY, MIN_INSTANCES, grows, shrinks

_ALL_TRAFFIC = "ALL_TRAFFIC"

Effect: TypeAlias = Callable[[Situation], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """A kind of change that a cause cannot bear: what, when it happens, why it hurts, and what to do instead."""

    what: str
    happens: Effect
    because: str
    instead: str
    counts_connections: bool = False


def _growth(kind: str) -> Effect:
    return lambda situation: grows(situation.step.before, situation.step.after, kind)


def _shrinkage(kind: str) -> Effect:
    return lambda situation: shrinks(situation.step.before, situation.step.after, kind)


def _routes_everything(situation: Situation) -> bool:
    path = "template.vpcAccess.egress"
    step = situation.step
    return text_at(step.after, path) == _ALL_TRAFFIC != text_at(step.before, path)


def _is_kind(*kinds: str) -> Effect:
    return lambda situation: situation.step.kind in kinds


def _more_instances(because: str, instead: str, *, counts_connections: bool = False) -> tuple[Harm, ...]:
    return tuple(
        Harm(
            what=f"more {kind}",
            happens=_growth(kind),
            because=because,
            instead=instead,
            counts_connections=counts_connections,
        )
        for kind in (MAX_INSTANCES, MIN_INSTANCES)
    )


_MORE_REQUESTS = "each instance would work on more requests at once"
_NEWEST = Harm(
    what="sending traffic to the newest revision",
    happens=_is_kind("unpin"),
    because="the newest revision is the broken one",
    instead="Deploy a repaired revision first",
)
_EVERYTHING = Harm(
    what="sending all traffic through the VPC",
    happens=_routes_everything,
    because="what still goes out directly would take the broken way too",
    instead="Repair the way through the VPC first",
)

HARMS: dict[str, tuple[Harm, ...]] = {
    "database-connections/server-connection-limit": (
        *_more_instances(
            "the database is at its connection limit, and every instance opens connections of its own",
            "Lower the pool of each instance, or raise max_connections on the database, first",
            counts_connections=True,
        ),
        Harm(
            what="more concurrency",
            happens=_growth(CONCURRENCY),
            because="requests that run at once ask for connections at once, and the database has none left",
            instead="Lower the pool of each instance, or raise max_connections on the database, first",
            counts_connections=True,
        ),
    ),
    "database-connections/client-pool-exhausted": (
        Harm(
            what="more concurrency",
            happens=_growth(CONCURRENCY),
            because=f"{_MORE_REQUESTS}, and they would wait for the same pool",
            instead="Raise the application's pool, or lower concurrency",
        ),
    ),
    "database-connections/slow-database": (
        *_more_instances("more instances send more queries to a database that is too slow already", "Relieve it first"),
        Harm(
            what="more concurrency",
            happens=_growth(CONCURRENCY),
            because="more requests at once send more queries to a database that is too slow already",
            instead="Relieve the database first",
        ),
    ),
    "resource-exhaustion/memory-limit": (
        Harm(
            what="more concurrency",
            happens=_growth(CONCURRENCY),
            because=f"{_MORE_REQUESTS}, and need more memory",
            instead="Raise --memory, or lower --concurrency",
        ),
        Harm(
            what="less memory",
            happens=_shrinkage(MEMORY),
            because="instances are killed for too little already",
            instead="Raise --memory",
        ),
    ),
    "resource-exhaustion/cpu-saturation": (
        Harm(
            what="more concurrency",
            happens=_growth(CONCURRENCY),
            because=f"{_MORE_REQUESTS} on a CPU that is full",
            instead="Raise --cpu or --max-instances, or lower --concurrency",
        ),
        Harm(what="less CPU", happens=_shrinkage(CPU), because="the CPU is full", instead="Raise --cpu"),
    ),
    "resource-exhaustion/instance-limit": (
        Harm(
            what="fewer max instances",
            happens=_shrinkage(MAX_INSTANCES),
            because="requests wait for an instance already",
            instead="Raise --max-instances",
        ),
        Harm(
            what="less concurrency",
            happens=_shrinkage(CONCURRENCY),
            because="the same requests would need more instances than there may be",
            instead="Raise --max-instances first",
        ),
    ),
    "resource-exhaustion/concurrency-limit": (
        Harm(
            what="less concurrency",
            happens=_shrinkage(CONCURRENCY),
            because="it is the bottleneck",
            instead="Raise --concurrency",
        ),
        Harm(
            what="fewer max instances",
            happens=_shrinkage(MAX_INSTANCES),
            because="each takes too few requests already",
            instead="Raise --concurrency",
        ),
    ),
    "health-check-timeout/startup-timeout": (
        Harm(
            what="less CPU",
            happens=_shrinkage(CPU),
            because="containers start too slowly already",
            instead="Raise --cpu, or the startup probe's patience",
        ),
        Harm(
            what="fewer min instances",
            happens=_shrinkage(MIN_INSTANCES),
            because="more requests would wait for a start that is too slow",
            instead="Keep them until containers start in time",
        ),
        Harm(
            what="a restart",
            happens=_is_kind("restart"),
            because="every instance would have to start anew, which is what fails",
            instead="Roll back to a revision that starts in time",
        ),
    ),
    "vpc-connector/saturated": (
        *_more_instances(
            "more instances send more through a connector that is full", "Raise the connector's instances first"
        ),
        Harm(
            what="sending all traffic through the VPC",
            happens=_routes_everything,
            because="the connector is full, and would carry more",
            instead="Raise the connector's instances first",
        ),
    ),
    "vpc-connector/not-ready": (_EVERYTHING,),
    "vpc-connector/egress-blocked": (_EVERYTHING,),
    "vpc-connector/subnet-exhausted": (
        *_more_instances("every instance takes an address, and none is free", "Give the subnet more addresses first"),
        Harm(
            what="a restart",
            happens=_is_kind("restart"),
            because="new instances take addresses while the old ones still have theirs, and none is free",
            instead="Give the subnet more addresses first",
        ),
    ),
    "platform/quota": (
        *_more_instances("the project's quota is used up", "Ask for more quota first"),
        Harm(
            what="more CPU",
            happens=_growth(CPU),
            because="the project's quota is used up",
            instead="Ask for more quota first",
        ),
    ),
    **{
        f"bad-deployment/{kind}": (_NEWEST,)
        for kind in ("crash-on-start", "wrong-port", "image-unavailable", "missing-config", "regression")
    },
}
"""By cause, what makes it worse; a cause that is not here is made worse by no action of ours that we know of."""
