"""Three simple ways to answer, so that a measure of the real one means something.

All see what the engine sees, and none knows about health, time, leaks, groups of services or effects:

- ``prior``: the causes that are most common by their playbooks, whatever the bundle says; of equals, by id.
- ``votes``: the causes of which most findings are present anywhere in the project; silent where none is.
- ``shift``: the causes that expect a change of the metric that moved furthest, from the first third of the window to
  the last, in robust standard deviations; silent where none moved by three.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from gcpdiag.diagnose.group import group_findings
from gcpdiag.diagnose.score import Answer
from gcpdiag.model.finding import Present
from gcpdiag.playbook.format import PRIOR
from gcpdiag.playbook.load import Library
from gcpdiag.signals.definition import MetricSignal
from gcpdiag.signals.metric import robust_score
from gcpdiag.signals.observation import Observation

Baseline: TypeAlias = Literal["prior", "votes", "shift"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)

_FURTHEST = 3.0  # robust standard deviations
_LEAST_POINTS = 9


def baseline_answers(seen: Observation, library: Library) -> dict[Baseline, Answer]:
    """Return what each baseline says of a project."""
    priors = {one.id: PRIOR[one.prior] for one in library.playbooks.values()}
    return {
        "prior": _answer(priors),
        "votes": _answer(_votes(seen, library)),
        "shift": _answer(_shifts(seen, library)),
    }


def _answer(strengths: Mapping[str, float]) -> Answer:
    """Return all causes in order, with their share of the whole for confidence; healthy where there is none."""
    ordered = sorted(strengths.items(), key=lambda one: (-one[1], one[0]))
    total = sum(strengths.values())
    named = tuple((cause, strength / total) for cause, strength in ordered)
    return Answer(status="incident" if named else "healthy", named=named)


def _votes(seen: Observation, library: Library) -> dict[str, float]:
    if not seen.states:
        return {}
    findings = group_findings(tuple(sorted(seen.states)), seen)
    present = {signal for signal, finding in findings.items() if isinstance(finding, Present)}
    counts = {
        one.id: float(sum(finding.signal in present for finding in one.findings)) for one in library.playbooks.values()
    }
    return {cause: count for cause, count in counts.items() if count}


def _shifts(seen: Observation, library: Library) -> dict[str, float]:
    moved = {
        signal: _furthest(definition, seen)
        for signal, definition in library.catalogue.definitions.items()
        if isinstance(definition, MetricSignal)
    }
    largest = {
        one.id: max((moved.get(finding.signal, 0.0) for finding in one.findings), default=0.0)
        for one in library.playbooks.values()
    }
    return {cause: shift for cause, shift in largest.items() if shift >= _FURTHEST}


def _furthest(definition: MetricSignal, seen: Observation) -> float:
    """Return the largest shift of a signal's metric at any resource."""
    resources = sorted(name for metric, name in seen.series.series if metric == definition.metric)
    return max((_shift(definition, one, seen) for one in resources), default=0.0)


def _shift(definition: MetricSignal, resource: str, seen: Observation) -> float:
    minutes = seen.series.values(
        definition.metric,
        resource,
        labels=definition.labels,
        quantile=definition.quantile,
        combine=definition.combine,
    )
    start, end = seen.window.start.timestamp() / 60, seen.window.end.timestamp() / 60
    values = [value for minute, value in sorted(minutes.items()) if start <= minute <= end]
    if len(values) < _LEAST_POINTS:
        return 0.0
    third = len(values) // 3
    return abs(robust_score(values[-third:], values[:third]))
