"""Results that a job writes, and what is made of them at home."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gcpdiag.model.json import Json
from gcpdiag.model.probe import Measure, ProbeResult
from gcpdiag.verify.address import Address
from gcpdiag.verify.job_results import lines_of, results_in
from gcpdiag.verify.runner import Probed, Unprobed
from gcpdiag.verify.target import RedisTarget, TcpTarget

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TARGETS = (RedisTarget(address=Address("10.30.0.3", 6379)), TcpTarget(address=Address("10.30.0.9", 9092)))
PASSED = ProbeResult(
    target=TARGETS[0].shown,
    kind="redis",
    at=NOON,
    latency=timedelta(milliseconds=7),
    origin="inside",
    measures=(Measure(name="clients", value="1 of 100"),),
    notes=("keys are evicted",),
)
FAILED = ProbeResult(
    target=TARGETS[1].shown, kind="tcp", at=NOON, failed_at="tcp", error="refused", origin="inside", status=None
)
LINES = [json.loads(one) for one in lines_of([PASSED, FAILED])]


def test_results_come_back_as_they_were() -> None:
    assert results_in(LINES, TARGETS) == {0: PASSED, 1: FAILED}


def test_a_line_has_what_the_results_of_a_bundle_have() -> None:
    assert {key: LINES[1][key] for key in ("target", "kind", "ok", "status", "latency_ms", "error", "at")} == {
        "target": "tcp://10.30.0.9:9092",
        "kind": "tcp",
        "ok": False,
        "status": None,
        "latency_ms": None,
        "error": "refused",
        "at": "2030-01-01T12:00:00Z",
    }


def test_what_could_not_be_probed_comes_back_with_its_reason() -> None:
    unprobed: list[Probed] = [Unprobed(target=one, reason="there is no client library") for one in TARGETS]

    assert results_in([json.loads(one) for one in lines_of(unprobed)], TARGETS) == dict(enumerate(unprobed))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "other"},
        {"number": 7},
        {"number": -1},
        {"number": None},
        {"target": "tcp://elsewhere:1"},
        {"kind": "ftp"},
        {"at": "yesterday"},
        {"failed_at": "moon", "ok": False},
    ],
)
def test_lines_that_are_no_results_of_these_targets_are_passed_over(change: dict[str, Json]) -> None:
    assert results_in([{**LINES[0], **change}], TARGETS) == {}


def test_texts_of_a_log_are_made_one_line_before_they_are_shown() -> None:
    told = results_in([{**LINES[1], "error": "refused\n\x1b[31mred"}], TARGETS)[1]

    assert isinstance(told, ProbeResult)
    assert told == replace(FAILED, error=told.error)
    assert "\n" not in told.error
    assert "\x1b" not in told.error
