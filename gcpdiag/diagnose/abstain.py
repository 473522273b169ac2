"""What could not be seen, and the one next check that would tell the likeliest causes apart."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from gcpdiag.diagnose.judge import Judgement
from gcpdiag.model.diagnosis import Status
from gcpdiag.model.finding import Gap, Unknown
from gcpdiag.playbook.format import PROBABILITY
from gcpdiag.playbook.load import Library
from gcpdiag.signals.observation import Observation

_MOST_CHECKS = 3


def open_gaps(seen: Observation, judgements: Sequence[Judgement], library: Library) -> tuple[Gap, ...]:
    """Return one gap for each source and reason: sources that refused, and what the playbooks missed."""
    gaps = [
        gap
        for source, coverage in seen.coverage.items()
        if coverage.state in {"denied", "disabled", "error"} or (coverage.answered and coverage.truncated)
        if (gap := seen.gap(source, coverage.source.title)) is not None
    ]
    refused = {gap.source for gap in gaps}
    specific = {one.signal for playbook in library.playbooks.values() for one in playbook.findings if one.specific}
    missed: dict[tuple[str, str], list[Gap]] = {}
    for judgement in judgements:
        for signal, finding in judgement.findings.items():
            if isinstance(finding, Unknown) and signal in specific and finding.gap.source not in refused:
                missed.setdefault((finding.gap.source, finding.gap.reason), []).append(finding.gap)
    for (source, reason), several in sorted(missed.items()):
        checks = list(dict.fromkeys(gap.check for gap in several))
        rest = len(checks) - _MOST_CHECKS
        told = "; ".join(checks[:_MOST_CHECKS]) + (f"; and {rest} more" if rest > 0 else "")
        gaps.append(Gap(check=told, reason=reason, source=source, permission=several[0].permission, fix=several[0].fix))
    return tuple(gaps)


def next_check(
    status: Status,
    seen: Observation,
    judgements: Sequence[Judgement],
    library: Library,
) -> str:
    """Return, for an inconclusive diagnosis, the unknown finding that says most about the likeliest causes."""
    if status != "inconclusive":
        return ""
    worth: list[tuple[float, str, Unknown]] = []
    for judgement in judgements:
        likely = sorted(judgement.ranking.causes.items(), key=lambda one: (-one[1], one[0]))[:3]
        for cause, probability in likely:
            for expected in library.playbooks[cause].findings:
                finding = judgement.findings[expected.signal]
                if isinstance(finding, Unknown):
                    gain = probability * PROBABILITY[expected.likelihood] * (2.0 if expected.specific else 1.0)
                    worth.append((-gain, expected.signal, finding))
    if worth:
        gap = min(worth, key=lambda one: one[:2])[2].gap
        return f"Look for: {gap.check} ({gap.reason}). {gap.fix}".strip()
    failing = [state.service for state in seen.states.values() if state.health == "failing"]
    if not failing:
        return ""
    service = failing[0]
    query = quote(f'resource.labels.service_name="{service.name}" severity>=WARNING')
    return (
        f"Read what {service.name} itself says around its first error:"
        f" gcloud logging read {query} --project={quote(seen.project)} --limit=50"
    )
