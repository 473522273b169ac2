"""Probing Redis: ``PING``, and from ``INFO`` whether there is room for keys and for clients."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.json import Json, number_at
from gcpdiag.model.probe import milliseconds
from gcpdiag.verify.attempt import Attempt, ProbeFailure, failure_of, require
from gcpdiag.verify.connection import connected, resolve, tls_context
from gcpdiag.verify.credential import Vault
from gcpdiag.verify.silence import RESERVE, chain_of, failure_of_silence
from gcpdiag.verify.target import RESPONSE_LIMIT, RedisTarget

if TYPE_CHECKING:
    from redis.asyncio import Redis

_PINGS = 5
_NEARLY_FULL = 0.9
_MIB = 1 << 20
_NO_CLIENT = "max number of clients reached"
_LISTEN = 0.5  # seconds; a server that turns clients away does it at once


async def probe_redis(target: RedisTarget, attempt: Attempt, vault: Vault) -> None:
    """Probe a Redis server; nothing is written."""
    require("redis", "redis")
    password = vault.value_of(target.password)
    attempt.secrets += [password] if password else []
    await resolve(target.address, attempt)
    client = _client(target, password)
    try:
        async with asyncio.timeout(attempt.left * (1 - RESERVE)):
            await _ask(client, attempt, target.within or RESPONSE_LIMIT)
    except TimeoutError as error:
        raise await failure_of_silence(target.address, attempt, tls=target.tls) from error
    except ProbeFailure:
        raise
    except Exception as error:
        failure = _failure_of(error)
        if failure.stage == "protocol" and _NO_CLIENT in await _first_words(target, attempt):
            failure = ProbeFailure("capacity", f"every client connection is taken: {_NO_CLIENT}")
        raise failure from error
    finally:
        await client.aclose()


def _client(target: RedisTarget, password: str) -> Redis:
    from redis.asyncio import Redis  # noqa: PLC0415 - an extra
    from redis.asyncio.retry import Retry  # noqa: PLC0415 - the same
    from redis.backoff import NoBackoff  # noqa: PLC0415 - the same

    tls_context(target.ca_file)  # told before anything is connected, if it cannot be read
    return Redis(
        host=target.address.host,
        port=target.address.port,
        db=target.database,
        username=target.user or None,
        password=password or None,
        ssl=target.tls,
        ssl_ca_certs=str(target.ca_file) if target.ca_file else None,
        ssl_check_hostname=True,
        socket_timeout=None,  # the probe's own deadline holds
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # spoken by every server
        max_connections=1,
        decode_responses=True,
    )


async def _first_words(target: RedisTarget, attempt: Attempt) -> str:
    """Return what the server says to whoever connects and asks nothing; mostly that is nothing.

    A server without room for one more client says so and closes; a client that has asked by then is reset, and never
    sees the words.
    """
    try:
        async with asyncio.timeout(min(_LISTEN, attempt.left / 2)):
            tls = tls_context(target.ca_file) if target.tls else None
            async with connected(target.address, attempt, tls=tls) as (reader, _):
                return (await reader.read(512)).decode(errors="replace")
    except (OSError, EOFError, TimeoutError):
        return ""


async def _ask(client: Redis, attempt: Attempt, limit: timedelta) -> None:
    from redis.exceptions import NoPermissionError, ResponseError  # noqa: PLC0415 - an extra

    for _ in range(_PINGS):
        began = attempt.monotonic()
        await client.ping()
        attempt.latencies.append(timedelta(seconds=attempt.monotonic() - began))
        attempt.stage = "latency"
    connected, *pings = attempt.latencies
    attempt.latencies[:] = pings
    attempt.measure("connect", f"{milliseconds(connected)} ms")
    attempt.measure("ping_p95", f"{max(pings) / timedelta(milliseconds=1):.1f} ms")
    try:
        told: Mapping[str, Json] = await client.info("everything")
    except (NoPermissionError, ResponseError):
        attempt.notes.append("INFO may not be asked for, so memory and clients cannot be seen")
        told = {}
    _check_room(dict(told), attempt)
    slowest = max(connected, *pings)
    if slowest > limit:
        raise ProbeFailure("latency", f"PING took {milliseconds(slowest)} ms, not within {milliseconds(limit)} ms")


def _check_room(told: dict[str, Json], attempt: Attempt) -> None:
    """Note memory and clients; ProbeFailure when the server turns writes away for want of memory."""
    clients, most_clients = number_at(told, "connected_clients"), number_at(told, "maxclients")
    if clients is not None and most_clients:
        attempt.measure("clients", f"{clients:g} of {most_clients:g}")
        if clients >= _NEARLY_FULL * most_clients:
            attempt.notes.append(f"nearly full: {clients:g} of {most_clients:g} clients are connected")
    evicted = number_at(told, "evicted_keys") or 0
    attempt.measure("evicted_keys", f"{evicted:g}")
    used, most = number_at(told, "used_memory"), number_at(told, "maxmemory")
    policy = str(told.get("maxmemory_policy", ""))
    if used is None:
        return
    if not most:
        attempt.measure("memory", f"{used / _MIB:.1f} MiB, no maximum")
        return
    counted = used - (number_at(told, "mem_not_counted_for_evict") or 0)
    attempt.measure("memory", f"{used / _MIB:.1f} of {most / _MIB:.1f} MiB")
    if counted >= most and policy == "noeviction":
        told_memory = f"{used / _MIB:.1f} MiB used of maxmemory {most / _MIB:.1f} MiB"
        raise ProbeFailure("capacity", f"PING is answered, but writes are refused: {told_memory}, policy noeviction")
    if counted >= most:
        attempt.notes.append(f"memory is at its maximum, so keys are evicted ({policy}, {evicted:g} so far)")
    elif counted >= _NEARLY_FULL * most:
        attempt.notes.append(f"memory is nearly full: {used / _MIB:.1f} of {most / _MIB:.1f} MiB")


def _failure_of(error: Exception) -> ProbeFailure:  # noqa: PLR0911 - one return for each kind of failure
    from redis import exceptions  # noqa: PLC0415 - an extra

    told = one_line(str(error), limit=160)
    folded = told.casefold()
    if _NO_CLIENT in folded:
        return ProbeFailure("capacity", f"every client connection is taken: {_NO_CLIENT}")
    match error:
        case exceptions.AuthenticationError() | exceptions.AuthorizationError() | exceptions.NoPermissionError():
            return ProbeFailure("authentication", told)
        case exceptions.BusyLoadingError():
            return ProbeFailure("protocol", f"the server is loading its data: {told}")
        case exceptions.InvalidResponse():
            return ProbeFailure("protocol", f"what answers is not Redis: {told}")
        case _:
            pass
    if any(word in folded for word in ("noauth", "wrongpass", "authentication required", "without any password")):
        return ProbeFailure("authentication", told)
    for one in chain_of(error):
        if isinstance(one, OSError | EOFError) and not isinstance(one, TimeoutError):
            return failure_of(one, "protocol")
    if isinstance(error, exceptions.ConnectionError):
        return ProbeFailure("protocol", f"the conversation breaks off: {told}")
    return ProbeFailure("protocol", told)
