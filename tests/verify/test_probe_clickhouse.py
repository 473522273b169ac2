"""ClickHouse probes against Debian's old but real server, against answers of newer ones, and against others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcpdiag.verify.address import Address
from gcpdiag.verify.credential import FromEnvironment
from gcpdiag.verify.target import ClickHouseTarget
from tests.verify.faults import (
    OK,
    Conversation,
    Pages,
    black_hole,
    refused,
    reset_at_once,
    response,
    says,
    serving,
    silent,
    slow_drip,
)
from tests.verify.probing import IMPATIENT, outcome, probed


@pytest.mark.parametrize("native", [False, True])
def test_a_server_that_answers_passes_on_both_its_ports(clickhouse: tuple[Address, Address], *, native: bool) -> None:
    result = probed(ClickHouseTarget(address=clickhouse[native], native=native))

    assert result.passed
    assert result.latency is not None


@pytest.mark.parametrize("native", [False, True])
def test_the_right_password_lets_in_and_is_told_nowhere(clickhouse: tuple[Address, Address], *, native: bool) -> None:
    target = ClickHouseTarget(
        address=clickhouse[native], native=native, user="asked", password=FromEnvironment("PASSWORD")
    )
    right = probed(target, environ={"PASSWORD": "s3cret-of-asked"})
    wrong = probed(target, environ={"PASSWORD": "a-wrong-s3cret"})

    assert right.passed
    assert wrong.failed_at == "authentication"
    assert "s3cret" not in repr((right, wrong))


def test_the_wrong_port_of_a_real_server_is_told_in_its_own_words(clickhouse: tuple[Address, Address]) -> None:
    result = probed(ClickHouseTarget(address=clickhouse[1]))

    assert result.failed_at == "protocol"
    assert "is for clickhouse-client program" in result.error


@pytest.mark.parametrize(
    "status,code,text,stage",
    [
        ("401 Unauthorized", 516, "default: Authentication failed", "authentication"),
        ("500 Internal Server Error", 241, "Memory limit (total) exceeded", "capacity"),
        ("500 Internal Server Error", 202, "Too many simultaneous queries", "capacity"),
        ("500 Internal Server Error", 159, "Timeout exceeded", "latency"),
        ("500 Internal Server Error", 999, "Coordination error", "protocol"),
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_what_a_server_complains_of_tells_the_stage(
    status: str, code: int, text: str, stage: str, *, header: bool
) -> None:
    body = f"Code: {code}. DB::Exception: {text}".encode()
    named = (f"X-ClickHouse-Exception-Code: {code}",) if header else ()
    with serving(Pages(response(status, body, *named))) as address:
        result = probed(ClickHouseTarget(address=address))

    assert result.failed_at == stage
    assert text in result.error


def test_what_answers_http_and_is_no_clickhouse_is_told_apart() -> None:
    with serving(Pages(OK)) as address:
        result = probed(ClickHouseTarget(address=address))

    assert outcome(result) == ("protocol", "what answers is not ClickHouse: 200, ok")


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("converse", [reset_at_once, says(b"-ERR unknown command\r\n")])
def test_what_does_not_answer_as_clickhouse_fails_at_the_protocol(converse: Conversation, *, native: bool) -> None:
    with serving(converse) as address:
        result = probed(ClickHouseTarget(address=address, native=native), deadline=timedelta(seconds=5))

    assert result.failed_at == "protocol"


@pytest.mark.parametrize("native", [False, True])
def test_silence_after_the_connection_fails_at_the_protocol(*, native: bool) -> None:
    with serving(silent) as address:
        result = probed(ClickHouseTarget(address=address, native=native), deadline=IMPATIENT)

    assert result.failed_at == "protocol"
    assert "no answer" in result.error


def test_an_answer_that_drips_fails_for_its_latency() -> None:
    with serving(slow_drip) as address:
        assert probed(ClickHouseTarget(address=address), deadline=IMPATIENT).failed_at == "latency"


@pytest.mark.parametrize("native", [False, True])
def test_a_black_hole_and_a_refusal_fail_at_tcp(*, native: bool) -> None:
    with black_hole() as address:
        hidden = probed(ClickHouseTarget(address=address, native=native), deadline=IMPATIENT)
    closed = probed(ClickHouseTarget(address=refused(), native=native))

    assert (hidden.failed_at, closed.failed_at) == ("tcp", "tcp")


def test_answers_that_take_too_long_fail_for_their_latency(clickhouse: tuple[Address, Address]) -> None:
    result = probed(ClickHouseTarget(address=clickhouse[0], within=timedelta(microseconds=1)))

    assert result.failed_at == "latency"
