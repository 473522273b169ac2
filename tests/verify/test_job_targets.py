"""What a job is given: the same targets again, and of credentials the names alone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.verify.address import Address, parse_url
from gcpdiag.verify.credential import FromEnvironment, FromFile, FromSecret
from gcpdiag.verify.job_targets import VARIABLE, Luggage, pack, unpack
from gcpdiag.verify.target import (
    ClickHouseTarget,
    HttpTarget,
    PostgresqlTarget,
    RedisTarget,
    Target,
    TcpTarget,
    WebSocketTarget,
)

CACHE, DATABASE = Address("10.30.0.3", 6379), Address("10.20.0.5", 5432)
REFERENCE: JsonObject = {"secret": "db-password", "version": "3"}
SECRETS: dict[str, JsonObject] = {"DB_PASSWORD": REFERENCE}
TARGETS: tuple[Target, ...] = (
    HttpTarget(url=parse_url("https://api.internal/health", ("https",)), statuses=tuple(range(200, 500)), found=True),
    HttpTarget(url=parse_url("http://10.0.0.9:8080/", ("http",)), statuses=(200, 204), contains="ok", identity=True),
    WebSocketTarget(
        url=parse_url("wss://api.internal/live", ("wss",)), send="ping", expect="pong", subprotocols=("v1",)
    ),
    TcpTarget(address=Address("10.30.0.9", 9092), tls=True, found=True),
    PostgresqlTarget(
        address=DATABASE, user="probe", database="orders", password=FromEnvironment("DB_PASSWORD"), tls=True
    ),
    RedisTarget(address=CACHE, database=2, within=timedelta(milliseconds=1500)),
    ClickHouseTarget(address=Address("10.30.0.4", 9000), native=True),
)


def text_of(luggage: Luggage) -> str:
    return next(text_at(one, "value") for one in luggage.environment if one["name"] == VARIABLE)


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: f"{one.kind} {one.shown}")
def test_a_target_comes_out_of_the_variable_as_it_went_in(target: Target) -> None:
    assert unpack(text_of(pack([target], SECRETS))) == [target]


def test_a_secret_of_the_services_environment_is_referred_to_by_name() -> None:
    luggage = pack(TARGETS, SECRETS)

    assert luggage.environment[1:] == ({"name": "DB_PASSWORD", "valueSource": {"secretKeyRef": REFERENCE}},)
    assert luggage.places == tuple(range(len(TARGETS)))


def test_a_named_secret_becomes_a_reference_once_for_all_that_name_it() -> None:
    secret = FromSecret("projects/demo/secrets/redis")
    targets = [RedisTarget(address=CACHE, password=secret), RedisTarget(address=CACHE, database=1, password=secret)]
    luggage = pack(targets, {})

    reference = {"secret": "projects/demo/secrets/redis", "version": "latest"}
    assert luggage.environment[1:] == ({"name": "GCPDIAG_SECRET_1", "valueSource": {"secretKeyRef": reference}},)
    assert unpack(text_of(luggage)) == [
        RedisTarget(address=CACHE, password=FromEnvironment("GCPDIAG_SECRET_1")),
        RedisTarget(address=CACHE, database=1, password=FromEnvironment("GCPDIAG_SECRET_1")),
    ]


@pytest.mark.parametrize(
    "target, reason",
    [
        (
            RedisTarget(address=CACHE, password=FromEnvironment("PLAIN")),
            "PLAIN is no secret of the service's environment",
        ),
        (RedisTarget(address=CACHE, password=FromFile(Path("/run/secrets/redis"))), "in a file of this machine"),
        (RedisTarget(address=CACHE, tls=True, ca_file=Path("ca.pem")), "its ca-file is on this machine"),
        (HttpTarget(url=parse_url("https://api.internal/?token=planted", ("https",))), "its URL has a query"),
    ],
)
def test_what_would_take_a_value_along_stays_and_says_why(target: Target, reason: str) -> None:
    luggage = pack([TARGETS[3], target, TARGETS[5]], SECRETS)

    assert luggage.places == (0, 2)
    assert reason in luggage.left[1]
    assert "planted" not in json.dumps(luggage.environment)


def test_too_many_targets_for_one_variable_are_refused() -> None:
    with pytest.raises(UsageError, match="too many for one job"):
        pack([RedisTarget(address=Address(f"10.0.{one // 250}.{one % 250 + 1}", 6379)) for one in range(900)], {})


@pytest.mark.parametrize(
    "text", ["{", "{}", "[1]", '[{"kind":"nothing"}]', '[{"kind":"tcp"}]', '[{"kind":"http","url":"x","statuses":[1]}]']
)
def test_a_variable_that_was_written_by_hand_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        unpack(text)

    assert VARIABLE in str(caught.value)
