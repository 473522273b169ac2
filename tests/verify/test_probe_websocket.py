"""WebSocket probes against the server of the websockets library, and against those that go wrong."""

from __future__ import annotations

import contextlib
import http
import threading
from collections.abc import Callable, Iterator

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from gcpdiag.errors import UnreachableError
from gcpdiag.verify.address import Address, parse_url
from gcpdiag.verify.credential import FromEnvironment
from gcpdiag.verify.target import WebSocketTarget
from tests.verify.faults import (
    OK,
    Authority,
    Conversation,
    Pages,
    black_hole,
    refused,
    reset_at_once,
    response,
    says,
    serving,
    silent,
)
from tests.verify.probing import IMPATIENT, measured, outcome, probed
from tests.verify.servers import HOST

Handler = Callable[[ServerConnection], None]
Gate = Callable[[ServerConnection, Request], Response | None]


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def close_with(code: int, reason: str) -> Handler:
    def close(connection: ServerConnection) -> None:
        connection.recv()
        connection.close(code, reason)

    return close


@contextlib.contextmanager
def websocket_server(
    converse: Handler = echo, gate: Gate | None = None, *, authority: Authority | None = None
) -> Iterator[Address]:
    context = authority.context() if authority else None
    with serve(converse, HOST, 0, process_request=gate, ssl=context) as server:
        running = threading.Thread(target=server.serve_forever)
        running.start()
        try:
            yield Address(*server.socket.getsockname()[:2])
        finally:
            server.shutdown()
            running.join()


def websocket(address: object, scheme: str = "ws", **options: object) -> WebSocketTarget:
    return WebSocketTarget(url=parse_url(f"{scheme}://{address}/live", ("ws", "wss")), **options)  # type: ignore[arg-type]


def test_a_handshake_that_is_accepted_passes_and_ends_politely() -> None:
    with websocket_server() as address:
        result = probed(websocket(address))

    assert result.passed
    assert measured(result, "close_code") == "1000"


def test_a_message_must_be_answered_with_the_text_that_is_expected() -> None:
    with websocket_server() as address:
        good = probed(websocket(address, send='{"type":"ping"}', expect="ping"))
        bad = probed(websocket(address, send="hello", expect="pong"))

    assert good.passed
    assert outcome(bad) == ("protocol", "the answer is 'hello', without 'pong'")


def test_a_503_is_shown_as_such_and_its_end_too() -> None:
    open_again = threading.Event()

    def gate(connection: ServerConnection, _request: Request) -> Response | None:
        return None if open_again.is_set() else connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "no instance\n")

    with websocket_server(gate=gate) as address:
        during = probed(websocket(address))
        open_again.set()
        after = probed(websocket(address))

    assert outcome(during) == ("protocol", "the handshake is rejected with 503: the service is unavailable")
    assert during.status == 503
    assert after.passed


def test_a_connection_that_is_closed_instead_of_an_answer_tells_the_code() -> None:
    with websocket_server(close_with(1013, "overloaded")) as address:
        result = probed(websocket(address, send="hello", expect="hello"))

    assert outcome(result) == ("protocol", "closed with code 1013 (try again later, overloaded)")
    assert result.status == 1013


def test_a_connection_that_is_cut_off_has_code_1006() -> None:
    def cut(connection: ServerConnection) -> None:
        connection.recv()
        connection.socket.close()

    with websocket_server(cut) as address:
        result = probed(websocket(address, send="hello", expect="hello"))

    assert result.failed_at == "protocol"
    assert "1006" in result.error or "reset" in result.error


def test_a_service_that_asks_who_calls_is_shown_a_token() -> None:
    def gate(connection: ServerConnection, request: Request) -> Response | None:
        known = request.headers.get("Authorization") == "Bearer s3cret-token"
        return None if known else connection.respond(http.HTTPStatus.FORBIDDEN, "who?\n")

    with websocket_server(gate=gate) as address:
        with_token = websocket(address, token=FromEnvironment("TOKEN"))
        known = probed(with_token, environ={"TOKEN": "s3cret-token"})
        unknown = probed(websocket(address))

    assert known.passed
    assert outcome(unknown) == ("authentication", "the handshake is rejected with 403")


def test_a_403_is_answered_with_an_id_token_where_one_can_be_had() -> None:
    def gate(connection: ServerConnection, request: Request) -> Response | None:
        known = request.headers.get("Authorization") == "Bearer id-token"
        return None if known else connection.respond(http.HTTPStatus.FORBIDDEN, "who?\n")

    async def identity(audience: str) -> str:
        assert audience.startswith("http://")
        return "id-token"

    async def no_identity(_audience: str) -> str:
        raise UnreachableError("no ID token can be had")

    with websocket_server(gate=gate) as address:
        assert probed(websocket(address, identity=True), identity=identity).passed
        refused_result = probed(websocket(address, identity=True), identity=no_identity)

    assert refused_result.failed_at == "authentication"
    assert "no ID token can be had" in refused_result.error


def test_tls_is_verified_by_the_authority_in_the_file(authority: Authority) -> None:
    with websocket_server(authority=authority) as address:
        trusted = probed(websocket(f"localhost:{address.port}", "wss", ca_file=authority.file))
        untrusted = probed(websocket(f"localhost:{address.port}", "wss"))

    assert trusted.passed
    assert untrusted.failed_at == "tls"


@pytest.mark.parametrize(
    "converse,stage,words",
    [
        (Pages(OK), "protocol", "rejected with 200"),
        (Pages(response("404 Not Found")), "protocol", "rejected with 404"),
        (says(b"-ERR unknown command\r\n"), "protocol", "not a WebSocket server"),
        (reset_at_once, "protocol", "reset the connection"),
        (Pages(b""), "protocol", "closed without an answer"),
    ],
)
def test_what_goes_wrong_is_told_by_its_stage(converse: Conversation, stage: str, words: str) -> None:
    with serving(converse) as address:
        result = probed(websocket(address))

    assert result.failed_at == stage
    assert words in result.error


def test_a_refused_connection_fails_at_tcp() -> None:
    assert outcome(probed(websocket(refused())))[0] == "tcp"


def test_a_black_hole_fails_at_tcp() -> None:
    with black_hole() as address:
        assert outcome(probed(websocket(address), deadline=IMPATIENT))[0] == "tcp"


def test_silence_after_the_connection_fails_at_the_protocol() -> None:
    with serving(silent) as address:
        result = probed(websocket(address), deadline=IMPATIENT)

    assert outcome(result) == ("protocol", "there was no answer within 0.5 s")
