"""From what probes saw to the lines of a checklist: what must hold, whether it does, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence

from gcpdiag.model.probe import Measure, ProbeResult, milliseconds
from gcpdiag.model.verification import Criterion, CriterionGroup
from gcpdiag.verify.runner import Probed, Unprobed
from gcpdiag.verify.target import (
    RESPONSE_LIMIT,
    ClickHouseTarget,
    HttpTarget,
    PostgresqlTarget,
    RedisTarget,
    Target,
    TcpTarget,
    WebSocketTarget,
    address_of,
)


def criteria_of(targets: Sequence[Target], probed: Sequence[Probed]) -> list[Criterion]:
    """Return a criterion for each target, in their order."""
    return [_criterion(target, one) for target, one in zip(targets, probed, strict=True)]


def _criterion(target: Target, probed: Probed) -> Criterion:
    group, title = _claim(target)
    if isinstance(probed, Unprobed):
        return Criterion(
            group=group, title=title, subject=target.shown, verdict="unknown", text=f"not probed: {probed.reason}"
        )
    if blind := _blind_reason(target, probed):
        return Criterion(group=group, title=title, subject=target.shown, verdict="unknown", text=blind)
    return Criterion(
        group=group,
        title=title,
        subject=target.shown,
        verdict="met" if probed.passed else "not met",
        text=_seen(probed),
        notes=probed.notes,
        measures=probed.measures,
    )


def _claim(target: Target) -> tuple[CriterionGroup, str]:
    within = f" within {milliseconds(target.within or RESPONSE_LIMIT) / 1000:g} s"
    match target:
        case HttpTarget():
            status = str(target.statuses[0]) if len(target.statuses) == 1 else "no 5xx"
            told = status if len(target.statuses) == 1 or len(target.statuses) > 3 else "an expected status"  # noqa: PLR2004 - a range
            return "health", f"HTTP {told}, {target.successes} times in a row" + (within if target.within else "")
        case WebSocketTarget():
            return "websocket", "WebSocket connects, without a 503"
        case TcpTarget():
            return "dependency", "TCP accepts connections" + (within if target.within else "")
        case PostgresqlTarget():
            return "dependency", f"PostgreSQL answers{within}"
        case RedisTarget():
            return "dependency", f"Redis answers{within} and takes writes"
        case ClickHouseTarget():
            return "dependency", f"ClickHouse answers{within}"


def _blind_reason(target: Target, result: ProbeResult) -> str:
    """Return why a failed probe of an address that topology named says nothing about it; empty where it does."""
    if not target.found or result.passed:
        return ""
    address = address_of(target)
    if address.is_private and result.origin != "inside":  # elsewhere it may be anybody's
        return f"{address.host} is a private address: it can be probed from inside its network alone"
    if result.failed_at == "authentication":
        return f"it answers, and lets nobody in who is not known: {result.error}"
    return ""


def _seen(result: ProbeResult) -> str:
    if result.failed_at is not None:
        return f"failed at {_STAGE_NAMES[result.failed_at]}: {result.error}"
    parts = [f"{result.status}"] if result.status is not None and result.kind == "http" else ["answers"]
    if result.latency is not None:
        parts.append(f"{max(1, milliseconds(result.latency))} ms at the slowest")
    return ", ".join([*parts, *(_told(one) for one in result.measures if one.name in _SHOWN)])


_STAGE_NAMES = {
    "name": "name resolution",
    "tcp": "TCP",
    "tls": "TLS",
    "protocol": "the protocol",
    "authentication": "authentication",
    "capacity": "capacity",
    "latency": "latency",
}
_SHOWN = {
    "consecutive": "{} in a row",
    "certificate_days_left": "certificate good for {} days",
    "close_code": "closed with {}",
    "connections_used": "{} connections",
    "clients": "{} clients",
    "memory": "{} of memory",
    "evicted_keys": "{} keys evicted",
}


def _told(measure: Measure) -> str:
    return _SHOWN[measure.name].format(measure.value)
