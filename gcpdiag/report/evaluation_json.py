"""An evaluation for other programs, schema ``gcpdiag.evaluation/v1``; every share has its counts and interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields

from gcpdiag.diagnose.evaluation import Confusion, Determinism, Evaluation, Loss, Trial
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.diagnose.reliability import Bin, Reliability
from gcpdiag.diagnose.score import Answer, Score
from gcpdiag.model.json import Json, JsonObject

SCHEMA = "gcpdiag.evaluation/v1"
_DIGITS = 4


def render_evaluation_json(evaluation: Evaluation) -> str:
    """Return the document, indented by two, with a newline at its end."""
    return json.dumps(_document(evaluation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _document(evaluation: Evaluation) -> JsonObject:
    return {
        "schema": SCHEMA,
        "bundles": {
            "all": len(evaluation.trials),
            "incident": evaluation.labelled("incident"),
            "healthy": evaluation.labelled("healthy"),
            "inconclusive": evaluation.labelled("inconclusive"),
        },
        "measures": _score(evaluation.score),
        "baselines": {name: _score(score) for name, score in evaluation.baselines.items()},
        "calibration": _reliability(evaluation.reliability),
        "citations": _share(evaluation.citations),
        "calibration_without_a_source": _reliability(evaluation.reliability_without),
        "missing_sources": [_loss(one) for one in evaluation.losses],
        "determinism": _determinism(evaluation.determinism),
        "causes": [_confusion(one) for one in evaluation.confusions],
        "trials": [_trial(one) for one in evaluation.trials],
    }


def _score(score: Score) -> JsonObject:
    return {one.name: _share(getattr(score, one.name)) for one in fields(score)}


def _share(proportion: Proportion) -> JsonObject:
    low, high = proportion.interval
    return {
        "share": _rounded(proportion.share),
        "hits": proportion.hits,
        "of": proportion.of,
        "low": _rounded(low),
        "high": _rounded(high),
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, _DIGITS)


def _reliability(reliability: Reliability) -> JsonObject:
    return {
        "named": reliability.claims,
        "brier": _rounded(reliability.brier),
        "expected_error": _rounded(reliability.expected_error),
        "bins": [_bin(one) for one in reliability.bins],
    }


def _bin(one: Bin) -> JsonObject:
    return {"from": one.low, "to": one.high, "mean": _rounded(one.mean), "true": _share(one.true)}


def _loss(loss: Loss) -> JsonObject:
    return {
        "source": loss.source,
        "whole": _share(loss.whole),
        "without": _share(loss.without),
        "loss": _rounded(loss.points),
        "wrong": _share(loss.wrong),
        "gap_named": _share(loss.gap_named),
    }


def _determinism(determinism: Determinism | None) -> JsonObject | None:
    if determinism is None:
        return None
    return {
        "runs": determinism.runs,
        "same": _share(determinism.same),
        "differing": _texts(determinism.differing),
    }


def _confusion(one: Confusion) -> JsonObject:
    return {
        "cause": one.cause,
        "first": _share(one.first),
        "named": _share(one.named),
        "instead": dict(one.instead),
    }


def _trial(trial: Trial) -> JsonObject:
    return {
        "bundle": trial.name,
        "fault": trial.fault or None,
        "expected": {
            "status": trial.label.status,
            "causes": _texts(trial.label.causes),
            "accept": _texts(trial.label.accept),
            "not": _texts(trial.label.unlike),
        },
        "found": _answer(trial.answer),
        "without": {source: _answer(one.answer) for source, one in trial.ablated.items()},
        "broken_citations": _texts(trial.citations.broken),
    }


def _answer(answer: Answer) -> JsonObject:
    return {
        "status": answer.status,
        "root_causes": [{"id": cause, "confidence": confidence} for cause, confidence in answer.named],
        "candidates": _texts(answer.candidates),
    }


def _texts(texts: Sequence[str]) -> list[Json]:
    return list(texts)
