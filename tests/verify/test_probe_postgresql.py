"""PostgreSQL probes against a real server with five connections, and against those that go wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from gcpdiag.model.probe import ProbeResult
from gcpdiag.verify.address import Address
from gcpdiag.verify.credential import FromEnvironment, Vault
from gcpdiag.verify.runner import Prober
from gcpdiag.verify.target import PostgresqlTarget
from tests.verify.faults import (
    Conversation,
    black_hole,
    refused,
    reset_at_once,
    response,
    says,
    serving,
    silent,
)
from tests.verify.probing import IMPATIENT, measured, outcome, probed

PROBER = Prober(vault=Vault(environ={}), deadline=timedelta(seconds=30))


@contextlib.asynccontextmanager
async def connections(address: Address, count: int) -> AsyncIterator[list[asyncpg.Connection[asyncpg.Record]]]:
    """So many connections; those of tests before may take a moment to be free again."""
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    try:
        while len(taken) < count:
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                taken.append(await asyncpg.connect(host=address.host, port=address.port, user="postgres", ssl=False))
        yield taken
    finally:
        for one in taken:
            await one.close()


async def probe(target: PostgresqlTarget) -> ProbeResult:
    result = await PROBER.probe(target)
    assert isinstance(result, ProbeResult), result
    return result


def test_a_server_that_answers_passes_with_its_latencies_and_connections(postgresql: Address) -> None:
    result = probed(PostgresqlTarget(address=postgresql))

    assert result.passed
    assert measured(result, "connections_used").endswith(" of 5")
    assert measured(result, "select_1_p95").endswith(" ms")
    assert measured(result, "longest_wait") == "0.0 s"


def test_with_every_connection_taken_it_says_so_and_not_that_the_server_is_down(postgresql: Address) -> None:
    async def run() -> ProbeResult:
        async with connections(postgresql, 5):
            return await probe(PostgresqlTarget(address=postgresql))

    result = asyncio.run(run())

    assert outcome(result) == ("capacity", "every connection is taken: sorry, too many clients already")


def test_with_nearly_every_connection_taken_it_passes_with_a_note(postgresql: Address) -> None:
    async def run() -> ProbeResult:
        async with connections(postgresql, 5) as taken:
            await taken.pop().close()
            while True:
                result = await probe(PostgresqlTarget(address=postgresql))
                if result.failed_at != "capacity":  # the connection given up is free by now
                    return result

    result = asyncio.run(run())

    assert result.passed
    assert measured(result, "connections_used") == "4 of 5"


def test_a_session_that_waits_for_a_lock_is_noted_once_it_has_waited_long(postgresql: Address) -> None:
    async def run() -> ProbeResult:
        async with connections(postgresql, 2) as (holder, waiter):
            await holder.execute("CREATE TABLE IF NOT EXISTS busy (id int)")
            async with holder.transaction():
                await holder.execute("LOCK TABLE busy")
                waiting = asyncio.ensure_future(waiter.fetchval("SELECT count(*) FROM busy"))
                while True:
                    result = await probe(PostgresqlTarget(address=postgresql))
                    if any("waited for a lock" in note for note in result.notes):
                        break
                    await asyncio.sleep(0.1)
            await waiting
            return result

    result = asyncio.run(run())

    assert result.passed
    assert float(measured(result, "longest_wait").removesuffix(" s")) >= 2


def test_the_right_password_lets_in_and_is_told_nowhere(postgresql: Address) -> None:
    async def make_user() -> None:
        async with connections(postgresql, 1) as (admin,):
            await admin.execute("DROP ROLE IF EXISTS asked; CREATE ROLE asked LOGIN PASSWORD 's3cret-of-asked'")

    asyncio.run(make_user())
    target = PostgresqlTarget(address=postgresql, user="asked", password=FromEnvironment("DB_PASSWORD"))
    right = probed(target, environ={"DB_PASSWORD": "s3cret-of-asked"})
    wrong = probed(target, environ={"DB_PASSWORD": "a-wrong-s3cret"})

    assert right.passed
    assert outcome(wrong) == ("authentication", 'password authentication failed for user "asked"')
    assert "s3cret" not in repr((right, wrong))


def test_a_login_that_the_server_rejects_fails_at_authentication(postgresql: Address) -> None:
    result = probed(PostgresqlTarget(address=postgresql, user="stranger"))

    assert result.failed_at == "authentication"
    assert "pg_hba.conf rejects connection" in result.error


def test_a_database_that_does_not_exist_is_named(postgresql: Address) -> None:
    result = probed(PostgresqlTarget(address=postgresql, database="orders"))

    assert outcome(result) == ("protocol", 'database "orders" does not exist (3D000)')


def test_tls_that_is_asked_for_and_not_offered_fails_at_tls(postgresql: Address) -> None:
    result = probed(PostgresqlTarget(address=postgresql, tls=True))

    assert outcome(result) == ("tls", "the server does not offer TLS")


def test_answers_that_take_too_long_fail_for_their_latency(postgresql: Address) -> None:
    result = probed(PostgresqlTarget(address=postgresql, within=timedelta(microseconds=1)))

    assert result.failed_at == "latency"
    assert "SELECT 1 took" in result.error


@pytest.mark.parametrize(
    "converse,words",
    [
        (says(response("400 Bad Request")), "does not speak PostgreSQL"),
        (reset_at_once, "reset the connection"),
    ],
)
def test_what_is_no_postgresql_fails_at_the_protocol(converse: Conversation, words: str) -> None:
    with serving(converse) as address:
        result = probed(PostgresqlTarget(address=address), deadline=timedelta(seconds=5))

    assert result.failed_at == "protocol"
    assert words in result.error


def test_silence_after_the_connection_fails_at_the_protocol() -> None:
    with serving(silent) as address:
        result = probed(PostgresqlTarget(address=address), deadline=IMPATIENT)

    assert outcome(result) == (
        "protocol",
        "the connection is accepted, and then there was no answer within 0.5 s",
    )


def test_a_black_hole_fails_at_tcp() -> None:
    with black_hole() as address:
        result = probed(PostgresqlTarget(address=address), deadline=IMPATIENT)

    assert outcome(result) == ("tcp", "the connection was not accepted within 0.5 s")


def test_a_refused_connection_fails_at_tcp() -> None:
    assert probed(PostgresqlTarget(address=refused())).failed_at == "tcp"


def test_a_name_that_does_not_resolve_fails_at_the_name() -> None:
    assert probed(PostgresqlTarget(address=Address("no-such-host.invalid", 5432))).failed_at == "name"
