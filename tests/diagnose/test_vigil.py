"""What is known after rounds: events that are new, the course of the top cause, and when it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcpdiag.diagnose.vigil import Miss, Vigil, answered_since_failure, has_enough_traffic
from gcpdiag.model.diagnosis import TimelineEvent
from tests.diagnose.watching import EGRESS, MEMORY, NOON, WORKER, after, beats, cause, pulse_of_api, sight

MINUTE = timedelta(minutes=1)
DEPLOY = TimelineEvent(at=NOON - 30 * MINUTE, kind="deploy", text="api deployed")
ONSET = TimelineEvent(at=NOON - 20 * MINUTE, kind="onset", text="api: first 5xx in the window")


def told(vigil: Vigil) -> list[tuple[str, str]]:
    """The events that came since the first round."""
    return [(one.kind, one.text) for one in vigil.events if one.fresh]


def test_what_was_there_in_the_first_round_is_not_new() -> None:
    vigil = after(sight(timeline=[DEPLOY, ONSET]))

    assert [one.fresh for one in vigil.events] == [False, False]


def test_a_change_in_a_later_round_is_new_and_told_once() -> None:
    changed = TimelineEvent(at=NOON + MINUTE, kind="change", text="traffic of api changed")

    vigil = after(sight(timeline=[DEPLOY]), sight(timeline=[DEPLOY, changed]), sight(timeline=[DEPLOY, changed]))

    assert told(vigil) == [("change", "traffic of api changed")]


@pytest.mark.parametrize("kind", ["onset", "evidence", "recovery"])
def test_an_event_whose_time_moves_with_the_window_is_not_new(kind: str) -> None:
    first = TimelineEvent(at=NOON - 20 * MINUTE, kind=kind, text=f"first sign of {MEMORY}: 12 times killed")
    later = TimelineEvent(at=NOON - 18 * MINUTE, kind=kind, text=f"first sign of {MEMORY}: 10 times killed")

    assert told(after(sight(timeline=[first]), sight(timeline=[later]))) == []


def test_a_turn_of_status_and_of_a_service_is_an_event() -> None:
    vigil = after(sight("failing"), sight("recovered"))

    assert told(vigil) == [("status", "incident → healthy"), ("service", "api: failing → recovered")]


def test_another_top_cause_is_an_event_and_marks_have_its_confidence() -> None:
    vigil = after(sight(), sight(causes=[cause(EGRESS, 0.6), cause(MEMORY, 0.5)]))

    assert told(vigil) == [("cause", f"{EGRESS} comes first now, before {MEMORY}")]
    assert [(one.cause, one.confidence) for one in vigil.marks] == [(MEMORY, 0.9), (EGRESS, 0.6)]


def test_a_round_that_failed_keeps_what_was_known() -> None:
    seen = after(sight())

    vigil = seen.with_miss(Miss(at=NOON + MINUTE, why="429 Quota exceeded"))

    assert vigil.sight is seen.sight
    assert vigil.rounds == 2
    assert vigil.marks[-1].confidence is None
    assert told(vigil) == [("no sight", "429 Quota exceeded")]


def test_rounds_that_fail_one_after_the_other_are_one_event_and_the_return_another() -> None:
    vigil = after(sight())
    for number in (1, 2, 3):
        vigil = vigil.with_miss(Miss(at=NOON + number * MINUTE, why=f"failure {number}"))

    vigil = vigil.with_sight(sight(at=NOON + 4 * MINUTE))

    assert told(vigil) == [("no sight", "failure 1"), ("sight", "seen again; nothing was seen since 12:00:00")]
    assert vigil.miss is None


def test_two_healthy_rounds_in_a_row_are_the_end() -> None:
    once = after(sight("failing"), sight("recovered", pulse_of_api(failed_ago=20)))

    assert not once.is_over
    assert once.with_sight(sight("recovered", pulse_of_api(failed_ago=21))).is_over


def test_a_round_between_that_is_not_healthy_or_failed_starts_it_anew() -> None:
    healthy = sight("healthy")

    assert not after(healthy, sight("failing"), healthy).is_over
    assert not after(healthy).with_miss(Miss(at=NOON, why="")).with_sight(healthy).is_over


def test_healthy_rounds_without_enough_traffic_prove_nothing() -> None:
    quiet = pulse_of_api(failed_ago=20, each_minute=0)

    vigil = after(sight("failing"), *[sight("recovered", quiet)] * 3)

    assert vigil.calm == 0
    assert not vigil.is_over


def test_a_service_that_failed_earlier_in_the_watch_still_counts() -> None:
    calm = [sight("healthy", pulse_of_api(each_minute=0), pulse_of_api(service=WORKER))] * 2

    assert after(*calm).is_over
    assert not after(sight("failing"), *calm).is_over
    assert not after(*calm, named=frozenset({"api"})).is_over


def test_only_what_was_answered_after_the_last_failure_counts() -> None:
    assert answered_since_failure(pulse_of_api(failed_ago=None)) == 360
    assert answered_since_failure(pulse_of_api(failed_ago=10)) == 54
    assert answered_since_failure(pulse_of_api(each_minute=None)) is None


def test_unknown_minutes_prove_no_traffic() -> None:
    unknown = beats([None] * 60, [None] * 60)

    assert answered_since_failure(pulse_of_api()) == 360
    assert not has_enough_traffic(Vigil(began=NOON))
    assert {one.requests for one in unknown} == {None}
