"""HTTP as clients meet it: keep-alive, proxy requests, bad bodies, faults on the wire, and a prompt end."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from gcpdiag.emulator.wire import HttpWire
from gcpdiag.model.json import JsonObject
from tests.emulator.asking import backend_of, http_answer
from tests.making import CONNECTORS, PARENT, PROJECT

PATH = f"/v1/{PARENT}/connectors"
CONNECTOR: JsonObject = {"name": f"{PARENT}/connectors/c", "network": "grüße"}


@contextmanager
def serving(*faults: str) -> Iterator[str]:
    """Yield the address of a server that runs inside the block."""
    backend = backend_of({CONNECTORS: [CONNECTOR]}, faults=faults)
    wire = HttpWire(backend)
    wire.start()
    try:
        yield wire.address
    finally:
        backend.stopped.set()
        wire.stop()


def raw(address: str, content: bytes) -> bytes:
    """Send bytes and return all that comes back until the server closes."""
    host, port = address.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=20)) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def test_an_answer_is_json_in_utf_8_with_its_length() -> None:
    with serving() as address, closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        body = answer.read()

    assert (answer.status, answer.getheader("Content-Type")) == (200, "application/json; charset=UTF-8")
    assert int(answer.getheader("Content-Length", "0")) == len(body)
    assert json.loads(body) == {"connectors": [CONNECTOR]}


def test_one_connection_serves_many_requests() -> None:
    with serving() as address, closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        codes = []
        for path in (PATH, "/nothing", PATH):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)
            assert connection.sock is not None

    assert codes == [200, 404, 200]


def test_a_proxy_request_is_routed_by_the_host_of_its_address() -> None:
    with serving() as address:
        right = http_answer(address, f"http://vpcaccess.googleapis.com{PATH}")
        wrong = http_answer(address, f"http://us-central1-run.googleapis.com{PATH}")

    assert right == (200, {"connectors": [CONNECTOR]})
    assert wrong[0] == 404


def test_a_host_header_routes_too() -> None:
    with serving() as address:
        assert http_answer(address, PATH, host="vpcaccess.googleapis.com")[0] == 200
        assert http_answer(address, PATH, host="redis.googleapis.com")[0] == 404


def test_paths_and_parameters_are_unquoted() -> None:
    with serving() as address:
        code, answer = http_answer(address, f"/v1/projects/{PROJECT}/locations/us%2Dcentral1/connectors?pageSize=%31")

    assert (code, answer) == (200, {"connectors": [CONNECTOR]})


def test_a_head_request_has_no_body() -> None:
    with serving() as address:
        received = raw(address, f"HEAD {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    head = f"POST /v2/entries:list HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving() as address:
        received = raw(address, head + body)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"INVALID_ARGUMENT" in received


@pytest.mark.parametrize("header", ["Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 99999999999"])
def test_a_body_of_unknown_or_absurd_length_is_refused(header: str) -> None:
    with serving() as address:
        received = raw(address, f"POST /v2/entries:list HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())

    assert received.startswith(b"HTTP/1.1 411 ")


def test_what_is_no_http_is_refused_and_the_server_goes_on() -> None:
    with serving() as address:
        raw(address, b"\x16\x03\x01 hello\r\n\r\n")
        assert http_answer(address, PATH)[0] == 200


def test_many_clients_at_once_are_all_answered() -> None:
    codes: list[int] = []
    with serving() as address:
        threads = [threading.Thread(target=lambda: codes.append(http_answer(address, PATH)[0])) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert codes == [200] * 16


def test_a_fault_is_google_error_json_over_http() -> None:
    with serving("vpcaccess.connectors=503:1") as address:
        code, answer = http_answer(address, PATH)
        again, _ = http_answer(address, PATH)

    assert (code, again) == (503, 200)
    assert answer["error"] == {
        "code": 503,
        "message": "The service is currently unavailable.",
        "errors": [{"message": "The service is currently unavailable.", "domain": "global", "reason": "backendError"}],
        "status": "UNAVAILABLE",
    }


def test_a_cut_answer_breaks_off_before_its_end() -> None:
    with serving("*=cut") as address, closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request("GET", PATH)
        with connection.getresponse() as answer, pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()

    assert b'{"connectors":'.startswith(broken.value.partial[:14])
    assert broken.value.partial


def test_a_malformed_answer_is_a_whole_one_that_is_no_json() -> None:
    with serving("*=malformed") as address, closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        body = answer.read()

    assert answer.status == 200
    with pytest.raises(ValueError, match=r"."):
        json.loads(body)


def test_a_dripping_answer_begins_and_does_not_end() -> None:
    with serving("*=drip") as address, closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request("GET", PATH)
        with connection.getresponse() as answer:
            assert (answer.status, answer.read(2)) == (200, b'{"')


def test_a_server_stops_although_calls_hang_and_drip_and_connections_idle() -> None:
    waiting: list[http.client.HTTPConnection] = []
    with serving("vpcaccess.connectors=hang:3", "vpcaccess.connectors=drip:3") as address:
        for _ in range(6):
            connection = http.client.HTTPConnection(address, timeout=20)
            connection.request("GET", PATH)
            waiting.append(connection)
        idle = http.client.HTTPConnection(address, timeout=20)
        idle.request("GET", "/v1/projects")
        idle.getresponse().read()

    for connection in (*waiting, idle):
        connection.close()


def test_a_client_that_goes_away_ends_the_call_that_hangs() -> None:
    with serving("*=hang:1") as address:
        with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
            connection.request("GET", PATH)
        assert http_answer(address, PATH)[0] == 200


def test_a_server_that_never_started_stops_too() -> None:
    HttpWire(backend_of({})).stop()
