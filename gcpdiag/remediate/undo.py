"""Taking changes back: the inverse of what the journal says was done, as a plan of its own, guarded like any other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject
from gcpdiag.model.nearest import nearest
from gcpdiag.model.plan import ActionKind, Plan, Step
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.action import ACTIONS
from gcpdiag.remediate.history import Change, incident_of
from gcpdiag.remediate.inverse import inverse_of
from gcpdiag.remediate.planning import Occasion, plan_of
from gcpdiag.remediate.refusal import NothingToDoError
from gcpdiag.remediate.settle import require_unmoved

_KINDS: dict[str, ActionKind] = {kind: kind for kind in ACTIONS}


def changes_to_undo(
    changes: Sequence[Change], *, name: str = "", project: str = "", incident: bool = False, now: datetime
) -> tuple[Change, ...]:
    """Return the changes that a person wants taken back, the newest first.

    ``name`` is the id of a run, a change or a plan; without one it is the last change of the project, or all of the
    incident. UsageError for a name that nothing has, NothingToDoError when nothing is left to take back.
    """
    if name:
        return (_named(changes, name),)
    found = [one for one in changes if one.can_be_undone and one.project == project]
    if incident:
        belonging = {one.id for one in incident_of(changes, project, now)}
        found = [one for one in found if one.id in belonging]
    if not found:
        raise NothingToDoError(f"the journal has no change in {project} that is left to take back")
    newest_first = found[::-1]
    return tuple(newest_first if incident else newest_first[:1])


def undo_plan(change: Change, service: JsonObject, occasion: Occasion, *, plan_id: str, now: datetime) -> Plan:
    """Return the plan that takes a change back, from the service as it was just read.

    RefusedError when what the change set was changed by somebody since; NothingToDoError when it is as it was before.
    """
    step = _step_of(change)
    back = inverse_of(step, service)
    require_unmoved(change.observed or change.after, service, change.mask)
    return plan_of([back], occasion, plan_id=plan_id, now=now)


def _named(changes: Sequence[Change], name: str) -> Change:
    found = [one for one in changes if name in (one.id, one.run, one.plan)]
    if not found:
        meant = nearest(name, [one.id for one in changes])
        hint = f"Did you mean {meant}?" if meant else "`gcpdiag history` lists what was changed from here"
        raise UsageError(f"the journal has no change {name}", hint=hint)
    left = [one for one in found if one.can_be_undone]
    if left:
        return left[-1]
    last = found[-1]
    if last.undoes:
        raise UsageError(f"{last.id} took {last.undoes} back", hint="Make a new plan instead of undoing an undo")
    why = f"it was taken back by {last.undone_by}" if last.undone_by else "it changed nothing"
    raise NothingToDoError(f"{name} needs no taking back: {why}")


def _step_of(change: Change) -> Step:
    """Return the step of a change as the journal knows it: the fields under its mask alone."""
    return Step(
        kind=_KINDS.get(change.kind, "undo"),
        target=change.target,
        before={"name": change.target, **change.before},
        after={"name": change.target, **change.after},
        update_mask=change.mask,
        etag=change.etag,
        generation="",
        risk="medium",
        is_reversible=True,
        is_disruptive=any(path.startswith("template") for path in change.mask),
        effect=f"{change.kind} of {last_segment(change.target)}",
        cost="same",
    )
