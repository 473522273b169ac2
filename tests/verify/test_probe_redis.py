"""Redis probes against real servers, and against those that go wrong."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.model.probe import ProbeResult
from gcpdiag.verify.address import Address
from gcpdiag.verify.credential import FromEnvironment
from gcpdiag.verify.target import RedisTarget
from tests.verify import servers
from tests.verify.faults import (
    Authority,
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


@contextlib.contextmanager
def commanding(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection((address.host, address.port), timeout=10) as client:
        yield client


def command(client: socket.socket, line: str) -> bytes:
    client.sendall(line.encode() + b"\r\n")
    return client.recv(65536)


def test_a_server_that_answers_passes_and_tells_its_room(redis: Address) -> None:
    result = probed(RedisTarget(address=redis))

    assert result.passed
    assert measured(result, "memory").endswith("no maximum")
    assert measured(result, "clients").endswith(" of 10000")
    assert measured(result, "ping_p95").endswith(" ms")


def test_past_its_memory_and_not_evicting_it_answers_and_still_is_not_well(tmp_path: Path) -> None:
    settings = ("--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
    with servers.redis(tmp_path / "home", *settings) as running, commanding(running.address) as client:
        for number in range(2000):
            if command(client, f"SET key:{number} {'x' * 2000}").startswith(b"-OOM"):
                break
        result = probed(RedisTarget(address=running.address))

    assert result.failed_at == "capacity"
    assert result.error.startswith("PING is answered, but writes are refused:")
    assert result.error.endswith("maxmemory 1.0 MiB, policy noeviction")


def test_at_its_memory_and_evicting_it_passes_with_a_note(tmp_path: Path) -> None:
    settings = ("--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru")
    with servers.redis(tmp_path / "home", *settings) as running, commanding(running.address) as client:
        for number in range(2000):
            command(client, f"SET key:{number} {'x' * 2000}")
        result = probed(RedisTarget(address=running.address))

    assert result.passed
    assert any("memory is" in note for note in result.notes)
    assert int(measured(result, "evicted_keys")) > 0


def _probed_while_taken(address: Address) -> ProbeResult:
    """What a probe says while somebody else is the one client that the server takes."""
    while True:
        with commanding(address) as client, contextlib.suppress(OSError):  # who waited for the port may be counted yet
            if command(client, "PING") == b"+PONG\r\n":
                return probed(RedisTarget(address=address))


def test_with_every_client_taken_it_says_so(tmp_path: Path) -> None:
    with servers.redis(tmp_path / "home", "--maxclients", "1") as running:
        result = _probed_while_taken(running.address)

    assert outcome(result) == ("capacity", "every client connection is taken: max number of clients reached")


def test_the_right_password_lets_in_and_is_told_nowhere(tmp_path: Path) -> None:
    with servers.redis(tmp_path / "home", "--requirepass", "s3cret-of-redis") as running:
        target = RedisTarget(address=running.address, password=FromEnvironment("REDIS_PASSWORD"))
        right = probed(target, environ={"REDIS_PASSWORD": "s3cret-of-redis"})
        wrong = probed(target, environ={"REDIS_PASSWORD": "a-wrong-s3cret"})
        none = probed(RedisTarget(address=running.address))

    assert right.passed
    assert wrong.failed_at == "authentication"
    assert none.failed_at == "authentication"
    assert "s3cret" not in repr((right, wrong, none))


def test_tls_is_verified_by_the_authority_in_the_file(tmp_path: Path, authority: Authority) -> None:
    key, certificate = authority.files(tmp_path)
    settings = ("--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no")
    files = ("--tls-key-file", str(key), "--tls-cert-file", str(certificate), "--tls-ca-cert-file", str(authority.file))
    with servers.redis(tmp_path / "home", *settings, *files) as running:
        address = Address("localhost", running.address.port)
        trusted = probed(RedisTarget(address=address, tls=True, ca_file=authority.file))
        untrusted = probed(RedisTarget(address=address, tls=True))

    assert trusted.passed
    assert untrusted.failed_at == "tls"


def test_answers_that_take_too_long_fail_for_their_latency(redis: Address) -> None:
    result = probed(RedisTarget(address=redis, within=timedelta(microseconds=1)))

    assert result.failed_at == "latency"
    assert "PING took" in result.error


@pytest.mark.parametrize(
    "converse,words",
    [
        (says(response("400 Bad Request")), "not Redis"),
        (reset_at_once, "reset"),
        (says(b"-LOADING Redis is loading the dataset in memory\r\n" * 9), "loading"),
    ],
)
def test_what_does_not_answer_as_redis_fails_at_the_protocol(converse: Conversation, words: str) -> None:
    with serving(converse) as address:
        result = probed(RedisTarget(address=address), deadline=timedelta(seconds=5))

    assert result.failed_at == "protocol"
    assert words in result.error


def test_silence_after_the_connection_fails_at_the_protocol() -> None:
    with serving(silent) as address:
        result = probed(RedisTarget(address=address), deadline=IMPATIENT)

    assert result.failed_at == "protocol"
    assert "the connection is accepted, and then there was no answer" in result.error


def test_a_black_hole_fails_at_tcp() -> None:
    with black_hole() as address:
        result = probed(RedisTarget(address=address), deadline=IMPATIENT)

    assert outcome(result) == ("tcp", "the connection was not accepted within 0.5 s")


def test_a_refused_connection_fails_at_tcp() -> None:
    assert probed(RedisTarget(address=refused())).failed_at == "tcp"


def test_a_name_that_does_not_resolve_fails_at_the_name() -> None:
    assert probed(RedisTarget(address=Address("no-such-host.invalid", 6379))).failed_at == "name"
