"""A verification for the ticket: ticks, and what each stands on."""

from __future__ import annotations

from itertools import groupby

from gcpdiag.model.verification import Criterion, Verification
from gcpdiag.model.window import clock_time, rfc3339
from gcpdiag.report.escape import escaped
from gcpdiag.report.verification import GROUP_TITLES, conclusion_of
from gcpdiag.report.wording import plain


def render_verification_markdown(verification: Verification) -> str:
    """Return the checklist as Markdown: a box is ticked only where the criterion is met."""
    lines = ["## Verification", "", f"**{conclusion_of(verification)}**", ""]
    told = f"Checked at {rfc3339(verification.at)}"
    if verification.project:
        told += f" in {escaped(plain(verification.project))}"
    if verification.since:
        told += f", after the change of {rfc3339(verification.since)}"
    lines.append(f"{told}.")
    for group, criteria in groupby(verification.criteria, key=lambda one: one.group):
        lines += ["", f"### {GROUP_TITLES[group].capitalize()}", ""]
        for criterion in criteria:
            lines += _lines(criterion)
    return "\n".join(lines) + "\n"


def _lines(criterion: Criterion) -> list[str]:
    box = "x" if criterion.verdict == "met" else " "
    verdict = "" if criterion.verdict in {"met", "not met"} else f" *({criterion.verdict})*"
    title, subject, text = (escaped(plain(one)) for one in (criterion.title, criterion.subject, criterion.text))
    lines = [f"- [{box}] **{title}** {subject}{verdict}: {text}"]
    lines += [f"  - note: {escaped(plain(note))}" for note in criterion.notes]
    if criterion.at is not None:
        lines.append(f"  - ask again after {clock_time(criterion.at)} UTC")
    return lines
