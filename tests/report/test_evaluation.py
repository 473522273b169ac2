"""An evaluation as text of 80 columns, and as JSON."""

from __future__ import annotations

import json

import pytest

from gcpdiag.diagnose.baseline import BASELINES
from gcpdiag.diagnose.citation import Citations
from gcpdiag.diagnose.evaluation import Ablated, Evaluation, Trial, determinism_of, evaluate_trials
from gcpdiag.diagnose.label import Label
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.diagnose.score import Answer
from gcpdiag.report.evaluation import MEASURES, render_evaluation
from gcpdiag.report.evaluation_json import render_evaluation_json

CAUSE = "database-connections/server-connection-limit"
OTHER = "database-connections/client-pool-exhausted"


def trial(name: str, answer: Answer) -> Trial:
    without = Ablated(answer=Answer(status="inconclusive"), gap_named=True)
    return Trial(
        name=name,
        label=Label(status="incident", causes=[CAUSE], unlike=[OTHER]),
        answer=answer,
        baselines=dict.fromkeys(BASELINES, answer),
        citations=Citations(true=Proportion(hits=1, of=1)),
        ablated={"compute.network_endpoint_groups": without},
    )


@pytest.fixture
def evaluation() -> Evaluation:
    right = Answer(status="incident", named=((CAUSE, 0.97),))
    wrong = Answer(status="incident", named=((OTHER, 0.61),))
    trials = [trial("bundles/right", right), trial("bundles/wr\x1b[31mong", wrong)]
    return evaluate_trials(trials, determinism=determinism_of({"bundles/right": "1"}, [{"bundles/right": "1"}]))


def test_the_text_fits_into_80_columns(evaluation: Evaluation) -> None:
    shown = render_evaluation(evaluation, width=80, color=False)

    assert max(map(len, shown.splitlines())) <= 80


def test_every_measure_stands_beside_its_counts_its_interval_and_the_baselines(evaluation: Evaluation) -> None:
    rows = render_evaluation(evaluation, width=80, color=False).splitlines()

    for title in MEASURES.values():
        assert any(title in row for row in rows)
    first = next(row for row in rows if MEASURES["first"] in row)
    assert first.split()[-6:] == ["50.0", "1/2", "9–91", "50.0", "50.0", "50.0"]


def test_what_went_wrong_is_told_with_expected_and_found(evaluation: Evaluation) -> None:
    shown = render_evaluation(evaluation, width=80, color=False)

    assert "named although it is ruled out" in shown
    assert f"expected {CAUSE}" in shown
    assert f"found    {OTHER} 61%" in shown


def test_a_name_from_the_file_system_cannot_paint_the_terminal(evaluation: Evaluation) -> None:
    assert "\x1b" not in render_evaluation(evaluation, width=80, color=False)


def test_the_json_has_every_share_with_counts_and_interval(evaluation: Evaluation) -> None:
    told = json.loads(render_evaluation_json(evaluation))

    assert told["schema"] == "gcpdiag.evaluation/v1"
    assert told["measures"]["first"] == {"share": 0.5, "hits": 1, "of": 2, "low": 0.0945, "high": 0.9055}
    assert told["baselines"].keys() == set(BASELINES)
    assert told["missing_sources"][0]["loss"] == 0.5
    assert told["determinism"]["same"]["share"] == 1.0
    assert [one["fault"] for one in told["trials"]] == [None, "named although it is ruled out"]


def test_an_evaluation_without_extras_has_no_such_sections() -> None:
    shown = render_evaluation(evaluate_trials([]), width=80, color=False)

    assert "A SOURCE MISSING" not in shown
    assert "DETERMINISM" not in shown
