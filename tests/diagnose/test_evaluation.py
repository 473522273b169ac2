"""Trials of labelled bundles, and what is counted over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gcpdiag.diagnose.baseline import BASELINES
from gcpdiag.diagnose.citation import Citations
from gcpdiag.diagnose.evaluation import (
    HEALTHY,
    OUTSIDE,
    Ablated,
    Trial,
    determinism_of,
    evaluate_trials,
    try_bundle,
)
from gcpdiag.diagnose.label import Label
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.diagnose.score import Answer
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root
from tests.diagnose.labelled import REDIS_DOWN, redis_down, written

REDIS = Label(status="incident", causes=["a/redis"])
SILENT = Answer(status="inconclusive")


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def named(*causes: str) -> Answer:
    return Answer(status="incident", named=tuple((cause, 0.9) for cause in causes))


def trial(name: str, label: Label, answer: Answer, ablated: Mapping[str, Ablated] | None = None) -> Trial:
    return Trial(
        name=name,
        label=label,
        answer=answer,
        baselines=dict.fromkeys(BASELINES, SILENT),
        citations=Citations(true=Proportion(hits=2, of=3), broken=("x: gone",)),
        ablated=ablated or {},
    )


def test_a_bundle_is_tried_whole_and_without_each_source(tmp_path: Path, library: Library) -> None:
    path = written(tmp_path / "one", redis_down(), REDIS_DOWN)

    found = try_bundle(path, library, ablate=True)

    assert found.fault == ""
    assert found.ablated.keys() == {"run.services", "logging.entries"}
    assert all(one.gap_named for one in found.ablated.values())
    assert found.ablated["logging.entries"].answer.named == ()


def test_the_label_is_never_seen_by_the_diagnosis(tmp_path: Path, library: Library) -> None:
    path = written(tmp_path / "one", redis_down(), {"status": "incident", "causes": ["platform/quota"]})

    assert try_bundle(path, library).answer.first == "dependency-unreachable/redis"


def test_the_loss_is_counted_over_the_incidents_that_have_the_source() -> None:
    ablated = Ablated(answer=SILENT, gap_named=True)
    wrong = Ablated(answer=named("a/dns"), gap_named=False)
    trials = [
        trial("1", REDIS, named("a/redis"), {"run.services": ablated}),
        trial("2", REDIS, named("a/redis"), {"run.services": wrong}),
        trial("3", REDIS, named("a/redis")),
        trial("4", Label(status="healthy"), Answer(status="healthy"), {"run.services": ablated}),
    ]

    (loss,) = evaluate_trials(trials).losses

    assert (loss.whole, loss.without) == (Proportion(hits=2, of=2), Proportion(hits=0, of=2))
    assert loss.points == 1.0
    assert loss.wrong == Proportion(hits=1, of=2)
    assert loss.gap_named == Proportion(hits=2, of=3)


def test_confidence_without_a_source_is_judged_apart() -> None:
    ablated = {"run.services": Ablated(answer=named("a/dns"), gap_named=True)}

    found = evaluate_trials([trial("1", REDIS, named("a/redis"), ablated)])

    assert found.reliability.bins[-1].true == Proportion(hits=1, of=1)
    assert found.reliability_without.bins[-1].true == Proportion(hits=0, of=1)


def test_confusions_tell_what_came_first_instead() -> None:
    trials = [
        trial("1", REDIS, named("a/redis")),
        trial("2", REDIS, named("a/dns")),
        trial("3", REDIS, named("a/dns", "a/redis")),
        trial("4", REDIS, SILENT),
        trial("5", Label(status="healthy"), named("a/dns")),
        trial("6", Label(status="inconclusive"), SILENT),
    ]

    redis, healthy, outside = evaluate_trials(trials).confusions

    assert (redis.cause, healthy.cause, outside.cause) == ("a/redis", HEALTHY, OUTSIDE)
    assert redis.first == Proportion(hits=1, of=4)
    assert redis.named == Proportion(hits=2, of=4)
    assert redis.instead == (("a/dns", 2), ("inconclusive", 1))
    assert healthy.instead == (("a/dns", 1),)
    assert outside.instead == ()


def test_a_bundle_with_two_causes_stands_in_both_rows() -> None:
    both = Label(status="incident", causes=["a/redis", "a/memory"])

    rows = evaluate_trials([trial("1", both, named("a/redis"))]).confusions

    assert [(one.cause, one.named.hits) for one in rows] == [("a/memory", 0), ("a/redis", 1)]
    assert all(one.first.hits == 1 for one in rows)


def test_the_order_of_trials_makes_no_difference() -> None:
    trials = [trial(str(number), REDIS, named("a/redis")) for number in range(4)]

    assert evaluate_trials(trials) == evaluate_trials(trials[::-1])


def test_citations_are_counted_over_all_trials() -> None:
    found = evaluate_trials([trial("1", REDIS, SILENT), trial("2", REDIS, SILENT)])

    assert found.citations == Proportion(hits=4, of=6)


def test_a_bundle_that_differs_in_one_run_or_is_missing_from_it_is_told() -> None:
    reference = {"a": "1", "b": "2", "c": "3"}

    found = determinism_of(reference, [dict(reference), {"a": "1", "b": "9"}])

    assert found.runs == 2
    assert found.differing == ("b", "c")
    assert found.same == Proportion(hits=1, of=3)
