"""Labelled bundles diagnosed, and everything that can be counted about the answers.

A trial is one bundle: its label, what was said of it, what the baselines say, what is said when a source is missing,
and whether the cited records exist. An evaluation is the count over all trials; ``score.py`` says what counts as what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gcpdiag.bundle.format import SOURCES
from gcpdiag.bundle.read import bundle_of, load_bundle
from gcpdiag.diagnose.ablation import in_memory, sources_in, without_source
from gcpdiag.diagnose.baseline import BASELINES, Baseline, baseline_answers
from gcpdiag.diagnose.citation import Citations, check_citations
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.diagnose.label import Label, label_of
from gcpdiag.diagnose.proportion import Proportion, proportion_of
from gcpdiag.diagnose.reliability import Reliability, reliability_of
from gcpdiag.diagnose.score import Answer, Score, answer_of, claims_of, fault_of, is_right, score_of
from gcpdiag.playbook.load import Library
from gcpdiag.signals.observation import observe

OUTSIDE = "outside the catalogue"
HEALTHY = "healthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """What is said of a bundle without one source, and whether the gap is told with the permission that it takes."""

    answer: Answer
    gap_named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One labelled bundle, diagnosed."""

    name: str
    label: Label
    answer: Answer
    baselines: Mapping[Baseline, Answer]
    citations: Citations
    ablated: Mapping[str, Ablated] = field(default_factory=dict)

    @property
    def fault(self) -> str:
        """What is wrong with the answer, or an empty text."""
        return fault_of(self.label, self.answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What one missing source costs, over the incidents that have it (see ``score.py`` for ``right`` and ``named``).

    ``wrong`` are those in which another cause is named without it; ``gap_named`` is of all bundles that have it.
    """

    source: str
    whole: Proportion
    without: Proportion
    wrong: Proportion
    gap_named: Proportion

    @property
    def points(self) -> float:
        """By how much the share of right answers falls; negative where it rises."""
        return (self.whole.share or 0.0) - (self.without.share or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """The bundles with one true cause (one with two causes counts for each), and what was named first instead."""

    cause: str
    first: Proportion
    named: Proportion
    instead: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Determinism:
    """Runs in another order and with another hash seed, of all bundles; ``differing`` gave other bytes in some run."""

    runs: int
    same: Proportion
    differing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Everything that is counted over some trials."""

    trials: tuple[Trial, ...]
    score: Score
    baselines: Mapping[Baseline, Score]
    reliability: Reliability
    reliability_without: Reliability
    """Of the causes that are named with a source missing."""
    citations: Proportion
    losses: tuple[Loss, ...]
    confusions: tuple[Confusion, ...]
    determinism: Determinism | None = None

    @property
    def faulty(self) -> tuple[Trial, ...]:
        """The bundles that went wrong."""
        return tuple(one for one in self.trials if one.fault)

    def labelled(self, status: str) -> int:
        """Return how many bundles have a status in their label."""
        return sum(one.label.status == status for one in self.trials)


def try_bundle(path: Path, library: Library, *, ablate: bool = False) -> Trial:
    """Diagnose a labelled bundle; with ``ablate`` also without each of its sources in turn."""
    bundle = load_bundle(path)
    label = label_of(bundle, path)
    files = in_memory(bundle)
    diagnosis = diagnose(bundle_of(files), library)
    return Trial(
        name=path.as_posix(),
        label=label,
        answer=answer_of(diagnosis),
        baselines=baseline_answers(observe(bundle_of(files), library.catalogue), library),
        citations=check_citations(diagnosis, bundle_of(files)),
        ablated={one: _ablated(files, one, library) for one in sources_in(bundle)} if ablate else {},
    )


def _ablated(files: dict[str, bytes], source: str, library: Library) -> Ablated:
    diagnosis = diagnose(without_source(files, source), library)
    permission = SOURCES[source].permission
    named = any(gap.source == source and gap.permission == permission for gap in diagnosis.gaps)
    return Ablated(answer=answer_of(diagnosis), gap_named=named)


def evaluate_trials(trials: Iterable[Trial], *, determinism: Determinism | None = None) -> Evaluation:
    """Return the evaluation of these trials, whatever their order."""
    ordered = tuple(sorted(trials, key=lambda one: one.name))
    return Evaluation(
        trials=ordered,
        score=score_of([(one.label, one.answer) for one in ordered]),
        baselines={name: score_of([(one.label, one.baselines[name]) for one in ordered]) for name in BASELINES},
        reliability=reliability_of([claim for one in ordered for claim in claims_of(one.label, one.answer)]),
        reliability_without=reliability_of(
            [claim for one in ordered for less in one.ablated.values() for claim in claims_of(one.label, less.answer)]
        ),
        citations=_citations(ordered),
        losses=tuple(_loss(source, ordered) for source in SOURCES if any(source in one.ablated for one in ordered)),
        confusions=_confusions(ordered),
        determinism=determinism,
    )


def determinism_of(reference: Mapping[str, str], runs: Sequence[Mapping[str, str]]) -> Determinism:
    """Return which bundles have the reference's fingerprint in every run."""
    differing = tuple(sorted(name for name, told in reference.items() if any(run.get(name) != told for run in runs)))
    same = Proportion(hits=len(reference) - len(differing), of=len(reference))
    return Determinism(runs=len(runs), same=same, differing=differing)


def _citations(trials: Sequence[Trial]) -> Proportion:
    return Proportion(
        hits=sum(one.citations.true.hits for one in trials), of=sum(one.citations.true.of for one in trials)
    )


def _loss(source: str, trials: Sequence[Trial]) -> Loss:
    having = [one for one in trials if source in one.ablated]
    incidents = [one for one in having if one.label.status == "incident"]
    without = [(one.label, one.ablated[source].answer) for one in incidents]
    return Loss(
        source=source,
        whole=proportion_of(is_right(one.label, one.answer) for one in incidents),
        without=proportion_of(is_right(label, answer) for label, answer in without),
        wrong=proportion_of(bool(answer.named) and not is_right(label, answer) for label, answer in without),
        gap_named=proportion_of(one.ablated[source].gap_named for one in having),
    )


def _confusions(trials: Sequence[Trial]) -> tuple[Confusion, ...]:
    by_cause: dict[str, list[Trial]] = {}
    for one in trials:
        for cause in _subjects(one.label):
            by_cause.setdefault(cause, []).append(one)
    order = sorted(by_cause, key=lambda one: (one in {HEALTHY, OUTSIDE}, one))
    return tuple(_confusion(cause, by_cause[cause]) for cause in order)


def _subjects(label: Label) -> list[str]:
    if label.status == "healthy":
        return [HEALTHY]
    return label.causes if label.status == "incident" else [OUTSIDE]


def _confusion(cause: str, trials: Sequence[Trial]) -> Confusion:
    """Count what came first instead of the cause; another true or accepted cause of the same bundle is no confusion."""
    if cause in {HEALTHY, OUTSIDE}:
        right = [one.answer.status == one.label.status for one in trials]
        named = right
    else:
        right = [is_right(one.label, one.answer) for one in trials]
        named = [cause in one.answer.causes for one in trials]
    instead = Counter(
        one.answer.first or one.answer.status for one, is_true in zip(trials, right, strict=True) if not is_true
    )
    return Confusion(
        cause=cause,
        first=proportion_of(right),
        named=proportion_of(named),
        instead=tuple(sorted(instead.items(), key=lambda one: (-one[1], one[0]))),
    )
