"""The baselines: simple on purpose, and deterministic."""

from __future__ import annotations

import pytest

from gcpdiag.bundle.read import bundle_of
from gcpdiag.diagnose.baseline import Baseline, baseline_answers
from gcpdiag.diagnose.score import Answer
from gcpdiag.playbook.format import PRIOR
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root
from gcpdiag.signals.observation import observe
from tests.diagnose.labelled import quiet, redis_down
from tests.making import SERIES, jsonl, series

CPU = "run.googleapis.com/container/cpu/utilizations"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def answers(files: dict[str, bytes], library: Library) -> dict[Baseline, Answer]:
    return baseline_answers(observe(bundle_of(files), library.catalogue), library)


def test_the_prior_says_the_same_of_every_project(library: Library) -> None:
    assert answers(quiet(), library)["prior"] == answers(redis_down(), library)["prior"]


def test_the_prior_names_a_most_common_cause_first(library: Library) -> None:
    first = answers(quiet(), library)["prior"].first

    assert library.playbooks[first].prior == max(PRIOR, key=lambda one: PRIOR[one])


def test_votes_go_to_the_cause_with_most_findings(library: Library) -> None:
    assert "dependency-unreachable/redis" in answers(redis_down(), library)["votes"].causes[:3]


def test_without_any_shift_no_cause_is_named(library: Library) -> None:
    assert answers(quiet(), library)["shift"] == Answer(status="healthy")


def test_the_metric_that_moved_furthest_names_the_causes_that_expect_it(library: Library) -> None:
    cpu = series(CPU, {minute: 0.3 if minute < 30 else 0.99 for minute in range(60)})

    found = answers({**quiet(), SERIES: jsonl(cpu)}, library)["shift"]

    assert "resource-exhaustion/cpu-saturation" in found.causes
    assert "resource-exhaustion/memory-limit" not in found.causes
