"""A connection, built stage by stage: name, TCP, TLS; whoever fails, it is known at which."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from gcpdiag.errors import UsageError
from gcpdiag.verify.address import Address
from gcpdiag.verify.attempt import Attempt, ProbeFailure, in_thread

_NEXT_ADDRESS_AFTER = 0.25  # seconds (RFC 8305); an address family that leads nowhere costs no more
_CLOSE_WITHIN = 0.1  # seconds


@lru_cache(maxsize=32)
def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return what verifies certificates: by the system's authorities, or by those in a file alone."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the authorities in {ca_file} cannot be read", cause=str(error)) from error


async def resolve(address: Address, attempt: Attempt) -> None:
    """Resolve a target's name: stage ``name``, then ``tcp`` is next."""
    attempt.stage = "name"
    host, port = address.host, address.port
    try:
        await in_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError as error:
        raise ProbeFailure("name", "this is no name that could be resolved") from error
    attempt.stage = "tcp"


@contextlib.asynccontextmanager
async def connected(
    address: Address, attempt: Attempt, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection that has passed name, TCP and perhaps TLS; ``protocol`` is the stage from then on."""
    await resolve(address, attempt)
    reader, writer = await asyncio.open_connection(address.host, address.port, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER)
    try:
        if tls is not None:
            attempt.stage = "tls"
            await _start_tls(writer, tls, address.host, attempt)
        attempt.stage = "protocol"
        yield reader, writer
    finally:
        # Dropped rather than closed politely: a peer that hangs may not hold up the end of a probe.
        writer.transport.abort()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await writer.wait_closed()


async def _start_tls(writer: asyncio.StreamWriter, tls: ssl.SSLContext, host: str, attempt: Attempt) -> None:
    try:
        await writer.start_tls(tls, server_hostname=host, ssl_handshake_timeout=max(attempt.left, 0.1))
    except ssl.SSLError:
        raise
    except (EOFError, ConnectionError) as error:
        raise ProbeFailure("tls", "the other side closed the connection during the TLS handshake") from error


def certificate_end(writer: asyncio.StreamWriter) -> datetime | None:
    """Return when the certificate of a verified connection expires; None without TLS."""
    connection: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    certificate = connection.getpeercert() if connection else None
    until = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), tz=UTC) if isinstance(until, str) else None


def whole_days(length: timedelta) -> int:
    """Return the whole days in a duration, rounded down."""
    return length // timedelta(days=1)
