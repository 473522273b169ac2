"""Probing ClickHouse: ``SELECT 1``, over HTTP or over the native protocol."""

from __future__ import annotations

import logging
import socket
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.probe import milliseconds
from gcpdiag.verify.address import Url
from gcpdiag.verify.attempt import Attempt, ProbeFailure, failure_of, in_thread, require
from gcpdiag.verify.connection import connected, resolve
from gcpdiag.verify.credential import Vault
from gcpdiag.verify.silence import chain_of
from gcpdiag.verify.target import RESPONSE_LIMIT, ClickHouseTarget, HttpTarget

if TYPE_CHECKING:
    from clickhouse_driver.errors import ServerException

# AUTHENTICATION_FAILED, REQUIRED_PASSWORD, WRONG_PASSWORD, UNKNOWN_USER, DATABASE_ACCESS_DENIED, ACCESS_DENIED
_LOGIN_CODES = frozenset({516, 194, 193, 192, 291, 497})
# TOO_MANY_SIMULTANEOUS_QUERIES, NO_FREE_CONNECTION, MEMORY_LIMIT_EXCEEDED, NOT_ENOUGH_SPACE
_CAPACITY_CODES = frozenset({202, 203, 241, 243})
_TIMEOUT_CODES = frozenset({159, 160, 209})  # TIMEOUT_EXCEEDED, TOO_SLOW, SOCKET_TIMEOUT
_OK = 200
_DENIED = frozenset({401, 403})


async def probe_clickhouse(target: ClickHouseTarget, attempt: Attempt, vault: Vault) -> None:
    """Probe a ClickHouse server; the question reads no table."""
    password = vault.value_of(target.password)
    attempt.secrets += [password] if password else []
    ask = _over_native if target.native else _over_http
    took = await ask(target, attempt, password)
    attempt.latencies.append(took)
    limit = target.within or RESPONSE_LIMIT
    if took > limit:
        told = f"SELECT 1 took {milliseconds(took)} ms, not within {milliseconds(limit)} ms"
        raise ProbeFailure("latency", told)


async def _over_http(target: ClickHouseTarget, attempt: Attempt, password: str) -> timedelta:
    require("h11", "h11")
    from gcpdiag.verify.http_exchange import exchange  # noqa: PLC0415 - h11 is an extra

    url = Url("https" if target.tls else "http", target.address, query=f"database={target.database}")
    headers = {"X-ClickHouse-User": target.user}
    if password:
        headers["X-ClickHouse-Key"] = password
    trusting = HttpTarget(url=url, ca_file=target.ca_file)
    answer = await exchange(url, attempt, target=trusting, headers=headers, body=b"SELECT 1")
    text = answer.body.decode(errors="replace").strip()
    if answer.status == _OK and text == "1":
        attempt.measure("version", answer.headers.get("x-clickhouse-server-display-name", "not told"))
        return answer.latency
    code = answer.headers.get("x-clickhouse-exception-code", "") or _code_in(text)
    shown = one_line(text, limit=160) or "nothing"
    if code.isdigit():
        raise _refused(int(code), shown, answer.status)
    if answer.status in _DENIED:
        raise ProbeFailure("authentication", f"{answer.status}: {shown}", status=answer.status)
    told = f"what answers is not ClickHouse: {answer.status}, {shown}"
    raise ProbeFailure("protocol", told, status=answer.status)


def _code_in(text: str) -> str:
    """Return the number in ``Code: 159. DB::Exception: …``."""
    return text.removeprefix("Code:").split(".", 1)[0].split(",", 1)[0].strip() if text.startswith("Code:") else ""


async def _over_native(target: ClickHouseTarget, attempt: Attempt, password: str) -> timedelta:
    require("clickhouse_driver", "clickhouse-driver")
    # The driver blocks and does not say how far it came, so that a connection of our own goes first.
    if target.tls:
        await resolve(target.address, attempt)
    else:
        async with connected(target.address, attempt):
            pass
    attempt.stage = "protocol"
    began = attempt.monotonic()
    try:
        await in_thread(partial(_select_one, target, password, attempt.left))
    except Exception as error:
        raise _failure_of(error) from error
    return timedelta(seconds=attempt.monotonic() - began)


def _select_one(target: ClickHouseTarget, password: str, seconds: float) -> None:
    from clickhouse_driver import Client  # noqa: PLC0415 - an extra

    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)  # it would print what the verdict says
    with Client(
        host=target.address.host,
        port=target.address.port,
        database=target.database,
        user=target.user,
        password=password,
        secure=target.tls,
        ca_certs=str(target.ca_file) if target.ca_file else None,
        client_name="gcpdiag-verify",
        connect_timeout=seconds,
        send_receive_timeout=seconds,
        sync_request_timeout=seconds,
    ) as client:
        if client.execute("SELECT 1") != [(1,)]:
            raise ProbeFailure("protocol", "SELECT 1 is not answered with 1")


def _failure_of(error: Exception) -> ProbeFailure:
    from clickhouse_driver import errors  # noqa: PLC0415 - an extra

    match error:
        case ProbeFailure():
            return error
        case errors.ServerException():
            return _of_server(error)
        case errors.SocketTimeoutError():
            return ProbeFailure("protocol", "the connection is accepted, and then there was no answer")
        case _:
            pass
    for one in chain_of(error):
        if isinstance(one, OSError | EOFError) and not isinstance(one, TimeoutError | socket.herror):
            return failure_of(one, "protocol")
    return ProbeFailure("protocol", f"what answers does not speak ClickHouse: {one_line(str(error), limit=120)}")


def _of_server(error: ServerException) -> ProbeFailure:
    return _refused(int(error.code), one_line(str(error.message).split("Stack trace", 1)[0], limit=160), None)


def _refused(code: int, text: str, status: int | None) -> ProbeFailure:
    if code in _LOGIN_CODES:
        return ProbeFailure("authentication", text, status=status)
    if code in _CAPACITY_CODES:
        return ProbeFailure("capacity", text, status=status)
    if code in _TIMEOUT_CODES:
        return ProbeFailure("latency", text, status=status)
    return ProbeFailure("protocol", text, status=status)
