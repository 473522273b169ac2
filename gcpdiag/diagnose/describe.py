"""A judged cause as it is told: summary, evidence with weights, steps to take, what it was taken for."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping

from gcpdiag.diagnose.arithmetic import sums_of
from gcpdiag.diagnose.confidence import TEMPERATURE, calibrated
from gcpdiag.diagnose.judge import Judge, Judgement, telling_findings
from gcpdiag.diagnose.proposal import proposed_values
from gcpdiag.diagnose.rank import Ranker
from gcpdiag.model.diagnosis import NamedCause, Remedy, RuledOut, Weight
from gcpdiag.model.finding import Absent, Evidence, Finding, Present
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.playbook.format import Playbook
from gcpdiag.signals.observation import Observation

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_MOST_SURE = 0.99
_LEAST_WEIGHT = 0.05  # decibans: less is printed as 0.0


class Teller:
    """Turns judged causes into what a report prints."""

    def __init__(
        self,
        playbooks: Mapping[str, Playbook],
        ranker: Ranker,
        judge: Judge,
        seen: Observation,
        *,
        temperature: float = TEMPERATURE,
    ) -> None:
        self._playbooks = playbooks
        self._ranker = ranker
        self._judge = judge
        self._seen = seen
        self._temperature = temperature

    def tell(self, cause: str, judgement: Judgement, *, because_of: str = "") -> NamedCause:
        """Return one cause with its reckoning: what it adds to the best hypothesis that has it."""
        playbook = self._playbooks[cause]
        findings = judgement.findings
        whole = (cause,) if because_of else judgement.ranking.best_with(cause)
        rest = tuple(one for one in whole if one != cause)
        weights = self._ranker.weights(whole, findings, without=rest)
        lines = [
            line
            for one in playbook.findings
            if abs(weights.get(one.signal, 0.0)) >= _LEAST_WEIGHT
            for line in _lines(findings[one.signal], weights[one.signal], self._title(one.signal))
        ]
        service, resource = self._place(playbook, judgement)
        texts = self._texts(service, resource) | {"evidence": self._telling_title(playbook, findings)}
        return NamedCause(
            id=cause,
            title=playbook.title,
            summary=filled(playbook.summary, texts),
            service=service,
            resource=resource,
            confidence=round(self._confidence(cause, judgement, is_effect=bool(because_of)), 2),
            prior=round(self._ranker.prior(cause), 1),
            evidence=tuple(sorted((one for one in lines if one.decibans >= 0), key=_order)),
            contradicting=tuple(sorted((one for one in lines if one.decibans < 0), key=_order)),
            remediation=_remedies(playbook, findings, texts),
            mistaken_for=self._mistaken_for(playbook, judgement),
            verification=tuple(filled(one, texts) for one in playbook.verification),
            sums=sums_of(cause, service, self._seen),
            because_of=because_of,
        )

    def _telling_title(self, playbook: Playbook, findings: Mapping[str, Finding]) -> str:
        """Return what the first cause-specific finding that is present is called; playbooks list them in order."""
        present = [one.signal for one in telling_findings(playbook, findings)]
        return self._title(present[0]) if present else ""

    def _title(self, signal: str) -> str:
        return self._seen.catalogue.definitions[signal].title

    def _confidence(self, cause: str, judgement: Judgement, *, is_effect: bool) -> float:
        """Return how sure a cause is; effects have no labels to calibrate with, so theirs is the plain probability."""
        trust = self._trust(cause, judgement.findings)
        if is_effect:
            return min(_MOST_SURE, judgement.alone[cause] * trust)
        return calibrated(judgement.ranking.causes[cause] * trust, temperature=self._temperature)

    def _trust(self, cause: str, findings: Mapping[str, Finding]) -> float:
        """Return a factor up to 1: a cause of which little could be observed is less sure."""
        return 0.75 + 0.25 * self._judge.coverage(cause, findings)

    def _mistaken_for(self, playbook: Playbook, judgement: Judgement) -> tuple[RuledOut, ...]:
        reasons = [
            (other, self._judge.ruled_out(other, judgement))
            for other in playbook.look_alikes
            if other in self._playbooks
        ]
        return tuple(RuledOut(id=other, reason=reason) for other, reason in reasons if reason)

    def _place(self, playbook: Playbook, judgement: Judgement) -> tuple[ServiceRef | None, str]:
        """Return the service that shows most of the cause-specific evidence, and the resource that it names."""
        count: Counter[ServiceRef] = Counter()
        resource = ""
        for one in sorted(playbook.findings, key=lambda one: not one.specific):
            finding = judgement.findings[one.signal]
            if not isinstance(finding, Present):
                continue
            for evidence in finding.evidence:
                if evidence.service and (one.specific or not count):
                    count[evidence.service] += evidence.count or 1
                resource = resource or evidence.resource
        ordered = sorted(count.items(), key=lambda one: (-one[1], one[0]))
        return (ordered[0][0] if ordered else judgement.group[0]), resource

    def _texts(self, service: ServiceRef | None, resource: str) -> dict[str, str]:
        estate = self._seen.estate
        texts = {"project": self._seen.project, "resource": resource}
        if service is None:
            return texts
        return texts | {
            "service": service.name,
            "region": service.region,
            "connector": last_segment(estate.connector(service)),
            "network": estate.network(service),
            "revision": estate.serving_revision(service),
            "memory": estate.memory_limit(service),
            "max_instances": f"{estate.max_instances(service):g}",
            **proposed_values(estate, service),
        }


def _remedies(playbook: Playbook, findings: Mapping[str, Finding], texts: Mapping[str, str]) -> tuple[Remedy, ...]:
    return tuple(
        Remedy(command=filled(one.command, texts, quoted=True), risk=one.risk, why=filled(one.why, texts))
        for one in playbook.remediation
        if (not one.when or isinstance(findings[one.when], Present))
        and not (one.unless and isinstance(findings[one.unless], Present))
    )


def filled(template: str, texts: Mapping[str, str], *, quoted: bool = False) -> str:
    """Return the template with its placeholders filled; what is not known is written in capitals.

    For a command line every text is quoted, since names come out of files that anybody may have written.
    """

    def text_for(found: re.Match[str]) -> str:
        text = texts.get(found.group(1), "")
        if not text:
            return found.group(1).upper() if quoted else f"the {found.group(1).replace('_', ' ')}"
        return shlex.quote(text) if quoted else text

    return _PLACEHOLDER.sub(text_for, template)


def _lines(finding: Finding, decibans: float, title: str) -> list[Weight]:
    """Return a finding's lines; the first one carries the weight, the others stand beside it."""
    if isinstance(finding, Present):
        first, *others = finding.evidence
        return [
            Weight(signal=finding.signal, title=title, decibans=round(decibans, 1), evidence=first),
            *(Weight(signal=finding.signal, title=title, decibans=0.0, evidence=one) for one in others),
        ]
    if isinstance(finding, Absent):
        evidence = Evidence(signal=finding.signal, text=finding.looked, source=finding.source)
        return [Weight(signal=finding.signal, title=title, decibans=round(decibans, 1), evidence=evidence)]
    return []


def _order(line: Weight) -> tuple[float, str, str]:
    return (-abs(line.decibans), line.signal, line.evidence.text)
