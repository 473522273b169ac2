"""The diagnosis for a terminal: what a tired engineer needs first stands first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.style import Style
from rich.text import Text

from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.report.cause import CauseView, EvidenceLine, Step, evidence_count, heading_of
from gcpdiag.report.page import Page
from gcpdiag.report.table import Table
from gcpdiag.report.view import GapView, View, view_of
from gcpdiag.report.wording import shortened

# Characters of one text: whole ones are in the ticket's Markdown and in the JSON.
_LONGEST_EVIDENCE = 150
_LONGEST_COMPANION = 100
_LONGEST_CELL = 160
_QUIET = "dim"
_COMMAND = "cyan"
_HEADING = "bold"
_STYLES = {
    "incident": "bold red",
    "inconclusive": "bold yellow",
    "healthy": "green",
    "failing": "bold red",
    "recovered": "yellow",
    "unknown": "yellow",
    "confirmed": "bold red",
    "contributing": "yellow",
    "ruled out": "green",
    "out of sight": "yellow",
    "no sign": _QUIET,
    "onset": "bold red",
    "recovery": "green",
    "deploy": "bold",
    "change": "bold",
}


def render_text(diagnosis: Diagnosis, *, width: int, color: bool) -> str:
    """Return the report for a terminal of that many columns; without colour it has no escape sequences."""
    view = view_of(diagnosis)
    page = Page(width)
    _opening(page, view)
    for number, cause in enumerate(view.root_causes):
        _root_cause(page, heading_of(number, view.root_causes), cause)
    _effects(page, view.contributing)
    _table(page, "suspects", view.suspects, titled=False)
    _table(page, "most likely, but not carried by the evidence", view.candidates, titled=False)
    _next_check(page, view.next_check)
    _warnings(page, view.warnings)
    _table(page, "services", view.services)
    _table(page, "timeline", view.timeline, titled=False)
    _gaps(page, view.gaps)
    _table(page, "errors that no signature knows", view.unexplained)
    _problems(page, view.problems)
    page.blank()
    page.prose(Text(view.stats, _QUIET), indent=0)
    return page.rendered(color=color)


def _opening(page: Page, view: View) -> None:
    page.heading((view.status.upper(), _STYLES[view.status]), (view.project, _HEADING), (view.stretch, _QUIET))
    page.blank()
    page.prose(Text(view.summary, _HEADING))


def _root_cause(page: Page, heading: str, cause: CauseView) -> None:
    page.heading((heading.upper(), _HEADING), (f"confidence {cause.confidence}", _HEADING))
    page.prose(Text(cause.title, _HEADING))
    _whereabouts(page, cause)
    if cause.summary:
        page.prose(Text(cause.summary))
    _evidence(page, cause)
    _mistaken_for(page, cause)
    _steps(page, cause)
    _verification(page, cause.verification)


def _whereabouts(page: Page, cause: CauseView) -> None:
    page.prose(Text(cause.id, _QUIET))
    where = [one for one in (cause.place, "/".join(cause.resource.split("/")[-2:])) if one]
    if where:
        page.prose(Text(" · ".join(where), _QUIET))


def _evidence(page: Page, cause: CauseView) -> None:
    parts = (("Evidence", cause.evidence), ("Evidence against", cause.against))
    for name, lines in parts:
        if lines:
            _part(page, name)
            page.columns(_evidence_rows(lines), right={0})
    page.blank()
    page.prose(Text(cause.reckoning, _QUIET))
    if cause.sums:
        _part(page, "The sum")
        page.columns([(Text("–"), Text(one)) for one in cause.sums])


def _evidence_rows(lines: Iterable[EvidenceLine]) -> list[tuple[Text, Text]]:
    """Return the rows of a reckoning: weights on the left, what they are for on the right."""
    rows: list[tuple[Text, Text]] = []
    for line in lines:
        weight = Text(line.weight, "yellow" if line.weight.startswith("−") else "green")
        if line.title:
            rows.append((weight, Text(line.title, _HEADING)))
            weight = Text()
        rows.append((weight, _evidence_text(line)))
    return rows


def _evidence_text(line: EvidenceLine) -> Text:
    shown = shortened(line.text, _LONGEST_EVIDENCE if line.weight else _LONGEST_COMPANION)
    text = Text().append(shown, Style(link=line.link) if line.link else None)
    return text.append(f" · {line.note}", _QUIET) if line.note else text


def _mistaken_for(page: Page, cause: CauseView) -> None:
    if cause.mistaken_for:
        _part(page, "Taken for, but is not")
        page.columns(
            [(Text(other), Text(shortened(reason, _LONGEST_CELL), _QUIET)) for other, reason in cause.mistaken_for]
        )


def _steps(page: Page, cause: CauseView) -> None:
    if not cause.steps:
        return
    _part(page, "What to do next")
    for number, step in enumerate(cause.steps, start=1):
        page.columns([(Text(f"{number}."), _advice(step))])
        if step.command:
            page.verbatim(Text(step.command, _COMMAND), indent=6)
    page.prose(Text(cause.about_steps, _QUIET))


def _advice(step: Step) -> Text:
    risk = f"{step.risk} risk: " if step.risk else ""
    return Text().append(risk, "yellow" if step.risk == "high" else _QUIET).append(step.text)


def _verification(page: Page, criteria: Sequence[str]) -> None:
    if criteria:
        _part(page, "How to verify")
        page.columns([(Text("–"), Text(one)) for one in criteria])


def _effects(page: Page, effects: Sequence[CauseView]) -> None:
    if not effects:
        return
    page.heading(("CONTRIBUTING", _HEADING), ("effects of a root cause, not causes", _QUIET))
    for number, effect in enumerate(effects):
        _apart(page, number)
        page.prose(Text(effect.title))
        origin = f"{effect.id} · {effect.confidence} · effect of {effect.because_of}"
        page.prose(Text(origin, _QUIET))
        page.columns(_evidence_rows(effect.evidence[:1]), right={0})
        if rest := evidence_count(effect):
            page.prose(Text(rest, _QUIET))


def _warnings(page: Page, warnings: Sequence[CauseView]) -> None:
    if not warnings:
        return
    page.heading(("WARNINGS", _HEADING), ("wrong, but no reason for a failure now", _QUIET))
    for number, warning in enumerate(warnings):
        _apart(page, number)
        page.prose(Text(warning.summary or warning.title))
        _whereabouts(page, warning)
        for step in warning.steps[:1]:
            _command(page, step)


def _apart(page: Page, number: int) -> None:
    """Set an entry apart from the one before it."""
    if number:
        page.blank()


def _next_check(page: Page, step: Step | None) -> None:
    if step is not None:
        page.heading(("NEXT CHECK", _HEADING))
        _command(page, step)


def _command(page: Page, step: Step) -> None:
    page.prose(_advice(step))
    if step.command:
        page.verbatim(Text(step.command, _COMMAND), indent=4)


def _gaps(page: Page, gaps: Sequence[GapView]) -> None:
    if not gaps:
        return
    page.heading(("COULD NOT BE LOOKED AT", _HEADING))
    for gap in gaps:
        needs = f" · needs {gap.permission}" if gap.permission else ""
        page.prose(Text(gap.check).append(f": {gap.reason}{needs}", _QUIET))
        if gap.fix:
            page.verbatim(Text(gap.fix, _COMMAND), indent=4)


def _problems(page: Page, problems: Sequence[str]) -> None:
    if problems:
        page.heading(("COULD NOT BE READ", _HEADING))
        page.columns([(Text(one),) for one in problems])


def _table(page: Page, name: str, table: Table, *, titled: bool = True) -> None:
    """Add a table, with the names of its columns unless they speak for themselves."""
    if not table:
        return
    page.heading((name.upper(), _HEADING))
    rows = [tuple(Text(shortened(cell, _LONGEST_CELL), _STYLES.get(cell, "")) for cell in row) for row in table.rows]
    header = [tuple(Text(column, _QUIET) for column in table.columns)] if titled else []
    page.columns([*header, *rows], right=table.right)
    if table.note:
        page.prose(Text(table.note, _QUIET))


def _part(page: Page, name: str) -> None:
    page.blank()
    page.prose(Text(name, "underline"))
