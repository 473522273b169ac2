"""Probing PostgreSQL: connect, ``SELECT 1`` several times, how many connections are taken, who waits how long."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.probe import milliseconds
from gcpdiag.verify.attempt import Attempt, ProbeFailure, failure_of, require
from gcpdiag.verify.connection import resolve, tls_context
from gcpdiag.verify.credential import Vault
from gcpdiag.verify.silence import RESERVE, chain_of, failure_of_silence
from gcpdiag.verify.target import RESPONSE_LIMIT, PostgresqlTarget

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_QUESTIONS = 5
_NEARLY_FULL = 0.9
_SESSIONS = """
    SELECT count(*) AS used,
           current_setting('max_connections')::int AS most,
           current_setting('superuser_reserved_connections')::int AS reserved,
           extract(epoch FROM max(clock_timestamp() - query_start) FILTER (WHERE wait_event_type = 'Lock')) AS waits,
           extract(epoch FROM max(clock_timestamp() - xact_start) FILTER (WHERE state = 'idle in transaction')) AS idle
      FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


async def probe_postgresql(target: PostgresqlTarget, attempt: Attempt, vault: Vault) -> None:
    """Probe a PostgreSQL server; nothing is written, and one connection is taken for as long as that takes."""
    require("asyncpg", "asyncpg")
    password = vault.value_of(target.password)
    attempt.secrets += [password] if password else []
    await resolve(target.address, attempt)
    try:
        async with asyncio.timeout(attempt.left * (1 - RESERVE)):
            connection = await _connect(target, attempt, password)
    except TimeoutError as error:
        raise await failure_of_silence(target.address, attempt, tls=target.tls) from error
    except Exception as error:
        raise _failure_of(error, tls=target.tls) from error
    try:
        connected_after = timedelta(seconds=attempt.monotonic() - attempt.began)
        attempt.stage = "latency"  # from here on the server is known to be one that takes this login
        await _ask(connection, attempt, connected_after, target.within or RESPONSE_LIMIT)
    except (OSError, EOFError) as error:
        raise failure_of(error, "protocol") from error
    finally:
        connection.terminate()  # at once: a server that hangs is not waited for


async def _connect(target: PostgresqlTarget, attempt: Attempt, password: str) -> Connection[Record]:
    import asyncpg  # noqa: PLC0415 - an extra

    # Unless TLS is asked for, it is used where the server has it, as every client of PostgreSQL does.
    encryption: ssl.SSLContext | Literal["prefer"] = tls_context(target.ca_file) if target.tls else "prefer"
    connection: Connection[Record] = await asyncpg.connect(
        host=target.address.host,
        port=target.address.port,
        user=target.user,
        password=lambda: password,  # a text that is empty would make asyncpg look for one elsewhere
        database=target.database,
        ssl=encryption,
        timeout=attempt.left,
        statement_cache_size=0,  # PgBouncer
        server_settings={"application_name": "gcpdiag-verify"},
    )
    return connection


async def _ask(connection: Connection[Record], attempt: Attempt, connected: timedelta, limit: timedelta) -> None:
    for _ in range(_QUESTIONS):
        began = attempt.monotonic()
        await connection.fetchval("SELECT 1")
        attempt.latencies.append(timedelta(seconds=attempt.monotonic() - began))
    ordered = sorted(attempt.latencies)
    attempt.measure("connect", f"{milliseconds(connected)} ms")
    attempt.measure("select_1_p50", f"{_tenths(ordered[len(ordered) // 2])} ms")
    attempt.measure("select_1_p95", f"{_tenths(ordered[-1])} ms")
    await _note_sessions(connection, attempt)
    if ordered[-1] > limit:
        told = f"SELECT 1 took {milliseconds(ordered[-1])} ms, not within {milliseconds(limit)} ms"
        raise ProbeFailure("latency", told)
    if connected > limit:
        told = f"connecting took {milliseconds(connected)} ms, not within {milliseconds(limit)} ms"
        raise ProbeFailure("latency", told)


async def _note_sessions(connection: Connection[Record], attempt: Attempt) -> None:
    import asyncpg  # noqa: PLC0415 - an extra

    try:
        row = await connection.fetchrow(_SESSIONS)
    except asyncpg.PostgresError:  # a proxy or a relative of PostgreSQL that lacks the view
        attempt.notes.append("how many connections are in use cannot be seen here")
        return
    if row is None:
        return
    used, most, reserved = int(row["used"]), int(row["most"]), int(row["reserved"])
    attempt.measure("connections_used", f"{used} of {most}")
    if used >= _NEARLY_FULL * (most - reserved):
        told = f"nearly full: {used} of {most} connections are taken, {reserved} of them reserved for superusers"
        attempt.notes.append(told)
    attempt.measure("longest_wait", f"{float(row['waits'] or 0):.1f} s")
    if row["waits"] is not None and float(row["waits"]) > RESPONSE_LIMIT.total_seconds():
        attempt.notes.append(f"a session has waited for a lock for {float(row['waits']):.0f} s")
    if row["idle"] is not None and float(row["idle"]) > RESPONSE_LIMIT.total_seconds():
        attempt.notes.append(f"a transaction has been idle for {float(row['idle']):.0f} s")


def _failure_of(error: Exception, *, tls: bool) -> ProbeFailure:  # noqa: PLR0911 - one return for each kind of failure
    import asyncpg  # noqa: PLC0415 - an extra

    told = one_line(str(error), limit=160)
    match error:
        case asyncpg.TooManyConnectionsError():
            return ProbeFailure("capacity", f"every connection is taken: {told}")
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return ProbeFailure("authentication", told)
        case asyncpg.CannotConnectNowError():
            return ProbeFailure("protocol", f"the server takes no connections now: {told}")
        case asyncpg.PostgresError():
            return ProbeFailure("protocol", f"{told} ({error.sqlstate})")
        case ConnectionError() if "rejected SSL" in told:
            if tls:
                return ProbeFailure("tls", "the server does not offer TLS")
            return ProbeFailure("protocol", "what answers does not speak PostgreSQL")
        case _:
            pass
    for one in chain_of(error):
        if isinstance(one, OSError | EOFError) and not isinstance(one, TimeoutError):
            return failure_of(one, "protocol")
    return ProbeFailure("protocol", f"what answers does not speak PostgreSQL: {told}")


def _tenths(length: timedelta) -> str:
    return f"{length / timedelta(milliseconds=1):.1f}"
