"""Probing a port: does it accept a connection, and where asked for a TLS handshake."""

from __future__ import annotations

from datetime import datetime, timedelta

from gcpdiag.model.probe import milliseconds
from gcpdiag.verify.attempt import Attempt, ProbeFailure
from gcpdiag.verify.connection import certificate_end, connected, tls_context, whole_days
from gcpdiag.verify.target import TcpTarget


async def probe_tcp(target: TcpTarget, attempt: Attempt, now: datetime) -> None:
    """Probe a port; nothing is sent beyond a handshake."""
    context = tls_context(target.ca_file) if target.tls else None
    async with connected(target.address, attempt, tls=context) as (_, writer):
        took = timedelta(seconds=attempt.monotonic() - attempt.began)
        until = certificate_end(writer)
    attempt.latencies.append(took)
    if until is not None:
        attempt.measure("certificate_days_left", whole_days(until - now))
    if target.within is not None and took > target.within:
        told = f"connected after {milliseconds(took)} ms, not within {milliseconds(target.within)} ms"
        raise ProbeFailure("latency", told)
