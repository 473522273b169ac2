"""Verdicts, receipts and the history as plain text, for people; no line holds anything that a terminal would obey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gcpdiag.model.json import Json
from gcpdiag.model.resource import last_segment
from gcpdiag.model.window import rfc3339
from gcpdiag.remediate.guard import Verdict
from gcpdiag.remediate.history import Change, OpenRun
from gcpdiag.remediate.preview import render_diff
from gcpdiag.remediate.receipt import Receipt
from gcpdiag.remediate.resume import Settled

_WORDS = {
    "applied": "Done",
    "failed": "Failed",
    "pending": "Still rolling out",
    "not-applied": "Nothing was changed",
    "unknown": "Nobody knows what became of it",
    "rolled-back": "Taken back",
    "running": "Still at work",
    "unreadable": "Cannot be looked at",
}
_HEADINGS = ("when", "id", "change", "service", "outcome", "by", "")


def render_verdicts(verdicts: Iterable[Verdict]) -> str:
    """Return what guards say: those that stop, those that were overridden, and how many passed."""
    told = list(verdicts)
    lines = []
    for one in told:
        if one.stops:
            lines.append(f"Guard       {one.guard} refuses: {_plain(one.reason)}")
            lines += [f"            {_plain(one.hint)}"] if one.hint else []
        elif one.override:
            lines.append(f"Guard       {one.guard} is overridden ({_plain(one.override)}): {_plain(one.reason)}")
    passed = sum(not one.stops and not one.override for one in told)
    if passed:
        lines.append(f"Guards      {passed} of {len(told)} have nothing against it")
    return "\n".join(lines) + "\n"


def render_receipt(receipt: Receipt) -> str:
    """Return how an application ended: what was changed, where the traffic goes, and what to do now."""
    lines = [f"{_WORDS[receipt.outcome]}: {_plain(receipt.message)}"]
    if receipt.has_changed and receipt.diff:
        title = "What was changed" if receipt.outcome != "unknown" else "What may have been changed"
        lines += [f"{title} ({receipt.target}):", *render_diff(receipt.diff)]
    if receipt.serving:
        stays = "Traffic stays with" if receipt.outcome == "failed" else "Traffic goes to"
        lines.append(f"{stays} {_plain(receipt.serving)}.")
    lines += [f"Mind: {_plain(one)}" for one in receipt.problems]
    return "\n".join((*lines, *_next(receipt))) + "\n"


def render_history(changes: Sequence[Change], left: Sequence[OpenRun]) -> str:
    """Return changes as a table, oldest first, and what somebody has to settle."""
    rows = [_HEADINGS, *(_row(one) for one in changes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text = "\n".join(lines) if changes else "Nothing was changed from here."
    waiting = [one for one in left if one.run]
    if waiting:
        text += f"\n\n{len(waiting)} with no known end: run `gcpdiag resume`."
    return text + "\n"


def render_settled(settled: Sequence[Settled]) -> str:
    """Return what became of interrupted runs."""
    if not settled:
        return "Nothing is left open.\n"
    lines = []
    for one in settled:
        lines.append(f"{one.run}, {last_segment(one.target)}: {_WORDS[one.result]} ({_plain(one.message)})")
        lines += [f"  Mind: {_plain(problem)}" for problem in one.problems]
        lines += [f"  `gcpdiag undo {one.run}` takes it back"] if one.result in ("applied", "failed") else []
    return "\n".join(lines) + "\n"


def change_to_json(change: Change) -> dict[str, Json]:
    """Return a change as ``gcpdiag history --output json`` prints it."""
    return {
        "id": change.id,
        "run": change.run,
        "plan": change.plan,
        "digest": change.digest,
        "at": rfc3339(change.at),
        "kind": change.kind,
        "target": change.target,
        "outcome": change.outcome,
        "message": change.message,
        "operation": change.operation,
        "who": change.who,
        "host": change.host,
        "causes": [*change.causes],
        "update_mask": [*change.mask],
        "before": change.before,
        "after": change.after,
        "undoes": change.undoes,
        "undone_by": change.undone_by,
    }


def _row(change: Change) -> tuple[str, ...]:
    back = f"undoes {change.undoes}" if change.undoes else f"undone by {change.undone_by}" if change.undone_by else ""
    cells = (
        rfc3339(change.at),
        change.id,
        change.kind,
        last_segment(change.target),
        change.outcome,
        change.who,
        back,
    )
    return tuple(_plain(one) for one in cells)


def _next(receipt: Receipt) -> list[str]:
    """Return what a person may do now."""
    match receipt.outcome:
        case "applied" | "failed":
            if receipt.kind == "undo":
                return []
            return [f"Take it back with `gcpdiag undo {receipt.run}`."]
        case "pending" | "unknown":
            return [f"See how it ends with `gcpdiag resume`; take it back with `gcpdiag undo {receipt.run}`."]
        case _:
            return []


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in " ".join(text.split()))
