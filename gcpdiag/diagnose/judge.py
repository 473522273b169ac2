"""Judging one group of services: which causes to name, which are their effects, which it is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gcpdiag.diagnose.group import Group
from gcpdiag.diagnose.rank import Ranker, Ranking
from gcpdiag.model.finding import Absent, Finding, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.playbook.format import PROBABILITY, ExpectedFinding, Playbook

_LIKELY = 0.5
_LIKELY_UNREAD = 0.35  # without logs; of what is named so, nine in ten are true
_LIKELY_TOGETHER = 0.4  # of each of two causes that explain more together than any one does
_SURE = 0.6  # where nobody saw a request fail
_LEAD = 1.8  # times as likely as any cause outside the hypothesis
_TELLING = 0.4  # strength of a cause-specific finding that may name its cause
_SEEN = 0.15  # share of a cause's possible weight that must have been observable
_AGAINST = -3.0  # decibans: an absent finding that rules out by itself
_UNLIKELY = 0.15
_TOO_LATE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the findings of one group say about every cause."""

    group: Group
    findings: Mapping[str, Finding]
    ranking: Ranking
    named: tuple[str, ...]
    effects: Mapping[str, str]
    alone: Mapping[str, float]


class Judge:
    """Names causes out of findings; the playbooks and their ranker stay the same for all groups."""

    def __init__(self, playbooks: Mapping[str, Playbook], ranker: Ranker) -> None:
        self._playbooks = playbooks
        self._ranker = ranker

    def judge(
        self,
        group: Group,
        findings: Mapping[str, Finding],
        *,
        called: Collection[ServiceRef] = (),
        failing: bool = True,
        logs_read: bool = True,
    ) -> Judgement:
        """Return the judgement; where nobody saw a request fail, only a sure cause is named.

        ``called`` are the services of the group that others of it call. Without logs, all causes that only they tell of
        keep their share of the probability, so that less of it is enough.
        """
        ranking = self._ranker.rank(findings)
        enough = (_LIKELY if logs_read else _LIKELY_UNREAD) if failing else _SURE
        likely = {*ranking.best, *(one for one, share in ranking.causes.items() if share >= enough)}
        if failing and len(ranking.best) > 1:
            enough = min(enough, _LIKELY_TOGETHER)
        named = [one for one in sorted(likely) if self._may_name(one, findings, ranking, enough)]
        effects = self._effects(named, findings) | self._passed_on(named, findings, called)
        return Judgement(
            group=group,
            findings=findings,
            ranking=ranking,
            named=tuple(sorted((one for one in named if one not in effects), key=lambda one: -ranking.causes[one])),
            effects=effects,
            alone={one: self.alone(one, findings) for one in self._playbooks},
        )

    def is_passed_on(self, cause: str) -> bool:
        """Tell whether callers show a cause when what they call fails."""
        return self._playbooks[cause].passed_on

    def alone(self, cause: str, findings: Mapping[str, Finding]) -> float:
        """Return a cause's probability against no cause at all, whatever the others say."""
        score = self._ranker.prior(cause) + sum(self._ranker.weights((cause,), findings).values())
        odds = 10 ** (min(score, 90.0) / 10)
        return odds / (1 + odds)

    def coverage(self, cause: str, findings: Mapping[str, Finding]) -> float:
        """Return the share of a cause's possible weight that could be observed at all."""
        weights = [PROBABILITY[one.likelihood] for one in self._playbooks[cause].findings]
        seen = [
            PROBABILITY[one.likelihood]
            for one in self._playbooks[cause].findings
            if not isinstance(findings[one.signal], Unknown)
        ]
        return sum(seen) / sum(weights)

    def _may_name(self, cause: str, findings: Mapping[str, Finding], ranking: Ranking, enough: float) -> bool:
        told = {*ranking.best, *(effect for one in ranking.best for effect in self._playbooks[one].explains)}
        rivals = [share for other, share in ranking.causes.items() if other not in told]
        leads = ranking.causes[cause] >= _LEAD * max(rivals, default=0.0)
        likely = ranking.causes[cause] >= enough and leads
        return likely and self._visible(cause, findings) and self.coverage(cause, findings) >= _SEEN

    def _effects(self, named: list[str], findings: Mapping[str, Finding]) -> dict[str, str]:
        """Return the causes that are effects of a named one: declared, visible by themselves, and not earlier."""
        effects: dict[str, str] = {}
        for cause in sorted(named):
            for effect in self._playbooks[cause].explains:
                if effect not in self._playbooks or effect in effects or cause in effects:
                    continue
                likely = effect in named or self.alone(effect, findings) >= _LIKELY
                if likely and self._visible(effect, findings) and not self._began_later(cause, effect, findings):
                    effects[effect] = cause
        return effects

    def _passed_on(
        self, named: list[str], findings: Mapping[str, Finding], called: Collection[ServiceRef]
    ) -> dict[str, str]:
        """Return what callers alone show while the service that they call fails for a cause of its own."""
        at = {cause: _services_of(self._playbooks[cause], findings) for cause in named}
        own = [cause for cause in sorted(named) if not self._playbooks[cause].passed_on and at[cause] & set(called)]
        return {
            effect: own[0]
            for effect in named
            if own and self._playbooks[effect].passed_on and at[effect] and not at[effect] & set(called)
        }

    def _began_later(self, cause: str, effect: str, findings: Mapping[str, Finding]) -> bool:
        """Tell whether the first sign of a cause came well after that of its supposed effect."""
        began, followed = (_first_sign(self._playbooks[one], findings) for one in (cause, effect))
        return began is not None and followed is not None and began > followed + _TOO_LATE

    def _visible(self, cause: str, findings: Mapping[str, Finding]) -> bool:
        return any(
            one.specific and _strength(findings[one.signal]) >= _TELLING for one in self._playbooks[cause].findings
        )

    def ruled_out(self, cause: str, judgement: Judgement) -> str:
        """Return why it is not this cause, or an empty text where that cannot be said."""
        if judgement.ranking.causes[cause] >= _UNLIKELY:
            return ""
        weights = self._ranker.weights((cause,), judgement.findings)
        absent = {
            one.signal: finding.looked
            for one in sorted(self._playbooks[cause].findings, key=lambda one: not one.specific)
            if isinstance(finding := judgement.findings[one.signal], Absent)
        }
        against = [looked for signal, looked in absent.items() if weights[signal] <= _AGAINST]
        specific = [one.signal for one in self._playbooks[cause].findings if one.specific]
        if not against and all(signal in absent for signal in specific):
            against = [absent[signal] for signal in specific]
        return "; ".join(dict.fromkeys(against[:2]))

    def out_of_sight(self, cause: str, findings: Mapping[str, Finding]) -> list[Unknown]:
        """Return the cause-specific findings that could not be looked for, when none of them could be found."""
        specific = [findings[one.signal] for one in self._playbooks[cause].findings if one.specific]
        return [one for one in specific if isinstance(one, Unknown)]


def _strength(finding: Finding) -> float:
    return finding.strength if isinstance(finding, Present) else 0.0


def _services_of(playbook: Playbook, findings: Mapping[str, Finding]) -> set[ServiceRef]:
    """Return the services at which the telling findings of a cause were made."""
    present = [findings[one.signal] for one in telling_findings(playbook, findings)]
    lines = [line for one in present if isinstance(one, Present) for line in one.evidence]
    return {line.service for line in lines if line.service is not None}


def _first_sign(playbook: Playbook, findings: Mapping[str, Finding]) -> datetime | None:
    present = [findings[one.signal] for one in telling_findings(playbook, findings)]
    times = [line.first_at for one in present if isinstance(one, Present) for line in one.evidence if line.first_at]
    return min(times, default=None)


def telling_findings(playbook: Playbook, findings: Mapping[str, Finding]) -> list[ExpectedFinding]:
    """Return the playbook's cause-specific findings that are present."""
    return [one for one in playbook.findings if one.specific and isinstance(findings[one.signal], Present)]
