"""What every report says and in which words; renderers only lay it out.

All texts of a view are final: one line each, no secrets or control characters, numbers and times spelled.
"""

from __future__ import annotations

from dataclasses import dataclass

from gcpdiag.model.diagnosis import Diagnosis, Status
from gcpdiag.model.finding import Gap
from gcpdiag.report.cause import CauseView, Step, cause_view
from gcpdiag.report.table import (
    Table,
    candidate_table,
    ruled_out_table,
    service_table,
    suspect_table,
    timeline_table,
    unexplained_table,
)
from gcpdiag.report.wording import command_line, counted, plain, stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """What could not be looked at: why, the permission that it takes, and the command that grants it."""

    check: str
    reason: str
    permission: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A whole report; a part that is empty is left out by every renderer."""

    status: Status
    project: str
    stretch: str
    summary: str
    root_causes: tuple[CauseView, ...]
    contributing: tuple[CauseView, ...]
    warnings: tuple[CauseView, ...]
    suspects: Table
    candidates: Table
    next_check: Step | None
    ruled_out: Table
    services: Table
    timeline: Table
    gaps: tuple[GapView, ...]
    unexplained: Table
    problems: tuple[str, ...]
    stats: str


def view_of(diagnosis: Diagnosis) -> View:
    """Return the view of a diagnosis."""
    window, told = diagnosis.window, diagnosis.summary
    return View(
        status=diagnosis.status,
        project=plain(diagnosis.project),
        stretch=stretch(window),
        summary=plain(diagnosis.summary),
        root_causes=tuple(cause_view(one, window, told=told) for one in diagnosis.root_causes),
        contributing=tuple(cause_view(one, window, told=told) for one in diagnosis.contributing),
        warnings=tuple(cause_view(one, window, told=told) for one in diagnosis.warnings),
        suspects=suspect_table(diagnosis.suspects),
        candidates=candidate_table(diagnosis.candidates),
        next_check=_next_check(diagnosis),
        ruled_out=ruled_out_table(diagnosis.ruled_out),
        services=service_table(diagnosis.services, window),
        timeline=timeline_table(diagnosis.timeline, window),
        gaps=tuple(_gap_view(one) for one in diagnosis.gaps),
        unexplained=unexplained_table(diagnosis.unexplained, window),
        problems=tuple(plain(one) for one in diagnosis.problems),
        stats=_stats(diagnosis),
    )


def _next_check(diagnosis: Diagnosis) -> Step | None:
    """Return the next check, with the command that it ends in, if any, on its own.

    The text before the command quotes Google's answers, so only the end of it may count as a command: that
    of a known gap, or the one that reads a service's logs.
    """
    text = diagnosis.next_check.strip()
    if not text:
        return None
    for command in (*(one.fix for one in diagnosis.gaps), _reading_of(text)):
        if command and text.endswith(command):
            return Step(command=command_line(command), text=plain(text.removesuffix(command)), risk="")
    return Step(command="", text=plain(text), risk="")


def _reading_of(text: str) -> str:
    before, found, after = text.rpartition(": gcloud logging read ")
    return f"gcloud logging read {after}" if found and before.startswith("Read what ") else ""


def _gap_view(gap: Gap) -> GapView:
    return GapView(
        check=plain(gap.check),
        reason=plain(gap.reason),
        permission=plain(gap.permission) if gap.permission else "",
        fix=command_line(gap.fix),
    )


def _stats(diagnosis: Diagnosis) -> str:
    parts = [f"{counted(diagnosis.log_entries, 'log entry')} read"]
    if diagnosis.calls:
        parts.append(counted(sum(diagnosis.calls.values()), "API call"))
    if diagnosis.duration is not None:
        parts.append(f"{diagnosis.duration.total_seconds():.1f} s")
    return " · ".join((*parts, "times are UTC"))
