"""One HTTP/1.1 request and its answer, over a connection that is built stage by stage.

A library that does it all would not tell a name that does not resolve from a handshake that fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import h11

from gcpdiag.bundle.redact import one_line
from gcpdiag.verify.address import Url
from gcpdiag.verify.attempt import Attempt, ProbeFailure
from gcpdiag.verify.connection import certificate_end, connected, tls_context
from gcpdiag.verify.target import HttpTarget

USER_AGENT = "gcpdiag-verify"
_LARGEST_BODY = 1 << 20  # bytes; a health check says less, and what follows is not read
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer: ``body`` is its first megabyte, ``latency`` runs from the first step to the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency: timedelta
    certificate_until: datetime | None = None

    @property
    def location(self) -> str:
        """Where a redirect leads; an empty text where this is none."""
        return self.headers.get("location", "") if self.status in {301, 302, 303, 307, 308} else ""


async def exchange(
    url: Url,
    attempt: Attempt,
    *,
    target: HttpTarget | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> HttpAnswer:
    """Send a GET, or a POST with a body, and return the answer; ProbeFailure says at which stage it broke off."""
    attempt.received = 0
    began = attempt.monotonic()
    context = tls_context(target.ca_file if target else None) if url.tls else None
    async with connected(url.address, attempt, tls=context) as (reader, writer):
        certificate_until = certificate_end(writer)
        connection = h11.Connection(h11.CLIENT)
        request = h11.Request(
            method=b"POST" if body else b"GET",
            target=url.request_target.encode(),
            headers=[
                ("Host", url.host_header),
                ("User-Agent", USER_AGENT),
                ("Accept", "*/*"),
                ("Connection", "close"),
                *([("Content-Length", str(len(body)))] if body else []),
                *((headers or {}).items()),
            ],
        )
        parts: list[h11.Event] = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        writer.write(b"".join(connection.send(part) or b"" for part in parts))
        await writer.drain()
        try:
            response, content = await _answer(connection, reader, attempt)
        except h11.RemoteProtocolError as error:
            raise _unlike_http(error, attempt) from error
    attempt.received = 0
    return HttpAnswer(
        status=response.status_code,
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
        body=content,
        latency=timedelta(seconds=attempt.monotonic() - began),
        certificate_until=certificate_until,
    )


async def _answer(
    connection: h11.Connection, reader: asyncio.StreamReader, attempt: Attempt
) -> tuple[h11.Response, bytes]:
    response: h11.Response | None = None
    content = bytearray()
    while True:
        event = connection.next_event()
        match event:
            case h11.Response():
                response = event
                attempt.status = event.status_code
            case h11.Data():
                content += event.data
            case h11.EndOfMessage() | h11.ConnectionClosed():
                break
            case h11.InformationalResponse():
                continue
            case _:  # it needs more
                received = await reader.read(_CHUNK)
                if not attempt.received and received and not _may_be_http(received):
                    shown = one_line(received[:40].decode(errors="replace"), limit=40)
                    raise ProbeFailure("protocol", f"what answers is not HTTP: {shown!r}")
                attempt.received += len(received)
                connection.receive_data(received)
        if len(content) > _LARGEST_BODY:
            break
    if response is None:
        raise ProbeFailure("protocol", "the other side closed the connection without an answer")
    return response, bytes(content)


def _may_be_http(beginning: bytes) -> bool:
    """Tell whether an answer begins as HTTP does; what does not might never end."""
    return b"HTTP/".startswith(beginning[:5])


def _unlike_http(error: h11.RemoteProtocolError, attempt: Attempt) -> ProbeFailure:
    if not attempt.received:
        return ProbeFailure("protocol", "the other side closed the connection without an answer")
    if attempt.status is not None:
        told = "the other side closed the connection before its answer ended"
        return ProbeFailure("protocol", told, status=attempt.status)
    return ProbeFailure("protocol", f"what answers is not HTTP: {one_line(str(error), limit=120)}")
