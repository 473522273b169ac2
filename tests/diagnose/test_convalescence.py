"""The checklist of recovery: what is met, what is not yet, and what cannot be seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gcpdiag.diagnose.convalescence import Tick, ticks_of
from gcpdiag.diagnose.vigil import Sight, Vigil
from gcpdiag.model.diagnosis import ServiceHealth
from gcpdiag.signals.pulse import ServicePulse, Serving
from tests.diagnose.watching import NOON, SERVING, after, pulse_of_api, sight

QUIET, TRAFFIC, LATEST, RESTARTS = range(4)


def tick(number: int, *sights: Sight) -> Tick:
    return ticks_of(after(*sights))[number]


def seen(pulse: ServicePulse, *, health: ServiceHealth = "failing", whole_for: float | None = 60) -> Sight:
    return sight(health, pulse, whole_for=whole_for)


def test_there_is_no_checklist_before_the_first_round() -> None:
    assert ticks_of(Vigil(began=NOON)) == ()


@pytest.mark.parametrize(
    "failed_ago, state, progress", [(0.5, "not yet", 0.5 / 15), (7.5, "not yet", 0.5), (15, "met", 1.0)]
)
def test_quiet_grows_until_fifteen_minutes_without_a_failure(failed_ago: float, state: str, progress: float) -> None:
    found = tick(QUIET, seen(pulse_of_api(failed_ago=failed_ago)))

    assert found.state == state
    assert found.progress == pytest.approx(progress)


@pytest.mark.parametrize("whole_for, told", [(None, "shows nothing"), (8, "shows 8 min only")])
def test_silence_in_a_log_that_cannot_be_seen_is_no_quiet(whole_for: float | None, told: str) -> None:
    found = tick(QUIET, seen(pulse_of_api(failed_ago=20), whole_for=whole_for))

    assert found.state == "unknown"
    assert told in found.text


def test_a_stray_failure_of_a_healthy_service_does_not_count() -> None:
    found = tick(QUIET, seen(pulse_of_api(failed_ago=2), health="healthy"))

    assert found.state == "met"
    assert found.text == "only stray ones; api: the last 2 min ago"


def test_traffic_is_counted_since_the_last_failure() -> None:
    assert tick(TRAFFIC, seen(pulse_of_api(failed_ago=2))).text == "api: 6 without a failure"
    assert tick(TRAFFIC, seen(pulse_of_api(failed_ago=2))).state == "not yet"
    assert tick(TRAFFIC, seen(pulse_of_api(failed_ago=4))).state == "met"
    assert tick(TRAFFIC, seen(pulse_of_api(failed_ago=4, each_minute=None))).state == "unknown"


@pytest.mark.parametrize(
    "serving, state, told",
    [
        (SERVING, "met", "api-00002-def"),
        (replace(SERVING, rolling=True), "not yet", "being rolled out"),
        (replace(SERVING, latest_ready="api-00001-abc", revision="api-00001-abc"), "not yet", "is not ready"),
        (
            Serving(revision="api-00001-abc", latest="api-00002-def", latest_ready="api-00002-def", pinned=True),
            "met",
            "by choice",
        ),
        (None, "unknown", "cannot be seen"),
    ],
)
def test_the_latest_revision_must_serve_unless_somebody_chose_another(
    serving: Serving | None, state: str, told: str
) -> None:
    found = tick(LATEST, seen(pulse_of_api(serving=serving)))

    assert found.state == state
    assert told in found.text


@pytest.mark.parametrize(
    "restarted_ago, whole_for, state",
    [
        (1, 60, "not yet"),
        (4.9, None, "not yet"),
        (6, 60, "met"),
        (None, 60, "met"),
        (None, 3, "unknown"),
        (6, None, "unknown"),
    ],
)
def test_restarts_have_stopped_after_five_minutes_that_can_be_seen(
    restarted_ago: float | None, whole_for: float | None, state: str
) -> None:
    assert tick(RESTARTS, seen(pulse_of_api(restarted_ago=restarted_ago), whole_for=whole_for)).state == state
