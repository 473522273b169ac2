"""The list of suspects of every on-call engineer: each category confirmed, ruled out, or out of sight."""

from __future__ import annotations

from collections.abc import Sequence

from gcpdiag.diagnose.judge import Judge, Judgement
from gcpdiag.model.diagnosis import NamedCause, Suspect
from gcpdiag.model.finding import Absent, Present
from gcpdiag.playbook.format import Playbook
from gcpdiag.playbook.load import Library

MISSION_CATEGORIES = (
    "resource-exhaustion",
    "health-check-timeout",
    "database-connections",
    "vpc-connector",
    "dependency-unreachable",
)


def suspects_of(
    library: Library,
    judge: Judge,
    judgements: Sequence[Judgement],
    roots: Sequence[NamedCause],
    contributing: Sequence[NamedCause],
) -> tuple[Suspect, ...]:
    """Return what can be said of every category, the mission's five first; nothing where nothing was judged."""
    if not judgements:
        return ()
    others = sorted({one.category for one in library.playbooks.values()} - set(MISSION_CATEGORIES))
    return tuple(
        _suspect(category, library, judge, judgements, roots, contributing)
        for category in (*MISSION_CATEGORIES, *others)
    )


def _suspect(
    category: str,
    library: Library,
    judge: Judge,
    judgements: Sequence[Judgement],
    roots: Sequence[NamedCause],
    contributing: Sequence[NamedCause],
) -> Suspect:
    for named in roots:
        if named.category == category:
            return Suspect(category=category, verdict="confirmed", reason=named.title)
    for named in contributing:
        if named.category == category:
            reason = f"{named.title}: an effect of {named.because_of}"
            return Suspect(category=category, verdict="contributing", reason=reason)
    playbooks = [one for one in library.playbooks.values() if one.category == category]
    if not playbooks:
        return Suspect(category=category, verdict="out of sight", reason="no playbook looks for it")
    judgement = judgements[0]
    hidden = [one for one in playbooks if _hidden(one, judgement)]
    if len(hidden) == len(playbooks):
        gap = judge.out_of_sight(hidden[0].id, judgement.findings)[0].gap
        return Suspect(category=category, verdict="out of sight", reason=f"{gap.check}: {gap.reason}")
    reasons = [reason for one in playbooks if (reason := judge.ruled_out(one.id, judgement))]
    if reasons and len(reasons) + len(hidden) >= len(playbooks):
        told = "; ".join(dict.fromkeys(reason.split("; ", 1)[0] for reason in reasons))
        if hidden:
            told += f"; out of sight: {', '.join(one.title for one in hidden)}"
        return Suspect(category=category, verdict="ruled out", reason=told)
    told = "; ".join(reasons[:2]) or _looked(playbooks, judgement)
    return Suspect(category=category, verdict="no sign", reason=told)


def _hidden(playbook: Playbook, judgement: Judgement) -> bool:
    """Tell whether none of a cause's specific findings could be looked for."""
    specific = [judgement.findings[one.signal] for one in playbook.findings if one.specific]
    return not any(isinstance(one, Absent | Present) for one in specific)


def _looked(playbooks: Sequence[Playbook], judgement: Judgement) -> str:
    """Return where the category's causes were looked for in vain, or what there is of them without carrying it."""
    findings = [judgement.findings[one.signal] for playbook in playbooks for one in playbook.findings if one.specific]
    present = [one.evidence[0].text for one in findings if isinstance(one, Present)]
    looked = [one.looked for one in findings if isinstance(one, Absent)]
    return f"seen, but not enough to name a cause: {present[0]}" if present else next(iter(looked), "")
