"""Ranking: a leaky noisy-OR over sets of at most two causes, enumerated exactly.

For a set of causes ``S`` a finding is present with ``1 − (1 − leak) · ∏ (1 − q)`` over its causes; unknown findings
drop out. What a finding says for a set is the ratio of its likelihood under the set to that under no cause at all,
tempered by the finding's strength. Findings of one group are different looks of the same thing: the second counts
half, the third a quarter, and while one of them is present the absence of the others says nothing (of a cause-specific
one, while another cause-specific one is).
All in decibans (ten times the decimal logarithm of a ratio), so that a reader can redo the sum.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from gcpdiag.model.finding import Absent, Finding, Present, Unknown
from gcpdiag.playbook.format import PRIOR, PROBABILITY, Playbook

_DAMPING = 0.5
_MAX_SET = 2
Hypothesis = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Posterior probabilities: of every set of causes, and of every cause."""

    hypotheses: Mapping[Hypothesis, float]
    causes: Mapping[str, float]

    @property
    def best(self) -> Hypothesis:
        """The most likely set; the empty one stands for anything outside the catalogue."""
        return max(self.hypotheses, key=lambda one: (self.hypotheses[one], one))

    def best_with(self, cause: str) -> Hypothesis:
        """Return the most likely set that has the cause in it."""
        return max((one for one in self.hypotheses if cause in one), key=lambda one: (self.hypotheses[one], one))


class Ranker:
    """Weighs findings for a fixed list of playbooks; ``leaks`` are by signal."""

    def __init__(self, playbooks: Sequence[Playbook], leaks: Mapping[str, float]) -> None:
        self._leaks = leaks
        self._priors = {one.id: PRIOR[one.prior] for one in playbooks}
        self._likelihoods = {
            one.id: {finding.signal: PROBABILITY[finding.likelihood] for finding in one.findings} for one in playbooks
        }
        self._groups = {
            one.id: {finding.signal: finding.group for finding in one.findings if finding.group} for one in playbooks
        }
        self._specific = {one.id: {finding.signal for finding in one.findings if finding.specific} for one in playbooks}

    def rank(self, findings: Mapping[str, Finding]) -> Ranking:
        """Return the posterior over all sets of at most two causes."""
        ids = sorted(self._priors)
        sets: list[Hypothesis] = [hypothesis for size in range(_MAX_SET + 1) for hypothesis in combinations(ids, size)]
        scores = {one: self._score(one, findings) for one in sets}
        top = max(scores.values())
        weights = {one: 10 ** ((score - top) / 10) for one, score in scores.items()}
        total = sum(weights.values())
        hypotheses = {one: weight / total for one, weight in weights.items()}
        causes = {cause: sum(share for one, share in hypotheses.items() if cause in one) for cause in ids}
        return Ranking(hypotheses=hypotheses, causes=causes)

    def weights(
        self, hypothesis: Hypothesis, findings: Mapping[str, Finding], *, without: Hypothesis = ()
    ) -> dict[str, float]:
        """Return what each finding says for a set rather than for a smaller one, in decibans by signal."""
        raw = {
            signal: self._decibans(signal, findings[signal], hypothesis)
            - self._decibans(signal, findings[signal], without)
            for signal in sorted({signal for cause in hypothesis for signal in self._likelihoods[cause]})
            if signal in findings and not isinstance(findings[signal], Unknown)
        }
        return self._damped(raw, hypothesis)

    def prior(self, cause: str) -> float:
        """Return the prior odds of a cause against its absence, in decibans."""
        return _decibans(self._priors[cause] / (1 - self._priors[cause]))

    def _score(self, hypothesis: Hypothesis, findings: Mapping[str, Finding]) -> float:
        prior = sum(self.prior(cause) for cause in hypothesis)
        return prior + sum(self.weights(hypothesis, findings).values())

    def _decibans(self, signal: str, finding: Finding, hypothesis: Hypothesis) -> float:
        leak = self._leaks[signal]
        missed = 1 - leak
        for cause in hypothesis:
            missed *= 1 - self._likelihoods[cause].get(signal, 0.0)
        match finding:
            case Present(strength=strength):
                return strength * _decibans((1 - missed) / leak)
            case Absent():
                return _decibans(missed / (1 - leak))
            case Unknown():
                return 0.0

    def _groups_in(self, hypothesis: Hypothesis) -> dict[str, str]:
        """Return the group of each signal; groups of two causes that share one are merged, or it would count twice."""
        merged: dict[str, str] = {}
        for cause in hypothesis:
            for signal, group in self._groups[cause].items():
                label = f"{cause} {group}"
                before = merged.setdefault(signal, label)
                if before != label:
                    merged = {one: label if known == before else known for one, known in merged.items()}
        return merged

    def _damped(self, weights: Mapping[str, float], hypothesis: Hypothesis) -> dict[str, float]:
        """Take the findings of a group together: the strongest counts whole, the next half, for and against apart."""
        groups = self._groups_in(hypothesis)
        present = {signal for signal, weight in weights.items() if weight > 0}
        seen: dict[tuple[str, bool], int] = {}
        damped: dict[str, float] = {}
        for signal, weight in sorted(weights.items(), key=lambda one: (-abs(one[1]), one[0])):
            if weight < 0 and self._excused(signal, hypothesis, present):
                damped[signal] = 0.0
                continue
            place = (groups.get(signal, signal), weight > 0)
            damped[signal] = weight * _DAMPING ** seen.get(place, 0)
            seen[place] = seen.get(place, 0) + 1
        return damped

    def _excused(self, signal: str, hypothesis: Hypothesis, present: Collection[str]) -> bool:
        """Tell whether every cause that expects the signal shows another look of the same thing instead."""
        expecting = [cause for cause in hypothesis if signal in self._likelihoods[cause]]
        return all(self._shows_alike(signal, cause, present) for cause in expecting)

    def _shows_alike(self, signal: str, cause: str, present: Collection[str]) -> bool:
        """Tell whether another of the signal's group is present; only a cause-specific one stands in for its like."""
        groups, specific = self._groups[cause], self._specific[cause]
        group = groups.get(signal)
        alike = [one for one, other in groups.items() if group is not None and other == group and one in present]
        return any(signal not in specific or one in specific for one in alike)


def _decibans(ratio: float) -> float:
    return 10 * math.log10(max(ratio, 1e-9))
