"""What counts as right, and for which bundles a measure has a meaning."""

from __future__ import annotations

import pytest

from gcpdiag.diagnose.label import Label
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.diagnose.score import Answer, claims_of, fault_of, has_both, is_right, score_of

REDIS = Label(status="incident", causes=["a/redis"], accept=["a/dns"], unlike=["a/code"])
BOTH = Label(status="incident", causes=["a/redis", "a/memory"], accept=["a/dns"])
HEALTHY = Label(status="healthy", unlike=["a/code"])
OUTSIDE = Label(status="inconclusive", unlike=["a/code"])
QUIET = Answer(status="healthy")
UNSURE = Answer(status="inconclusive", candidates=("a/code", "a/redis"))


def named(*causes: str) -> Answer:
    return Answer(status="incident", named=tuple((cause, 0.9) for cause in causes))


@pytest.mark.parametrize(
    "answer, right",
    [
        (named("a/redis"), True),
        (named("a/dns"), True),
        (named("a/memory", "a/redis"), False),
        (UNSURE, False),
        (QUIET, False),
    ],
)
def test_right_is_a_true_cause_or_an_accepted_one_in_the_first_place(answer: Answer, *, right: bool) -> None:
    assert is_right(REDIS, answer) is right


@pytest.mark.parametrize(
    "answer, found",
    [
        (named("a/redis", "a/memory"), True),
        (named("a/memory", "a/redis", "a/code"), True),
        (named("a/redis", "a/dns", "a/memory"), True),
        (named("a/redis", "a/code", "a/memory"), False),
        (named("a/redis", "a/dns"), False),
        (named("a/redis"), False),
    ],
)
def test_an_accepted_cause_between_two_true_ones_does_not_count_for_or_against(answer: Answer, *, found: bool) -> None:
    assert has_both(BOTH, answer) is found


def test_the_candidates_of_an_inconclusive_answer_are_its_ranking() -> None:
    score = score_of([(REDIS, UNSURE)])

    assert score.first == Proportion(hits=0, of=1)
    assert score.first_three == Proportion(hits=1, of=1)


def test_the_fourth_in_the_ranking_comes_too_late() -> None:
    answer = named("b/one", "b/two", "b/three", "a/redis")

    assert score_of([(REDIS, answer)]).first_three == Proportion(hits=0, of=1)


def test_a_healthy_project_called_inconclusive_is_no_false_alarm_but_the_wrong_status() -> None:
    score = score_of([(HEALTHY, UNSURE), (HEALTHY, QUIET)])

    assert score.false_alarms == Proportion(hits=0, of=2)
    assert score.status == Proportion(hits=1, of=2)


def test_a_name_for_a_cause_outside_the_catalogue_is_wrong_whatever_it_is() -> None:
    score = score_of([(OUTSIDE, named("a/redis")), (OUTSIDE, UNSURE)])

    assert score.abstained == Proportion(hits=1, of=2)
    assert score.right_when_named == Proportion(hits=0, of=1)
    assert score.named.of == 0


def test_silence_costs_coverage_and_not_accuracy() -> None:
    score = score_of([(REDIS, named("a/redis")), (REDIS, UNSURE)])

    assert score.named == Proportion(hits=1, of=2)
    assert score.right_when_named == Proportion(hits=1, of=1)


def test_only_the_first_name_can_be_a_known_mistake() -> None:
    score = score_of([(REDIS, named("a/code")), (REDIS, named("a/redis", "a/code")), (HEALTHY, QUIET)])

    assert score.mistaken == Proportion(hits=1, of=3)


def test_every_named_cause_is_a_claim() -> None:
    assert claims_of(REDIS, named("a/redis", "a/code", "a/dns")) == [(0.9, True), (0.9, False), (0.9, True)]


@pytest.mark.parametrize(
    "label, answer, fault",
    [
        (REDIS, named("a/redis"), ""),
        (REDIS, named("a/memory"), "another cause named"),
        (REDIS, named("a/code"), "named although it is ruled out"),
        (REDIS, QUIET, "no cause named: healthy"),
        (BOTH, named("a/redis"), "only one of two causes"),
        (HEALTHY, QUIET, ""),
        (HEALTHY, UNSURE, "healthy, called inconclusive"),
        (HEALTHY, named("a/redis"), "false alarm"),
        (OUTSIDE, UNSURE, ""),
        (OUTSIDE, QUIET, "incident, called healthy"),
        (OUTSIDE, named("a/redis"), "outside the catalogue, yet a cause named"),
    ],
)
def test_a_fault_is_told_in_a_few_words(label: Label, answer: Answer, fault: str) -> None:
    assert fault_of(label, answer) == fault
