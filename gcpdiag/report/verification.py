"""A verification as a checklist for the terminal."""

from __future__ import annotations

from itertools import groupby

from rich.text import Text

from gcpdiag.model.verification import Criterion, CriterionGroup, CriterionVerdict, Verification
from gcpdiag.model.window import clock_time
from gcpdiag.report.page import Page
from gcpdiag.report.wording import plain

_QUIET, _HEADING = "dim", "bold"
_INDENT = 14  # what stands below a title begins where it does
_STYLES: dict[CriterionVerdict, str] = {
    "met": "green",
    "not met": "bold red",
    "too early": "yellow",
    "unknown": "yellow",
}
MARKS: dict[CriterionVerdict, str] = {"met": "✓", "not met": "✗", "too early": "…", "unknown": "?"}
"""What stands before a line; the word stands beside it, since not every terminal shows both."""

GROUP_TITLES: dict[CriterionGroup, str] = {
    "health": "HEALTH",
    "websocket": "WEBSOCKETS",
    "dependency": "DEPENDENCIES",
    "traffic": "TRAFFIC",
    "platform": "PLATFORM",
}


def render_verification(verification: Verification, *, width: int, color: bool) -> str:
    """Return the checklist for a terminal of that many columns; without colour it has no escape sequences."""
    page = Page(width)
    for group, criteria in groupby(verification.criteria, key=lambda one: one.group):
        page.heading((GROUP_TITLES[group], _HEADING))
        for criterion in criteria:
            _criterion(page, criterion)
    page.blank()
    style = {"met": "green", "not met": "bold red"}.get(verification.outcome, "yellow")
    page.prose(Text(conclusion_of(verification), style), indent=0)
    return page.rendered(color=color)


def _criterion(page: Page, criterion: Criterion) -> None:
    style = _STYLES[criterion.verdict]
    page.prose(Text.assemble((f"{MARKS[criterion.verdict]} {criterion.verdict:<9} ", style), plain(criterion.title)))
    subject, text = plain(criterion.subject), plain(criterion.text)
    told = Text.assemble((f"{subject}: ", _QUIET), (text, "" if criterion.verdict == "met" else style))
    page.prose(told, indent=_INDENT)
    for note in criterion.notes:
        page.prose(Text(f"note: {plain(note)}", "yellow"), indent=_INDENT)
    if criterion.at is not None:
        page.prose(Text(f"ask again after {clock_time(criterion.at)} UTC", _QUIET), indent=_INDENT)


def conclusion_of(verification: Verification) -> str:
    """Return the outcome in one sentence, the same in every form of the report."""
    total = len(verification.criteria)
    met, failed = verification.counted("met"), verification.counted("not met")
    early, unknown = verification.counted("too early"), verification.counted("unknown")
    open_parts = [f"{early} too early to say"] if early else []
    open_parts += [f"{unknown} could not be looked at"] if unknown else []
    counted = ", ".join([f"{met} of {total} criteria met", *([f"{failed} not met"] if failed else []), *open_parts])
    match verification.outcome:
        case "met":
            return f"Recovered: {counted}."
        case "not met":
            return f"Not recovered: {counted}."
        case "undecided":
            return f"Not decided yet: {counted}."
        case "nothing probed":
            return "There was nothing to verify."
