"""Probe results as findings."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.signals.probe import document_of, probes_of
from tests.making import SERVICES, bundle, service
from tests.signals.making import API, WEB, looked_for, outcome, told

PROBES = "probes/results.json"
REDIS: JsonObject = {
    "detector": "probe",
    "kinds": ["redis"],
    "failed": ["tcp", "tls", "protocol", "authentication", "capacity", "latency"],
}
UNANSWERED: JsonObject = {
    "detector": "probe",
    "kinds": ["redis", "tcp"],
    "failed": ["tcp"],
    "any": ["not accepted", "timed out"],
    "destination": "private",
}
SLOW: JsonObject = {"detector": "probe", "kinds": ["redis"], "failed": ["latency"], "slower_than_ms": 2000}


def probe(*, ok: Json = False, error: str = "", origin: str = "", **more: Json) -> JsonObject:
    """A result with the keys of the contract, and no others unless they are given."""
    whole: JsonObject = {
        "target": "redis://10.30.0.3:6379",
        "kind": "redis",
        "ok": ok,
        "status": None,
        "latency_ms": 3,
        "error": error or None,
        "at": "2025-09-15T20:20:00Z",
    }
    return {**whole, **({"from": origin} if origin else {}), **more}


def test_a_probe_that_fails_is_present_with_its_error() -> None:
    finding = looked_for(REDIS, {PROBES: [probe(error="connect ECONNREFUSED 10.30.0.3:6379")]})

    assert outcome(finding) == "present"
    assert told(finding) == "a probe of redis://10.30.0.3:6379 fails: connect ECONNREFUSED 10.30.0.3:6379"


def test_a_probe_that_is_answered_clears_what_it_probed() -> None:
    finding = looked_for(REDIS, {PROBES: [probe(ok=True, origin="inside")]})

    assert outcome(finding) == "absent"
    assert told(finding) == "redis://10.30.0.3:6379 answers a probe from inside the network in 3 ms at 20:20:00"


def test_without_probes_nothing_is_known() -> None:
    assert outcome(looked_for(REDIS, {})) == "unknown"
    assert outcome(looked_for(REDIS, {PROBES: []})) == "unknown"
    assert (
        outcome(looked_for(REDIS, {PROBES: [probe(ok=True, kind="http", target="https://api.example/")]})) == "unknown"
    )


def test_a_probe_that_ended_before_the_stage_says_nothing_about_it() -> None:
    assert outcome(looked_for(REDIS, {PROBES: [probe(error="getaddrinfo ENOTFOUND cache")]})) == "unknown"


@pytest.mark.parametrize(
    "error,expected",
    [
        ("the connection was not accepted within 10 s", "present"),
        ("connection timed out", "present"),
        ("connect ECONNREFUSED 10.30.0.3:6379", "absent"),
        ("ERR max number of clients reached", "absent"),
        ("NOAUTH Authentication required.", "absent"),
        ("getaddrinfo ENOTFOUND cache", "unknown"),
    ],
)
def test_whoever_is_answered_at_all_has_found_the_way(error: str, expected: str) -> None:
    assert outcome(looked_for(UNANSWERED, {PROBES: [probe(error=error)]})) == expected


def test_from_outside_a_probe_that_is_not_let_in_has_seen_another_way() -> None:
    failed = probe(error="the connection was not accepted within 10 s", failed_at="tcp", origin="outside")

    assert outcome(looked_for(REDIS, {PROBES: [failed]})) == "unknown"
    assert outcome(looked_for(UNANSWERED, {PROBES: [failed]})) == "unknown"


@pytest.mark.parametrize("latency,expected", [(2500, "present"), (1500, "absent")])
def test_an_answer_can_be_too_slow(latency: int, expected: str) -> None:
    assert outcome(looked_for(SLOW, {PROBES: [probe(ok=True, latency_ms=latency)]})) == expected


def test_what_another_service_uses_says_nothing_about_this_one() -> None:
    services: list[JsonObject] = [service(env={"REDIS": "10.30.0.3:6379"}), service("web")]
    files = {SERVICES: services, PROBES: [probe(error="connection refused")]}

    assert outcome(looked_for(REDIS, files, at=API)) == "present"
    assert outcome(looked_for(REDIS, files, at=WEB)) == "unknown"


def test_of_several_results_of_a_target_the_newest_counts_whatever_their_order() -> None:
    older = probe(error="connection refused")
    newer = probe(ok=True, at="2025-09-15T20:24:00Z")

    assert outcome(looked_for(REDIS, {PROBES: [older, newer]})) == "absent"
    assert outcome(looked_for(REDIS, {PROBES: [newer, older]})) == "absent"


@pytest.mark.parametrize(
    "error,status,stage",
    [
        ("Name or service not known", None, "name"),
        ("certificate verify failed", None, "tls"),
        ("FATAL: sorry, too many clients already", None, "capacity"),
        ("OOM command not allowed when used memory > 'maxmemory'.", None, "capacity"),
        ("password authentication failed for user", None, "authentication"),
        ("read ECONNRESET: connection reset by peer", None, "protocol"),
        ("service unavailable", 503, "protocol"),
        ("who are you", 403, "authentication"),
        ("it went wrong", None, "tcp"),
        ("", None, "tcp"),
    ],
)
def test_words_tell_the_stage_where_nothing_else_does(error: str, status: int | None, stage: str) -> None:
    (result,) = probes_of(bundle({PROBES: [probe(error=error, status=status)]}))

    assert result.failed_at == stage


def test_what_is_no_result_is_left_out() -> None:
    broken: list[JsonObject] = [
        {},
        {"target": "x"},
        probe(kind="gopher"),
        probe(ok="yes"),
        probe(target=""),
    ]

    assert probes_of(bundle({PROBES: broken})) == ()


def test_a_result_survives_being_written_and_read() -> None:
    (result,) = probes_of(bundle({PROBES: [probe(error="connection refused", origin="inside")]}))

    assert probes_of(bundle({PROBES: [document_of(result)]})) == (result,)
