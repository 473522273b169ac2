"""HTTP probes against servers that answer well, and against those that go wrong in one way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcpdiag.errors import UnreachableError
from gcpdiag.verify.credential import FromEnvironment
from tests.verify.faults import (
    OK,
    Authority,
    Conversation,
    Pages,
    black_hole,
    refused,
    reset_at_once,
    reset_in_the_middle,
    response,
    says,
    serving,
    silent,
    slow_drip,
)
from tests.verify.probing import IMPATIENT, http, measured, outcome, probed


def test_three_good_answers_in_a_row_pass() -> None:
    pages = Pages(OK)
    with serving(pages) as address:
        result = probed(http(address))

    assert result.passed
    assert result.status == 200
    assert measured(result, "consecutive") == "3 of 3"
    assert len(pages.asked) == 3
    assert b"GET /health HTTP/1.1" in pages.asked[0]


def test_one_bad_answer_among_good_ones_fails_and_tells_how_many_were_good() -> None:
    with serving(Pages(OK, OK, response("503 Service Unavailable"))) as address:
        result = probed(http(address))

    assert outcome(result) == ("protocol", "2 of 3 answers were good, then: 503 instead of 200")
    assert result.status == 503


def test_the_text_that_is_expected_must_be_in_the_answer() -> None:
    with serving(Pages(response("200 OK", b'{"status": "degraded"}'))) as address:
        result = probed(http(address, contains='"status": "ok"'))

    assert result.failed_at == "protocol"
    assert "is not in the answer" in result.error


def test_any_of_several_statuses_will_do() -> None:
    with serving(Pages(response("204 No Content"))) as address:
        assert probed(http(address, statuses=(200, 204))).passed


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    with serving(Pages(b"HTTP/1.1 200 OK\r\n\r\nall is well")) as address:
        assert probed(http(address, contains="all is well")).passed


@pytest.mark.parametrize(
    "converse,stage,words",
    [
        (reset_in_the_middle, "protocol", "reset the connection"),
        (reset_at_once, "protocol", "reset the connection"),
        (says(b"-ERR unknown command 'GET'\r\n"), "protocol", "not HTTP"),
        (Pages(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"), "protocol", "closed the connection before"),
        (Pages(b""), "protocol", "without an answer"),
        (Pages(response("404 Not Found")), "protocol", "404 instead of 200"),
        (Pages(response("401 Unauthorized")), "authentication", "401"),
        (Pages(response("403 Forbidden")), "authentication", "403"),
    ],
)
def test_what_goes_wrong_is_told_by_its_stage(converse: Conversation, stage: str, words: str) -> None:
    with serving(converse) as address:
        result = probed(http(address))

    assert result.failed_at == stage
    assert words in result.error


def test_a_refused_connection_fails_at_tcp() -> None:
    assert outcome(probed(http(refused()))) == ("tcp", "the connection is refused: nothing listens there")


def test_a_black_hole_fails_at_tcp_when_the_deadline_is_over() -> None:
    with black_hole() as address:
        result = probed(http(address), deadline=IMPATIENT)

    assert outcome(result) == ("tcp", "the connection was not accepted within 0.5 s")


def test_a_name_that_does_not_resolve_fails_at_the_name() -> None:
    result = probed(http("no-such-host.invalid:80"))

    assert result.failed_at == "name"
    assert "does not resolve" in result.error


def test_a_server_that_says_nothing_fails_at_the_protocol() -> None:
    with serving(silent) as address:
        result = probed(http(address), deadline=IMPATIENT)

    assert outcome(result) == ("protocol", "there was no answer within 0.5 s")


def test_an_answer_that_drips_fails_for_its_latency_and_tells_what_had_come() -> None:
    with serving(slow_drip) as address:
        result = probed(http(address), deadline=IMPATIENT)

    assert result.failed_at == "latency"
    assert "the answer began and had not ended within 0.5 s" in result.error
    assert result.status == 200


def test_a_good_answer_that_takes_too_long_fails_for_its_latency() -> None:
    with serving(Pages(OK)) as address:
        result = probed(http(address, within=timedelta(microseconds=1)))

    assert result.failed_at == "latency"


def test_redirects_are_followed_and_the_last_answer_counts() -> None:
    pages = Pages(response("302 Found", b"", "Location: /there"), OK)
    with serving(pages) as address:
        result = probed(http(address, successes=1))

    assert result.passed
    assert pages.asked[1].startswith(b"GET /there ")


def test_redirects_without_an_end_fail() -> None:
    with serving(Pages(response("302 Found", b"", "Location: /again"))) as address:
        result = probed(http(address, redirects=2))

    assert result.error.startswith("more than 2 redirects")


def test_a_redirect_that_is_expected_is_not_followed() -> None:
    with serving(Pages(response("302 Found", b"", "Location: https://elsewhere.invalid/"))) as address:
        assert probed(http(address, statuses=(302,))).passed


def test_a_token_is_shown_to_its_own_host_alone() -> None:
    other = Pages(OK)
    with serving(other) as elsewhere:
        own = Pages(response("302 Found", b"", f"Location: http://{elsewhere}/"))
        with serving(own) as address:
            target = http(address, successes=1, token=FromEnvironment("TOKEN"))
            result = probed(target, environ={"TOKEN": "s3cret-token"})

    assert result.passed
    assert b"Bearer s3cret-token" in own.asked[0]
    assert b"s3cret-token" not in other.asked[0]


def test_a_service_that_asks_who_calls_is_shown_an_id_token() -> None:
    audiences: list[str] = []

    async def identity(audience: str) -> str:
        audiences.append(audience)
        return "id-token"

    pages = Pages(response("403 Forbidden"), OK)
    with serving(pages) as address:
        result = probed(http(address, identity=True), identity=identity)

    assert result.passed
    assert audiences == [f"http://{address}"]
    assert b"Bearer id-token" in pages.asked[1]


def test_without_an_id_token_the_answer_says_why_there_is_none() -> None:
    async def identity(_audience: str) -> str:
        raise UnreachableError("no ID token can be had", hint="Give --impersonate-service-account ACCOUNT")

    with serving(Pages(response("403 Forbidden"))) as address:
        result = probed(http(address, identity=True), identity=identity)

    assert result.failed_at == "authentication"
    assert "no ID token can be had" in result.error
    assert "--impersonate-service-account" in result.error


def test_a_certificate_of_a_private_authority_is_taken_from_its_file(authority: Authority) -> None:
    with serving(Pages(OK), authority.context()) as address:
        result = probed(http(f"localhost:{address.port}", scheme="https", ca_file=authority.file))

    assert result.passed
    assert measured(result, "certificate_days_left") == "90"
    assert result.notes == ()


def test_a_certificate_that_soon_expires_is_noted(authority: Authority) -> None:
    with serving(Pages(OK), authority.context(days=3)) as address:
        result = probed(http(f"localhost:{address.port}", scheme="https", ca_file=authority.file))

    assert result.passed
    assert result.notes == ("the certificate expires in 3 days",)


@pytest.mark.parametrize(
    "name,days,trusted,words",
    [
        ("localhost", -1, True, "certificate has expired"),
        ("elsewhere.example", 90, True, "Hostname mismatch"),
        ("localhost", 90, False, "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_not_valid_fails_at_tls(
    authority: Authority, name: str, days: int, *, trusted: bool, words: str
) -> None:
    with serving(Pages(OK), authority.context(name, days=days)) as address:
        ca_file = authority.file if trusted else None
        result = probed(http(f"localhost:{address.port}", scheme="https", ca_file=ca_file))

    assert result.failed_at == "tls"
    assert words in result.error


def test_a_port_without_tls_fails_at_tls() -> None:
    with serving(says(response("400 Bad Request"))) as address:
        result = probed(http(address, scheme="https"))

    assert result.failed_at == "tls"


def test_a_tls_handshake_that_hangs_fails_at_tls() -> None:
    with serving(silent) as address:
        result = probed(http(address, scheme="https"), deadline=IMPATIENT)

    assert outcome(result) == ("tls", "the TLS handshake did not end within 0.5 s")


def test_what_a_server_repeats_of_a_credential_is_not_told() -> None:
    with serving(Pages(response("302 Found", b"", "Location: ftp://s3cret-token/"))) as address:
        result = probed(http(address, token=FromEnvironment("TOKEN")), environ={"TOKEN": "s3cret-token"})

    assert "s3cret-token" not in repr(result)
