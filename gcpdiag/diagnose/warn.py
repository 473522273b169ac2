"""What is wrong and explains no failure of now: broken configuration beside healthy traffic, failures that are over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from gcpdiag.diagnose.describe import Teller
from gcpdiag.diagnose.group import connected_groups, group_findings
from gcpdiag.diagnose.judge import Judge, telling_findings
from gcpdiag.diagnose.pinned import pinned_warnings
from gcpdiag.model.diagnosis import NamedCause
from gcpdiag.model.finding import Finding, Gap, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.playbook.format import Playbook
from gcpdiag.playbook.load import Library
from gcpdiag.signals.definition import ConfigurationSignal, TopologySignal
from gcpdiag.signals.detect import evaluate_signal
from gcpdiag.signals.observation import Observation

_HARDLY_EVER = 0.02


def warnings_of(
    seen: Observation, library: Library, judge: Judge, teller: Teller, *, told: Collection[str]
) -> tuple[NamedCause, ...]:
    """Return warnings, each cause once, without those that the diagnosis names anyway."""
    found: dict[str, NamedCause] = {}
    for one in (*_past(seen, judge, teller), *_latent(seen, library, judge, teller), *pinned_warnings(seen)):
        if one.id not in told:
            found.setdefault(one.id, one)
    return tuple(found[cause] for cause in sorted(found))


def _past(seen: Observation, judge: Judge, teller: Teller) -> list[NamedCause]:
    recovered = [ref for ref, state in seen.states.items() if state.health == "recovered"]
    judgements = [judge.judge(one, group_findings(one, seen)) for one in connected_groups(recovered, seen)]
    causes = [teller.tell(cause, one) for one in judgements for cause in one.named]
    return [replace(one, summary=f"Over by now: {one.summary}") for one in causes]


def _latent(seen: Observation, library: Library, judge: Judge, teller: Teller) -> list[NamedCause]:
    """Look at the configuration of services whose requests are answered."""
    warnings: list[NamedCause] = []
    for service, state in seen.states.items():
        if state.health != "healthy":
            continue
        findings = _configured(service, seen)
        causes = [one.id for one in library.playbooks.values() if _is_wrong(one, findings, library)]
        if causes:
            judgement = judge.judge((service,), findings)
            warnings += [_warning(teller.tell(one, judgement, because_of=one), service) for one in causes]
    return warnings


def _is_wrong(playbook: Playbook, findings: Mapping[str, Finding], library: Library) -> bool:
    """Tell whether configuration alone shows the cause, by a sign that hardly ever means nothing."""
    signs = [one.signal for one in telling_findings(playbook, findings)]
    return any(library.catalogue.definitions[one].leak <= _HARDLY_EVER for one in signs)


def _configured(service: ServiceRef, seen: Observation) -> dict[str, Finding]:
    """Evaluate the signals of configuration and topology; the others do not matter where nothing fails."""
    findings: dict[str, Finding] = {}
    for signal, definition in seen.catalogue.definitions.items():
        if isinstance(definition, ConfigurationSignal | TopologySignal):
            findings[signal] = evaluate_signal(signal, service, seen)
        else:
            gap = Gap(check=definition.title, reason="not looked for", source="")
            findings[signal] = Unknown(signal=signal, gap=gap)
    return findings


def _warning(cause: NamedCause, service: ServiceRef) -> NamedCause:
    summary = f"{service.name} answers, and yet: {cause.evidence[0].evidence.text}"
    return replace(cause, summary=summary, service=service, because_of="", mistaken_for=())
