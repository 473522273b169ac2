"""How often signals are really there: with a cause, without it, and where nothing is wrong.

Likelihoods are counted over the bundles whose label has the cause, among those in which the signal could be looked for
at all, at all failing services taken together. Leaks are counted over the services of healthy bundles; beside them
stands how often a signal fires in incidents whose label has none of the causes that expect it, which is no leak (it may
be an effect of theirs) but tells how much a signal says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gcpdiag.diagnose.group import group_findings
from gcpdiag.diagnose.label import Label
from gcpdiag.diagnose.proportion import Proportion, proportion_of
from gcpdiag.model.finding import Finding, Present, Unknown
from gcpdiag.playbook.format import PROBABILITY, Likelihood
from gcpdiag.playbook.load import Library
from gcpdiag.signals.detect import evaluate_signal
from gcpdiag.signals.observation import Observation

ENOUGH_BUNDLES = 8
"""Bundles with a cause in which a signal could be looked for: from fewer, no word is proposed."""
ENOUGH_SERVICES = 30
"""Healthy services at which a signal could be looked for: from fewer, no leak is judged."""

LeakVerdict: TypeAlias = Literal["too few", "fits", "leaks more", "leaks less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Which signals were present (or absent) in one bundle: at its failing services, and at each healthy one."""

    label: Label
    failing: Mapping[str, bool]
    healthy: tuple[Mapping[str, bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLikelihood:
    """How often a finding is there when its cause holds; ``proposal`` is a better word, where enough was counted."""

    cause: str
    signal: str
    word: Likelihood
    present: Proportion
    proposal: Likelihood | None = None

    @property
    def too_few(self) -> bool:
        """Whether less was counted than a word can be judged by."""
        return self.present.of < ENOUGH_BUNDLES


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLeak:
    """How often a signal fires where nothing is wrong, and in incidents of causes that do not expect it."""

    signal: str
    leak: float
    healthy: Proportion
    elsewhere: Proportion

    @property
    def verdict(self) -> LeakVerdict:
        """Whether what was counted on healthy services speaks against the playbook's number."""
        low, high = self.healthy.interval
        if self.healthy.of < ENOUGH_SERVICES:
            return "too few"
        if low > self.leak:
            return "leaks more"
        return "leaks less" if high < self.leak else "fits"


def sighting_of(seen: Observation, label: Label) -> Sighting:
    """Return what is present in one labelled bundle; where no service is seen to fail, at those out of sight."""
    states = seen.states
    failing = sorted(one for one, state in states.items() if state.health == "failing")
    blind = sorted(one for one, state in states.items() if state.health == "unknown")
    group = tuple(failing or blind) if label.status != "healthy" else ()
    calm = sorted(states) if label.status == "healthy" else []
    signals = seen.catalogue.definitions
    return Sighting(
        label=label,
        failing=_known(group_findings(group, seen)) if group else {},
        healthy=tuple(_known({one: evaluate_signal(one, service, seen) for one in signals}) for service in calm),
    )


def measured_likelihoods(sightings: Sequence[Sighting], library: Library) -> list[MeasuredLikelihood]:
    """Return every finding of every playbook with what was counted, in the playbooks' order."""
    return [
        _likelihood(playbook.id, expected.signal, expected.likelihood, sightings)
        for playbook in library.playbooks.values()
        for expected in playbook.findings
    ]


def measured_leaks(sightings: Sequence[Sighting], library: Library) -> list[MeasuredLeak]:
    """Return every signal that a playbook expects with what was counted, by id."""
    expecting: dict[str, set[str]] = {}
    for playbook in library.playbooks.values():
        for expected in playbook.findings:
            expecting.setdefault(expected.signal, set()).add(playbook.id)
    return [_leak(signal, causes, sightings, library) for signal, causes in sorted(expecting.items())]


def nearest_word(present: Proportion) -> Likelihood:
    """Return the word whose log odds are nearest to what was counted, of which none and all are no certainty."""
    share = (present.hits + 0.5) / (present.of + 1)
    return min(PROBABILITY, key=lambda word: abs(_log_odds(PROBABILITY[word]) - _log_odds(share)))


def _likelihood(cause: str, signal: str, word: Likelihood, sightings: Iterable[Sighting]) -> MeasuredLikelihood:
    having = [one.failing for one in sightings if cause in one.label.causes]
    present = proportion_of(one[signal] for one in having if signal in one)
    low, high = present.interval
    better = nearest_word(present)
    speaks_against = not low <= PROBABILITY[word] <= high
    proposed = present.of >= ENOUGH_BUNDLES and speaks_against and better != word
    return MeasuredLikelihood(
        cause=cause, signal=signal, word=word, present=present, proposal=better if proposed else None
    )


def _leak(signal: str, causes: set[str], sightings: Sequence[Sighting], library: Library) -> MeasuredLeak:
    others = [one for one in sightings if not causes & {*one.label.causes, *one.label.accept}]
    return MeasuredLeak(
        signal=signal,
        leak=library.catalogue.definitions[signal].leak,
        healthy=proportion_of(calm[signal] for one in sightings for calm in one.healthy if signal in calm),
        elsewhere=proportion_of(one.failing[signal] for one in others if signal in one.failing),
    )


def _known(findings: Mapping[str, Finding]) -> dict[str, bool]:
    return {
        signal: isinstance(finding, Present) for signal, finding in findings.items() if not isinstance(finding, Unknown)
    }


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
