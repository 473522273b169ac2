"""Questions to an emulator: in process, without a socket, and over HTTP as a client sends them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from gcpdiag.bundle.format import SOURCES
from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.rest import ApiError, Request
from gcpdiag.emulator.serve import ROUTES
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, object_at
from tests.making import Files, bundle

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def backend_of(files: Files, *, faults: Iterable[str] = (), now: bool = False, **manifest: Json) -> Backend:
    """All routes over a small bundle in which everything was collected, at noon of a day of no account."""
    nothing: Files = {source.path: [] for source in SOURCES.values()}
    state = State(bundle({**nothing, **files}, **manifest), clock=lambda: NOON, now=now)
    return Backend(state, ROUTES, faults=[parse_fault(one) for one in faults])


def get(backend: Backend, path: str, *, host: str = "127.0.0.1:80", **query: str | list[str]) -> JsonObject:
    """Answer a GET; dots in the names of parameters are written as two underscores."""
    asked = {name.replace("__", "."): [value] if isinstance(value, str) else value for name, value in query.items()}
    return backend.respond(Request("GET", host, path, asked)).answer


def post(backend: Backend, path: str, body: JsonObject, *, host: str = "127.0.0.1:80") -> JsonObject:
    return backend.respond(Request("POST", host, path, {}, body)).answer


def refusal(backend: Backend, path: str, **query: str) -> ApiError:
    """Return the error that a GET is answered with."""
    try:
        get(backend, path, **query)
    except ApiError as error:
        return error
    raise AssertionError(f"{path} was answered")


def http_answer(
    address: str, path: str, *, method: str = "GET", body: JsonObject | None = None, host: str = ""
) -> tuple[int, JsonObject]:
    """Return code and JSON of one request over a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, body=content, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, object_at({"answer": json.loads(answer.read() or b"{}")}, "answer")
    finally:
        connection.close()
