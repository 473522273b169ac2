"""Probe results in a bundle: what was probed, and how far each probe came.

The contract has ``target``, ``kind``, ``ok``, ``status``, ``latency_ms``, ``error`` and ``at``. Where gcpdiag probed
itself there are ``failed_at`` and ``from`` besides; without them the error's own words tell the stage.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import get_args
from urllib.parse import urlsplit

from gcpdiag.bundle.read import Bundle
from gcpdiag.bundle.redact import one_line
from gcpdiag.model.json import JsonObject, number_at, text_at
from gcpdiag.model.probe import STAGES, Origin, ProbeKind, ProbeResult, ProbeStage
from gcpdiag.model.window import in_utc, rfc3339

_ORIGINS: tuple[Origin, ...] = ("inside", "outside")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FOREVER_MS = 86_400_000
_BAD = 400
_WORDS: tuple[tuple[ProbeStage, str], ...] = (
    (
        "name",
        r"getaddrinfo|ENOTFOUND|EAI_|gaierror|name or service not known|no such host|not resolve|NXDOMAIN|nodename",
    ),
    (
        "capacity",
        r"too many|max number of clients|remaining connection slots|\bOOM\b|maxmemory|max_connections|memory limit",
    ),
    ("authentication", r"password|authenticat|NOAUTH|WRONGPASS|not authorized|unauthori[sz]ed|permission|denied"),
    ("tls", r"certificate|\bssl|\btls|handshake fail"),
    ("tcp", r"refused|unreachable|no route|not accepted|connect(?:ion|ing)?[^\n]{0,40}tim(?:ed out|eout)"),
    ("protocol", r"reset|closed|broken pipe|not (?:redis|http|postgres|clickhouse)|invalid|unexpected|read"),
)


def probes_of(bundle: Bundle) -> tuple[ProbeResult, ...]:
    """Return the newest result of each target, in the order of targets; none where nobody probed."""
    found: dict[tuple[str, str, str], ProbeResult] = {}
    for document in bundle.resources("probes.results") or ():
        result = _result(document)
        if result is None:
            continue
        key = (result.target, result.kind, result.origin)
        before = found.get(key)
        if before is None or _order(result) > _order(before):
            found[key] = result
    return tuple(found[key] for key in sorted(found))


def document_of(result: ProbeResult) -> JsonObject:
    """Return a result as ``probes/results.json`` has it."""
    return {
        "target": result.target,
        "kind": result.kind,
        "ok": result.passed,
        "status": result.status,
        "latency_ms": round(result.latency_ms) if result.latency is not None else None,
        "error": result.error or None,
        "at": rfc3339(result.at),
        "failed_at": result.failed_at,
        "from": result.origin or None,
    }


def host_of(result: ProbeResult) -> str:
    """Return the host that was probed."""
    target = result.target if "://" in result.target else f"//{result.target}"
    try:
        return urlsplit(target).hostname or ""
    except ValueError:
        return ""


def _order(result: ProbeResult) -> tuple[datetime, bool, str]:
    """Return what makes a result the newer one; of two at once the worse one counts."""
    return result.at, not result.passed, result.error


def _result(document: JsonObject) -> ProbeResult | None:
    kind = next((one for one in get_args(ProbeKind) if one == text_at(document, "kind")), None)
    target = text_at(document, "target")
    if kind is None or not target or not isinstance(document.get("ok"), bool):
        return None
    status, latency = number_at(document, "status"), number_at(document, "latency_ms")
    passed = document.get("ok") is True
    return ProbeResult(
        target=one_line(target),
        kind=kind,
        at=_time(text_at(document, "at")),
        failed_at=None if passed else _stage(document, status),
        error="" if passed else one_line(text_at(document, "error")) or "no reason is told",
        status=int(status) if status is not None else None,
        latency=timedelta(milliseconds=latency) if latency is not None and 0 <= latency < _FOREVER_MS else None,
        origin=next((one for one in _ORIGINS if one == text_at(document, "from")), ""),
    )


def _time(text: str) -> datetime:
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return _LONG_AGO


def _stage(document: JsonObject, status: float | None) -> ProbeStage:
    """Return where a probe failed; for words that tell nothing the earliest stage that claims least, ``tcp``."""
    told = text_at(document, "failed_at")
    for stage in STAGES:
        if stage == told:
            return stage
    if status is not None and status >= _BAD:
        return "authentication" if status in {401, 403} else "protocol"
    error = text_at(document, "error")
    return next((stage for stage, pattern in _WORDS if re.search(pattern, error, re.IGNORECASE)), "tcp")
