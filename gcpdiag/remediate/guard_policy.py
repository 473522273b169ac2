"""Guards of the policy: where, how much, how often."""

from __future__ import annotations

from datetime import datetime

from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.guard import Guard, Judgement, Passed, Refused, Situation
from gcpdiag.remediate.guard_size import sizes_of
from gcpdiag.remediate.history import incident_of, project_of


def judge_project_allowed(situation: Situation) -> Judgement:
    """Judge whether the policy lets anything be changed in the project; production takes more."""
    project, policy, service = project_of(situation.step.target), situation.policy, situation.step.service
    if not policy.allows(project):
        allowed = ", ".join(policy.allowed_projects) or "none"
        return Refused(f"{policy.origin} allows changes in {allowed}, not in {project}", "Ask who keeps the policy")
    if not (policy.is_production(project) or situation.plan.production):
        return Passed(f"{project} is no production project")
    if not situation.production:
        return Refused(f"{project} is production", f"Give --production, and type the service's name, {service}")
    if situation.confirmed != service:
        return Refused(
            f"{project} is production, and the service's name was not typed", f"Type {service}, or give --confirm"
        )
    return Passed(f"production, confirmed for {service}")


def judge_one_service(situation: Situation) -> Judgement:
    """Judge whether a single service is touched, and no other one is in the middle of a change."""
    targets = {one.target for one in situation.plan.steps} | set(situation.plan.radius.services)
    if len(targets) > 1:
        names = ", ".join(sorted(last_segment(one) for one in targets))
        return Refused(f"the plan touches {len(targets)} services: {names}", "Make a plan for each of them")
    others = [
        one
        for one in situation.open_runs
        if one.run != situation.run
        and one.target != situation.step.target
        and project_of(one.target) == project_of(situation.step.target)
    ]
    if others and not situation.is_undo:
        name = last_segment(others[-1].target)
        return Refused(f"a change of {name} has no known end yet ({others[-1].run})", "Run `gcpdiag resume` first")
    return Passed("one service")


def judge_at_most_doubling(situation: Situation) -> Judgement:
    """Judge whether nothing grows by more than the policy's factor."""
    if situation.is_undo:
        return Passed("going back is no growth")
    factor = situation.policy.max_factor
    before, after = sizes_of(situation.step.before), sizes_of(situation.step.after)
    too_much = [
        f"{label} from {size.text} to {after[label].text} (at most {size.times(factor)})"
        for label, size in before.items()
        if label in after and after[label].number > max(size.number, size.least) * factor
    ]
    if too_much:
        return Refused(f"too much at once: {'; '.join(too_much)}", "Go there in steps, and look in between")
    return Passed(f"nothing grows by more than {factor:g} times")


def judge_cool_down(situation: Situation) -> Judgement:
    """Judge whether the last change of the service has had time to show its effect."""
    earlier = [one for one in situation.history if one.target == situation.step.target and one.counts]
    earlier = [one for one in earlier if one.run != situation.run]
    if situation.is_undo or not earlier:
        return Passed("nothing to wait for")
    last, wait = earlier[-1], situation.policy.cool_down
    ready_at: datetime = last.at + wait
    if situation.now < ready_at:
        return Refused(
            f"the last change of the service ({last.kind}, {last.id}) was at {last.at:%H:%M:%S} UTC",
            f"Watch its effect until {ready_at:%H:%M:%S} UTC, or take it back with `gcpdiag undo {last.id}`",
        )
    return Passed(f"the last change was at {last.at:%Y-%m-%d %H:%M} UTC")


def judge_actions_per_incident(situation: Situation) -> Judgement:
    """Judge whether not too much was tried in this incident already."""
    if situation.is_undo:
        return Passed("taking something back does not count")
    project, most = project_of(situation.step.target), situation.policy.max_actions
    tried = [
        one
        for one in incident_of(situation.history, project, situation.now)
        if not one.undoes and one.run != situation.run
    ]
    if len(tried) >= most:
        kinds = ", ".join(f"{one.kind} of {last_segment(one.target)}" for one in tried)
        return Refused(
            f"{len(tried)} changes in this incident already ({kinds}), and {most} are the limit",
            "Take back what did not help (`gcpdiag undo --incident`), and look for the cause again",
        )
    return Passed(f"{len(tried)} of {most} changes in this incident")


POLICY_GUARDS = (
    Guard(
        id="project-allowed",
        title="The policy allows changes here",
        doc="The project is on the policy's list; production takes --production and the service's name, typed.",
        judge=judge_project_allowed,
    ),
    Guard(
        id="one-service-at-a-time",
        title="One service at a time",
        doc="The plan touches one service, and no other service of the project is in the middle of a change.",
        judge=judge_one_service,
        can_be_overridden=False,
    ),
    Guard(
        id="at-most-doubling",
        title="At most doubling",
        doc="No limit (memory, CPU, concurrency, instances) grows by more than the policy's factor, two.",
        judge=judge_at_most_doubling,
    ),
    Guard(
        id="cool-down",
        title="The last change has had time to show",
        doc="The policy's cool-down, five minutes, has passed since the last change of this service from here.",
        judge=judge_cool_down,
    ),
    Guard(
        id="actions-per-incident",
        title="Not too many changes in one incident",
        doc="Fewer changes than the policy's limit, three, were made in this project in the incident that goes on.",
        judge=judge_actions_per_incident,
    ),
)
