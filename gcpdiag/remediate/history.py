"""What the journal tells of past changes: each with how it ended, and which changes belong to one incident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from gcpdiag.model.json import JsonObject, number_at, object_at, text_at, texts_at

INCIDENT_GAP = timedelta(hours=1)
"""Changes in one project belong to one incident as long as no more time than this lies between two of them."""

Outcome = Literal["unknown", "accepted", "applied", "failed", "pending", "not-applied"]
_OUTCOMES: dict[str, Outcome] = {
    "accepted": "accepted",
    "applied": "applied",
    "failed": "failed",
    "pending": "pending",
    "not-applied": "not-applied",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step that was about to be sent, or was: what it changes, and how it ended as far as the journal knows.

    ``outcome`` is ``unknown`` when only the intent is there, ``accepted`` when the server took it and nobody saw the
    end, ``pending`` when it still rolled out when last looked at, ``failed`` when it changed the service but did not
    become ready, and ``not-applied`` when nothing was changed. ``undoes`` and ``undone_by`` name other changes.
    ``etag`` is the one that it was sent with, ``newest_before`` the newest revision by then.
    ``observed`` is what the fields under the mask were when the change was last seen in effect, defaults filled in.
    """

    id: str
    run: str
    kind: str
    target: str
    plan: str
    digest: str
    who: str
    host: str
    process: int
    at: datetime
    mask: tuple[str, ...]
    etag: str = ""
    newest_before: str = ""
    before: JsonObject = field(default_factory=dict)
    after: JsonObject = field(default_factory=dict)
    observed: JsonObject = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    outcome: Outcome = "unknown"
    operation: str = ""
    message: str = ""
    undoes: str = ""
    undone_by: str = ""

    @property
    def project(self) -> str:
        """The project of the target."""
        return project_of(self.target)

    @property
    def counts(self) -> bool:
        """It changed something, or may have."""
        return self.outcome != "not-applied"

    @property
    def can_be_undone(self) -> bool:
        """It changed something, is no undoing itself, and was not undone yet."""
        return self.counts and not self.undoes and not self.undone_by


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that began and whose end nobody wrote down, or that was still rolling out at its end."""

    run: str
    target: str
    who: str
    host: str
    process: int
    at: datetime
    is_pending: bool = False


def project_of(name: str) -> str:
    """Return the project in a full resource name."""
    steps = name.split("/")
    return steps[1] if len(steps) > 1 and steps[0] == "projects" else ""


def change_id(run: str, step: int) -> str:
    """Return the id of a step of a run, as people name it."""
    return run if step == 0 else f"{run}.{step}"


def changes_of(records: Iterable[JsonObject]) -> tuple[Change, ...]:
    """Return every step that the journal knows of, oldest first."""
    started: dict[str, JsonObject] = {}
    found: dict[str, Change] = {}
    for record in records:
        run, event = text_at(record, "run"), text_at(record, "event")
        if event == "started":
            started[run] = record
        elif event == "intent":
            change = _intended(record, started.get(run, {}))
            found[change.id] = change
        elif event in ("outcome", "settled"):
            _note(found, change_id(run, _step(record)), record)
    for change in tuple(found.values()):
        undone = found.get(change.undoes)
        if undone is not None and change.outcome in ("accepted", "applied", "pending"):
            found[undone.id] = replace(undone, undone_by=change.id)
    return tuple(found.values())


def open_runs(records: Iterable[JsonObject]) -> tuple[OpenRun, ...]:
    """Return the runs that somebody has to settle, oldest first."""
    found: dict[str, OpenRun] = {}
    for record in records:
        run, event = text_at(record, "run"), text_at(record, "event")
        if event == "started":
            found[run] = OpenRun(
                run=run,
                target=text_at(record, "target"),
                who=text_at(record, "who"),
                host=text_at(record, "host"),
                process=int(number_at(record, "pid") or 0),
                at=_moment(record),
            )
        elif event == "finished" and run in found:
            if text_at(record, "result") == "pending":
                found[run] = replace(found[run], is_pending=True)
            else:
                del found[run]
    return tuple(found.values())


def incident_of(changes: Sequence[Change], project: str, now: datetime) -> tuple[Change, ...]:
    """Return the changes of the incident that goes on in a project, oldest first; none after an hour's rest."""
    belonging: list[Change] = []
    next_at = now
    for change in reversed([one for one in changes if one.project == project and one.counts]):
        if next_at - change.at > INCIDENT_GAP:
            break
        belonging.append(change)
        next_at = change.at
    return tuple(reversed(belonging))


def _intended(record: JsonObject, started: JsonObject) -> Change:
    run = text_at(record, "run")
    return Change(
        id=change_id(run, _step(record)),
        run=run,
        kind=text_at(record, "kind"),
        target=text_at(record, "target"),
        plan=text_at(started, "plan.id"),
        digest=text_at(started, "plan.digest"),
        who=text_at(started, "who"),
        host=text_at(started, "host"),
        process=int(number_at(started, "pid") or 0),
        at=_moment(record),
        mask=tuple(texts_at(record, "request.update_mask")),
        etag=text_at(record, "request.etag"),
        newest_before=text_at(record, "newest_revision"),
        before=object_at(record, "before"),
        after=object_at(record, "after"),
        causes=tuple(texts_at(started, "plan.causes")),
        undoes=text_at(record, "undoes"),
    )


def _note(found: dict[str, Change], name: str, record: JsonObject) -> None:
    change = found.get(name)
    if change is None:
        return
    outcome = _OUTCOMES.get(text_at(record, "result"), "unknown")
    operation = text_at(record, "operation") or change.operation
    observed = object_at(record, "observed") or change.observed
    found[name] = replace(
        change, outcome=outcome, operation=operation, message=text_at(record, "message"), observed=observed
    )


def _step(record: JsonObject) -> int:
    return int(number_at(record, "step") or 0)


def _moment(record: JsonObject) -> datetime:
    try:
        moment = datetime.fromisoformat(text_at(record, "at"))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
