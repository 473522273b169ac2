"""Probing WebSockets: the handshake, and a message with its answer where one was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from gcpdiag.bundle.redact import one_line
from gcpdiag.errors import GcpdiagError
from gcpdiag.model.probe import milliseconds
from gcpdiag.verify.attempt import Attempt, ProbeFailure, require
from gcpdiag.verify.connection import connected, tls_context
from gcpdiag.verify.credential import Vault
from gcpdiag.verify.probe_http import IdentityToken
from gcpdiag.verify.target import WebSocketTarget

if TYPE_CHECKING:
    from websockets.client import ClientProtocol

_CHUNK = 1 << 16
_DENIED = frozenset({401, 403})
_UNAVAILABLE = 503
_REASONS = {
    1000: "normal end",
    1001: "the server goes away",
    1006: "cut off without a word",
    1008: "policy",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
}


async def probe_websocket(
    target: WebSocketTarget, attempt: Attempt, vault: Vault, identity: IdentityToken | None
) -> None:
    """Probe a WebSocket target; ProbeFailure tells the status that rejected it, or the code that closed it."""
    require("websockets", "websockets")
    token = vault.value_of(target.token)
    attempt.secrets += [token] if token else []
    try:
        await _talk(target, attempt, token)
    except ProbeFailure as failure:
        if failure.status not in _DENIED or token or not target.identity or identity is None:
            raise
        try:
            token = await identity(target.url.origin.replace("ws", "http", 1))
        except GcpdiagError as error:
            text = f"{failure.text}, and there is no ID token to show: {error}"
            raise ProbeFailure("authentication", text, status=failure.status) from error
        attempt.secrets.append(token)
        await _talk(target, attempt, token)


async def _talk(target: WebSocketTarget, attempt: Attempt, token: str) -> None:
    context = tls_context(target.ca_file) if target.url.tls else None
    began = attempt.monotonic()
    async with connected(target.url.address, attempt, tls=context) as (reader, writer):
        conversation = _Conversation(target, attempt, reader, writer)
        await conversation.shake_hands({"Authorization": f"Bearer {token}"} if token else {})
        attempt.measure("handshake", f"{milliseconds(timedelta(seconds=attempt.monotonic() - began))} ms")
        if target.send:
            await conversation.say(target.send)
        if target.send or target.expect:
            await conversation.hear(target.expect)
        took = timedelta(seconds=attempt.monotonic() - began)
        attempt.latencies.append(took)
        await conversation.leave()
    if target.within is not None and took > target.within:
        told = f"answered after {milliseconds(took)} ms, not within {milliseconds(target.within)} ms"
        raise ProbeFailure("latency", told)


class _Conversation:
    """The protocol of the websockets library, over a connection of our own that knows how far it has come."""

    def __init__(
        self,
        target: WebSocketTarget,
        attempt: Attempt,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        from websockets.client import ClientProtocol  # noqa: PLC0415 - an extra
        from websockets.typing import Subprotocol  # noqa: PLC0415 - the same
        from websockets.uri import parse_uri  # noqa: PLC0415 - the same

        subprotocols = [Subprotocol(one) for one in target.subprotocols] or None
        self._protocol: ClientProtocol = ClientProtocol(parse_uri(target.url.whole), subprotocols=subprotocols)
        self._attempt = attempt
        self._reader, self._writer = reader, writer

    async def shake_hands(self, headers: Mapping[str, str]) -> None:
        from websockets.http11 import Response  # noqa: PLC0415 - an extra

        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        await self._send()
        while self._protocol.handshake_exc is None:
            if any(isinstance(one, Response) for one in self._protocol.events_received()):
                break
            if not await self._receive():
                break
        error = self._protocol.handshake_exc
        if error is not None:
            raise _rejection(error, self._attempt)

    async def say(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        await self._send()

    async def hear(self, expect: str) -> None:
        """Wait for a text or a binary message with this text in it."""
        from websockets.frames import Frame, Opcode  # noqa: PLC0415 - an extra

        heard = bytearray()
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                    heard += event.data
                    if event.fin and expect.encode() in heard:
                        self._attempt.measure("answer", f"{len(heard)} bytes")
                        return
                    if event.fin:
                        shown = one_line(heard.decode(errors="replace"), limit=60)
                        raise ProbeFailure("protocol", f"the answer is {shown!r}, without {expect!r}")
            if not await self._receive():
                raise self._closed()

    async def leave(self) -> None:
        """Say goodbye, and note the code that the other side closes with, if it has one in time."""
        self._protocol.send_close(1000)
        await self._send()
        try:
            async with asyncio.timeout(min(1.0, self._attempt.left / 2)):
                while await self._receive():
                    pass
        except (TimeoutError, OSError):
            self._attempt.notes.append("the server does not answer the end of the conversation")
            return
        if self._protocol.close_code is not None:
            self._attempt.measure("close_code", self._protocol.close_code)

    def _closed(self) -> ProbeFailure:
        code = self._protocol.close_code or 1006
        told = _REASONS.get(code, "")
        reason = one_line(self._protocol.close_reason or "", limit=80)
        words = ", ".join(filter(None, [told, reason]))
        return ProbeFailure("protocol", f"closed with code {code}" + (f" ({words})" if words else ""), status=code)

    async def _receive(self) -> bool:
        """Read what has come; False at the end of the connection."""
        received = await self._reader.read(_CHUNK)
        if received:
            self._protocol.receive_data(received)
        else:
            self._protocol.receive_eof()
        await self._send()
        return bool(received)

    async def _send(self) -> None:
        for part in self._protocol.data_to_send():
            if part:
                self._writer.write(part)
        await self._writer.drain()


def _rejection(error: Exception, attempt: Attempt) -> ProbeFailure:
    from websockets.exceptions import InvalidMessage, InvalidStatus  # noqa: PLC0415 - an extra

    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        attempt.status = status
        told = f"the handshake is rejected with {status}"
        if status in _DENIED:
            return ProbeFailure("authentication", told, status=status)
        if status == _UNAVAILABLE:
            told += ": the service is unavailable"
        return ProbeFailure("protocol", told, status=status)
    if isinstance(error, InvalidMessage):
        return ProbeFailure("protocol", "what answers is not a WebSocket server, or closed without an answer")
    return ProbeFailure("protocol", f"the handshake is not accepted: {one_line(str(error), limit=120)}")
