"""Addresses and URLs of targets, from flags: what is read, and what is refused without repeating it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gcpdiag.errors import UsageError
from gcpdiag.verify import flag
from gcpdiag.verify.address import Address, parse_address, parse_url
from gcpdiag.verify.credential import FromEnvironment, FromFile, FromSecret
from gcpdiag.verify.target import ClickHouseTarget, PostgresqlTarget, RedisTarget, Target

Parse = Callable[[str], Target]


@pytest.mark.parametrize(
    "text,host,port",
    [("db:5432", "db", 5432), ("10.0.0.3:6379", "10.0.0.3", 6379), ("[fd00::1]:80", "fd00::1", 80)],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)
    assert str(parse_address(text)) == text


@pytest.mark.parametrize("text", ["", ":80", "db", "db:0", "db:70000", "db:x", "[fd00", "a b:80", "http://db:80"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


@pytest.mark.parametrize(
    "host,private",
    [("10.1.2.3", True), ("192.168.0.9", True), ("db.internal", True), ("8.8.8.8", False), ("127.0.0.1", False)],
)
def test_private_addresses_are_known(host: str, *, private: bool) -> None:
    assert Address(host, 80).is_private is private


def test_a_url_is_shown_without_its_query() -> None:
    url = parse_url("https://api.example.com/health?key=s3cret", ("http", "https"))

    assert url.shown == "https://api.example.com/health?…"
    assert url.request_target == "/health?key=s3cret"
    assert url.host_header == "api.example.com"


@pytest.mark.parametrize(
    "text", ["ftp://host/", "https://", "https://host/ä", "https://host/a b", "https://h:99999/", "api.example.com"]
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_url(text, ("http", "https"))


@pytest.mark.parametrize(
    "parse,text",
    [
        (flag.http_target, "https://user:s3cret@host/"),
        (flag.websocket_target, "wss://:s3cret@host/"),
        (flag.tcp_target, "user:s3cret@host:80"),
        (flag.postgresql_target, "postgresql://user:s3cret@host/db"),
        (flag.redis_target, "redis://:s3cret@host"),
        (flag.clickhouse_target, "clickhouse://user:s3cret@host"),
        (flag.redis_target, "redis://host?password=s3cret"),
        (flag.redis_target, "redis://host?s3cret=1"[:14] + "?password_secret=s3cret"),
    ],
)
def test_a_password_in_an_argument_is_refused_and_not_repeated(parse: Parse, text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse(text)

    assert "s3cret" not in str(refusal.value)


def test_a_database_is_named_by_a_url_or_by_its_host_alone() -> None:
    whole = flag.postgresql_target("postgresql://app@db.example:5433/orders?password_env=DB_PASSWORD")
    short = flag.postgresql_target("db.example")

    assert isinstance(whole, PostgresqlTarget)
    assert (whole.address, whole.user, whole.database) == (Address("db.example", 5433), "app", "orders")
    assert whole.password == FromEnvironment("DB_PASSWORD")
    assert isinstance(short, PostgresqlTarget)
    assert short.address == Address("db.example", 5432)


def test_redis_has_a_number_for_a_database_and_a_scheme_for_tls() -> None:
    target = flag.redis_target("rediss://cache.example/2?password_file=/run/secrets/redis")

    assert isinstance(target, RedisTarget)
    assert (target.address, target.database, target.tls) == (Address("cache.example", 6379), 2, True)
    assert isinstance(target.password, FromFile)
    with pytest.raises(UsageError):
        flag.redis_target("redis://cache.example/x")


@pytest.mark.parametrize(
    "text,port,native,tls",
    [
        ("http://ch.example", 8123, False, False),
        ("https://ch.example", 8443, False, True),
        ("clickhouse://ch.example", 9000, True, False),
        ("clickhouses://ch.example", 9440, True, True),
    ],
)
def test_clickhouse_has_two_ports_with_and_without_tls(text: str, port: int, *, native: bool, tls: bool) -> None:
    target = flag.clickhouse_target(f"{text}?password_secret=projects/p/secrets/s")

    assert isinstance(target, ClickHouseTarget)
    assert (target.address.port, target.native, target.tls) == (port, native, tls)
    assert target.password == FromSecret("projects/p/secrets/s")
