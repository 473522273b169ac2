"""The diagnosis for a ticket: Markdown that GitHub, GitLab and Jira render alike."""

from __future__ import annotations

from collections.abc import Sequence

from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.report.cause import CauseView, EvidenceLine, Step, heading_of
from gcpdiag.report.escape import coded, escaped, fenced
from gcpdiag.report.table import Table
from gcpdiag.report.view import GapView, View, view_of


def render_markdown(diagnosis: Diagnosis) -> str:
    """Return the report as Markdown; what comes out of logs shows as it is, and never links or mentions."""
    view = view_of(diagnosis)
    blocks = [
        *_opening(view),
        *(
            block
            for number, cause in enumerate(view.root_causes)
            for block in _root_cause(heading_of(number, view.root_causes), cause)
        ),
        *_effects(view.contributing),
        *_table("Suspects", view.suspects),
        *_table("Most likely, but not carried by the evidence", view.candidates),
        *_next_check(view.next_check),
        *_warnings(view.warnings),
        *_table("Services", view.services),
        *_table("Timeline", view.timeline),
        *_gaps(view.gaps),
        *_table("Errors that no signature knows", view.unexplained),
        *_table("Ruled out", view.ruled_out),
        *_listed("### Could not be read", [f"- {escaped(one)}" for one in view.problems]),
        f"---\n\n{escaped(view.stats)}",
    ]
    return "\n\n".join(blocks) + "\n"


def _opening(view: View) -> list[str]:
    return [
        f"## {view.status.capitalize()}: {escaped(view.project)}",
        escaped(view.stretch),
        f"**{escaped(view.summary)}**",
    ]


def _root_cause(heading: str, cause: CauseView) -> list[str]:
    where = " · ".join((coded(cause.id), *(escaped(one) for one in (cause.place, cause.resource) if one)))
    return [
        f"### {heading.capitalize()} ({cause.confidence}): {escaped(cause.title)}",
        where,
        *([escaped(cause.summary)] if cause.summary else []),
        *_evidence(cause),
        *_listed(
            "#### Taken for, but is not",
            [f"- {coded(other)}: {escaped(reason)}" for other, reason in cause.mistaken_for],
        ),
        *_steps(cause),
        *_listed("#### Verification", [f"- [ ] {escaped(one)}" for one in cause.verification]),
    ]


def _evidence(cause: CauseView) -> list[str]:
    rows = [_evidence_row(one) for one in (*cause.evidence, *cause.against)]
    return [
        "#### Evidence",
        "\n".join(("| weight | evidence | when (UTC) |", "|---:|---|---|", *rows)),
        escaped(cause.reckoning),
        *(escaped(one) for one in cause.sums),
    ]


def _evidence_row(line: EvidenceLine) -> str:
    link = f" ([open]({line.link}))" if line.link else ""
    title = f"**{escaped(line.title)}**: " if line.title else ""
    return f"| {line.weight} | {title}{escaped(line.text)}{link} | {escaped(line.note)} |"


def _steps(cause: CauseView) -> list[str]:
    if not cause.steps:
        return []
    numbered = [_step(f"{number}. ", step) for number, step in enumerate(cause.steps, start=1)]
    return ["#### Next steps", "\n".join(numbered), escaped(cause.about_steps)]


def _step(bullet: str, step: Step) -> str:
    """Return a step as an entry of a list; its command is indented to stay inside of the entry."""
    risk = f" (risk: {escaped(step.risk)})" if step.risk else ""
    lines = [f"{bullet}{escaped(step.text)}{risk}"]
    if step.command:
        lines.append(fenced(step.command, indent=" " * len(bullet)))
    return "\n".join(lines)


def _effects(effects: Sequence[CauseView]) -> list[str]:
    return _listed("### Contributing effects", [_effect(one) for one in effects])


def _effect(effect: CauseView) -> str:
    sign = f": {escaped(effect.evidence[0].text)}" if effect.evidence else ""
    origin = f"{coded(effect.id)}, {effect.confidence}, an effect of {coded(effect.because_of)}"
    return f"- {escaped(effect.title)} ({origin}){sign}"


def _warnings(warnings: Sequence[CauseView]) -> list[str]:
    return _listed("### Warnings", [_warning(one) for one in warnings])


def _warning(warning: CauseView) -> str:
    told = f"{escaped(warning.summary or warning.title)} ({coded(warning.id)})"
    return "\n".join((f"- {told}", *(_step("  - ", one) for one in warning.steps[:1])))


def _next_check(step: Step | None) -> list[str]:
    return ["### Next check", _step("- ", step)] if step else []


def _gaps(gaps: Sequence[GapView]) -> list[str]:
    return _listed("### Could not be looked at", [_gap(one) for one in gaps])


def _gap(gap: GapView) -> str:
    needs = f" (needs {coded(gap.permission)})" if gap.permission else ""
    line = f"- {escaped(gap.check)}: {escaped(gap.reason)}{needs}"
    return f"{line}\n{fenced(gap.fix, indent='  ')}" if gap.fix else line


def _table(title: str, table: Table) -> list[str]:
    if not table:
        return []
    rules = ["---:" if number in table.right else "---" for number in range(len(table.columns))]
    rows = [_row([escaped(cell) for cell in row]) for row in table.rows]
    lines = "\n".join((_row(table.columns), f"|{'|'.join(rules)}|", *rows))
    return [f"### {title}", lines, *([escaped(table.note)] if table.note else [])]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _listed(title: str, entries: Sequence[str]) -> list[str]:
    return [title, "\n".join(entries)] if entries else []
