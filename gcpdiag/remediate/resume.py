"""After a crash: every run whose end nobody wrote down is settled by reading its target; nothing is done again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gcpdiag.gcp.failure import CallError
from gcpdiag.model.field_mask import masked
from gcpdiag.model.json import JsonObject
from gcpdiag.model.resource import last_segment
from gcpdiag.model.sealed import sealed
from gcpdiag.remediate.history import Change, OpenRun, change_id, changes_of, open_runs
from gcpdiag.remediate.request import Workshop
from gcpdiag.remediate.rollout import PATIENCE, watch_rollout
from gcpdiag.remediate.settle import release_lease, settle

Settlement = Literal["applied", "failed", "pending", "not-applied", "unknown", "running", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one open run: as in a receipt, or ``running`` (still at work), or ``unreadable`` (try later)."""

    run: str
    target: str
    result: Settlement
    message: str
    problems: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """The run has an end now."""
        return self.result in ("applied", "failed", "not-applied")

    def to_json(self) -> JsonObject:
        """Return it as ``--output json`` prints it."""
        return {
            "run": self.run,
            "target": self.target,
            "outcome": self.result,
            "message": self.message,
            "problems": [*self.problems],
        }


def resume(workshop: Workshop, *, target: str = "", patience: float = PATIENCE) -> tuple[Settled, ...]:
    """Settle every open run, or those of one target, oldest first; the only thing it may send takes a lock away."""
    records = workshop.journal.read().records
    changes = changes_of(records)
    wanted = [one for one in open_runs(records) if target in ("", one.target)]
    return tuple(_settle_run(workshop, one, changes, patience) for one in wanted)


def _settle_run(workshop: Workshop, run: OpenRun, changes: Iterable[Change], patience: float) -> Settled:
    now = workshop.clock.now()
    if workshop.locks.is_held_elsewhere(run.target, run.run, now):
        return Settled(run=run.run, target=run.target, result="running", message="it is still at work")
    mine = [one for one in changes if one.run == run.run]
    workshop.on_progress(f"looking at {last_segment(run.target)} for {run.run}")
    try:
        result, message = _end_of(workshop, mine, patience)
    except CallError as error:
        if error.failure.kind != "not-found":
            return Settled(run=run.run, target=run.target, result="unreadable", message=error.failure.text)
        result, message = "not-applied", "the service does not exist any more"
    problem = release_lease(workshop.writer, run.target, run.run)
    problems = (problem,) if problem else ()
    content: JsonObject = {"result": result, "message": message, "problems": [*problems], "resumed": True}
    if not (result == "pending" and run.is_pending):
        workshop.journal.append("finished", run.run, content, at=workshop.clock.now())
    workshop.locks.release(run.target, run.run)
    return Settled(run=run.run, target=run.target, result=result, message=message, problems=problems)


def _end_of(workshop: Workshop, changes: list[Change], patience: float) -> tuple[Settlement, str]:
    """Return how a run ended; its last step tells, and it is settled where that is not known."""
    if not changes:
        return "not-applied", "it ended before anything was sent"
    last = changes[-1]
    if last.outcome in ("applied", "failed", "not-applied"):
        return last.outcome, last.message or "its last step was settled"
    if last.outcome == "unknown":
        asked = (last.before, last.after, last.mask)
        stand = settle(workshop.writer, last.target, request=asked, etag=last.etag, run=last.run)
        if stand != "applied":
            message = "nothing was changed" if stand == "not-applied" else "the service was changed by somebody since"
            _note(workshop, last, {"result": stand, "message": message})
            return stand, message
    return _watched(workshop, last, patience)


def _watched(workshop: Workshop, change: Change, patience: float) -> tuple[Settlement, str]:
    end = watch_rollout(
        workshop.writer,
        change.target,
        change.operation,
        newest_before=change.newest_before,
        clock=workshop.clock,
        on_progress=workshop.on_progress,
        patience=patience,
    )
    result: Settlement = "applied" if end.state == "ready" else end.state
    observed = masked(sealed(workshop.writer.get_service(change.target)), change.mask)
    _note(workshop, change, {"result": result, "message": end.message, "revision": end.revision, "observed": observed})
    return result, end.message


def _note(workshop: Workshop, change: Change, content: JsonObject) -> None:
    number = 0 if change.id == change_id(change.run, 0) else int(change.id.rpartition(".")[2])
    workshop.journal.append("settled", change.run, {"step": number, **content}, at=workshop.clock.now())
