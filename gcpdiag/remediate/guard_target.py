"""Guards of the plan and its target: nothing has moved since the plan was made, and nobody else is at it."""

from __future__ import annotations

from datetime import timedelta

from gcpdiag.model.field_mask import differences
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.resource import last_segment
from gcpdiag.model.sealed import sealed
from gcpdiag.remediate.guard import Guard, Judgement, Passed, Refused, Situation
from gcpdiag.remediate.history import project_of
from gcpdiag.remediate.lease import lease_of

_AGAIN = "Make a new plan from the service as it is now"
_SKEW = timedelta(minutes=1)  # how far the clock of the planning machine may be ahead
_FIELDS_SHOWN = 3
_FAILED = "CONDITION_FAILED"
_UNSETTLED = frozenset({"CONDITION_RECONCILING", "CONDITION_PENDING"})


def judge_plan_intact(situation: Situation) -> Judgement:
    """Judge whether the plan is the one that was promised."""
    plan = situation.plan
    if plan.digest != situation.digest:
        return Refused("the plan is not the one that was written down: its digest differs", _AGAIN)
    if any(project_of(step.target) != plan.project for step in plan.steps):
        return Refused("the plan names another project than its target is in", _AGAIN)
    return Passed(f"digest {plan.digest[:12]}")


def judge_plan_fresh(situation: Situation) -> Judgement:
    """Judge whether the plan has not expired."""
    plan, now = situation.plan, situation.now
    if now >= plan.expires_at:
        return Refused(f"the plan expired at {plan.expires_at:%H:%M:%S} UTC, and it is {now:%H:%M:%S}", _AGAIN)
    if plan.created_at > now + _SKEW:
        return Refused(f"the plan is of a later time, {plan.created_at:%Y-%m-%d %H:%M:%S} UTC", "Check the clocks")
    return Passed(f"it holds until {plan.expires_at:%H:%M:%S} UTC")


def judge_plan_own(situation: Situation) -> Judgement:
    """Judge whether who applies the plan is who made it."""
    plan = situation.plan
    if plan.author == situation.actor:
        return Passed(f"made by {plan.author}")
    return Refused(f"the plan is {plan.author}'s, and you are {situation.actor}", "Make a plan of your own")


def judge_server_accepts(situation: Situation) -> Judgement:
    """Judge whether Google's own validation took the change."""
    told = situation.plan.validation
    if told in ("", "accepted"):
        return Passed("validated by the server" if told else "the server was not asked")
    return Refused(f"the server did not accept it: {told}", "Change what it complains about, and make a new plan")


def judge_target_unchanged(situation: Situation) -> Judgement:
    """Judge whether the service is what the plan was made from."""
    step, service = situation.step, situation.service
    if service is None:
        return Refused(f"{step.service} does not exist any more", "Check its name, region and project")
    changed = differences(step.before, sealed(service), step.update_mask)
    is_same = (text_at(service, "etag"), text_at(service, "generation")) == (situation.etag, situation.generation)
    if is_same and not changed:
        return Passed(f"generation {situation.generation}")
    by = text_at(service, "lastModifier") or "somebody"
    what = ", ".join(one.path for one in changed[:_FIELDS_SHOWN]) or "something that the plan does not touch"
    generations = f"generation {situation.generation} became {text_at(service, 'generation')}"
    return Refused(f"the service was changed since the plan was made, by {by} ({generations}: {what})", _AGAIN)


def judge_no_rollout(situation: Situation) -> Judgement:
    """Judge whether no other update of the service is rolling out."""
    service = situation.service or {}
    if situation.is_undo:
        return Passed("taking a change back may interrupt its rollout")
    if is_rolling_out(service):
        latest = last_segment(text_at(service, "latestCreatedRevision"))
        return Refused(f"an update of the service is rolling out (newest revision {latest})", "Wait until it has ended")
    return Passed("the service is settled")


def is_rolling_out(service: JsonObject) -> bool:
    """Tell whether an update is under way.

    After a failed rollout ``observedGeneration`` stays behind for good (run.v2 ``Service.reconciling``), so that
    alone does not count then.
    """
    state = text_at(service, "terminalCondition.state")
    if service.get("reconciling") is True or state in _UNSETTLED:
        return True
    observed = text_at(service, "observedGeneration")
    return bool(observed) and observed != text_at(service, "generation") and state != _FAILED


def judge_not_locked(situation: Situation) -> Judgement:
    """Judge whether nobody else acts on the service."""
    lease = lease_of(situation.service or {})
    if lease is not None and not (lease.run and lease.run == situation.run) and lease.holds_at(situation.now):
        return Refused(lease.describe(), "Wait, or ask them; a lock of somebody who is gone expires by itself")
    local = situation.local_lease
    if local is not None and local.run != situation.run:
        return Refused(f"on this machine, {local.describe()}", "Wait for it to end")
    left = [one for one in situation.open_runs if one.target == situation.step.target and one.run != situation.run]
    if situation.is_undo:  # what still rolls out may be taken back; what was interrupted has to be settled before
        left = [one for one in left if not one.is_pending]
    if left:
        told = f"{left[-1].run} of {left[-1].at:%Y-%m-%d %H:%M} UTC was interrupted, or is still rolling out"
        return Refused(f"an earlier change of the service has no known end: {told}", "Run `gcpdiag resume` first")
    return Passed("nobody else acts on it")


TARGET_GUARDS = (
    Guard(
        id="plan-intact",
        title="The plan is the one that was shown",
        doc="The digest over the plan's contents is the one that was written down or agreed to.",
        judge=judge_plan_intact,
        can_be_overridden=False,
    ),
    Guard(
        id="plan-fresh",
        title="The plan has not expired",
        doc="A plan holds for fifteen minutes: after that, what it was made from is history.",
        judge=judge_plan_fresh,
        can_be_overridden=False,
    ),
    Guard(
        id="plan-own",
        title="The plan is your own",
        doc="Who applies a plan is who made it, and so has seen it.",
        judge=judge_plan_own,
    ),
    Guard(
        id="server-accepts",
        title="The server accepts the change",
        doc="Cloud Run's own validation of the request, asked for at plan time, found nothing wrong.",
        judge=judge_server_accepts,
    ),
    Guard(
        id="target-unchanged",
        title="The target is what the plan was made from",
        doc="Etag, generation, and every field that the step sets are as they were when the plan was made.",
        judge=judge_target_unchanged,
        can_be_overridden=False,
    ),
    Guard(
        id="no-rollout-in-progress",
        title="No rollout is in progress",
        doc="No other update of the service is under way, whose effect nobody knows yet.",
        judge=judge_no_rollout,
    ),
    Guard(
        id="not-locked",
        title="Nobody else acts on the service",
        doc="No lease of somebody else is on the service, no other process here changes it, and no run was left open.",
        judge=judge_not_locked,
    ),
)
