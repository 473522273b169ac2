"""Answers held against labels, and what counts as what.

*Right* is a root cause that is one of the label's ``causes`` or stands in ``accept``: what a label accepts is never an
error, wherever it is named. *Contributing* causes, *warnings* and what was ruled out are not scored at all: a root
cause that is told as an effect of another was not found, and a warning about a healthy project is no alarm.

Each measure is a share of the bundles for which it has a meaning:

- ``first``: of bundles labelled as incidents, those whose first-named root cause is right (AC@1).
- ``first_three``: of the same, those with a right one among the first three of the ranking (AC@3): the root causes in
  order, or of an inconclusive answer the candidates that it lists as likeliest.
- ``both``: of incidents with two or more causes, those whose first two root causes, after leaving out what is merely
  accepted, are two of them. An accepted cause does not stand in for a true one.
- ``false_alarms``: of healthy bundles, those called an incident. (A healthy one called inconclusive went wrong as well,
  and is listed, but it names nothing.)
- ``abstained``: of bundles labelled inconclusive (a cause outside the catalogue), those answered as inconclusive, that
  is without a name.
- ``named``: of bundles labelled as incidents, those in which a root cause is named at all (coverage).
- ``right_when_named``: of all bundles in which a root cause is named, whatever their label, those whose first one is
  right.
- ``mistaken``: of all bundles, those whose first-named root cause is one that the label rules out (``not``).
- ``status``: of all bundles, those whose status is the label's.

Calibration takes every root cause that is named, first or not, with its confidence, and whether it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gcpdiag.diagnose.label import Label
from gcpdiag.diagnose.proportion import Proportion, proportion_of
from gcpdiag.diagnose.reliability import Claim
from gcpdiag.model.diagnosis import Diagnosis, Status

_TWO, _THREE = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of one bundle: root causes with their confidence, and the ranking of an inconclusive answer."""

    status: Status
    named: tuple[tuple[str, float], ...] = ()
    candidates: tuple[str, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """The ids of the root causes, in their order."""
        return tuple(cause for cause, _ in self.named)

    @property
    def first(self) -> str:
        """The id of the first root cause, or an empty text."""
        return self.causes[0] if self.named else ""

    @property
    def ranking(self) -> tuple[str, ...]:
        """The root causes, or the candidates where none is named."""
        return self.causes or self.candidates


Judged: TypeAlias = tuple[Label, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Every measure over some bundles; the module says what each is a share of."""

    first: Proportion
    first_three: Proportion
    both: Proportion
    false_alarms: Proportion
    abstained: Proportion
    named: Proportion
    right_when_named: Proportion
    mistaken: Proportion
    status: Proportion


def answer_of(diagnosis: Diagnosis) -> Answer:
    """Return what a diagnosis says, as far as it is scored."""
    return Answer(
        status=diagnosis.status,
        named=tuple((one.id, one.confidence) for one in diagnosis.root_causes),
        candidates=tuple(one.id for one in diagnosis.candidates),
    )


def score_of(judged: Sequence[Judged]) -> Score:
    """Return the measures over these bundles."""
    incidents, healthy, outside = (
        [(label, answer) for label, answer in judged if label.status == status]
        for status in ("incident", "healthy", "inconclusive")
    )
    return Score(
        first=proportion_of(is_right(label, answer) for label, answer in incidents),
        first_three=proportion_of(
            any(label.allows(one) for one in answer.ranking[:_THREE]) for label, answer in incidents
        ),
        both=proportion_of(has_both(label, answer) for label, answer in incidents if len(label.causes) >= _TWO),
        false_alarms=proportion_of(answer.status == "incident" for _, answer in healthy),
        abstained=proportion_of(answer.status == "inconclusive" for _, answer in outside),
        named=proportion_of(bool(answer.named) for _, answer in incidents),
        right_when_named=proportion_of(is_right(label, answer) for label, answer in judged if answer.named),
        mistaken=proportion_of(answer.first in label.unlike for label, answer in judged),
        status=proportion_of(answer.status == label.status for label, answer in judged),
    )


def is_right(label: Label, answer: Answer) -> bool:
    """Tell whether the first-named root cause is right."""
    return bool(answer.named) and label.allows(answer.first)


def has_both(label: Label, answer: Answer) -> bool:
    """Tell whether two true causes are the first two named, leaving out what is merely accepted."""
    counted = [one for one in answer.causes if one in label.causes or one not in label.accept]
    return len(set(counted[:_TWO]) & set(label.causes)) == _TWO


def claims_of(label: Label, answer: Answer) -> list[Claim]:
    """Return every root cause that an answer names: its confidence, and whether it is right."""
    return [(confidence, label.allows(cause)) for cause, confidence in answer.named]


def fault_of(label: Label, answer: Answer) -> str:
    """Return what is wrong with an answer, in a few words, or an empty text."""
    if label.status != "incident":
        return "" if answer.status == label.status else _wrong_status(label, answer)
    if not answer.named:
        return f"no cause named: {answer.status}"
    if not is_right(label, answer):
        return "named although it is ruled out" if answer.first in label.unlike else "another cause named"
    if len(label.causes) >= _TWO and not has_both(label, answer):
        return "only one of two causes"
    return ""


def _wrong_status(label: Label, answer: Answer) -> str:
    if label.status == "healthy":
        return "false alarm" if answer.status == "incident" else "healthy, called inconclusive"
    return "outside the catalogue, yet a cause named" if answer.named else f"incident, called {answer.status}"
