"""Guards of the diagnosis: the incident is still there, it is sure enough, and the step does not make it worse."""

from __future__ import annotations

from gcpdiag.model.diagnosis import NamedCause
from gcpdiag.remediate.guard import Guard, Judgement, Passed, Refused, Situation, Unknown
from gcpdiag.remediate.guard_harm import HARMS
from gcpdiag.remediate.guard_load import connections_told

_LOOK = "Run `gcpdiag triage` to see what is wrong now"


def judge_incident_still_there(situation: Situation) -> Judgement:
    """Judge whether what the plan answers is still wrong; a plan by hand answers nothing."""
    causes, diagnosis = situation.plan.causes, situation.diagnosis
    if situation.is_undo or not causes:
        return Passed("the plan was made by hand")
    if diagnosis is None:
        return Unknown("nobody looked whether the incident is still there", _LOOK)
    named = _named_again(situation)
    if named:
        return Passed(f"{named[0].id} is still the diagnosis")
    if diagnosis.status == "healthy":
        return Refused("nothing fails any more", "Do nothing, or make a plan by hand")
    if diagnosis.status == "inconclusive":
        return Unknown(f"the evidence does not carry {', '.join(causes)} any more", _LOOK)
    now = ", ".join(one.id for one in diagnosis.root_causes)
    return Refused(f"the plan is for {', '.join(causes)}, and the diagnosis is now {now}", _LOOK)


def judge_confident_enough(situation: Situation) -> Judgement:
    """Judge whether the diagnosis that the plan answers is sure enough to act on."""
    plan, least = situation.plan, situation.policy.min_confidence
    if situation.is_undo or not plan.causes:
        return Passed("the plan was made by hand")
    named = _named_again(situation)
    confidence = max(one.confidence for one in named) if named else plan.confidence
    if confidence is None:
        return Unknown("the plan does not tell how sure its diagnosis was", _LOOK)
    if confidence < least:
        return Refused(f"the diagnosis is {confidence:.0%} sure, and {least:.0%} is asked for", _LOOK)
    return Passed(f"{confidence:.0%} sure")


def judge_does_not_worsen(situation: Situation) -> Judgement:
    """Judge whether the step leaves alone what the diagnosed causes cannot bear more of."""
    if situation.is_undo:
        return Passed("going back is no worse than it was")
    causes = dict.fromkeys(situation.plan.causes)
    if situation.diagnosis is not None:
        causes |= dict.fromkeys(one.id for one in situation.diagnosis.root_causes)
    elif not causes:
        return Unknown("nothing was diagnosed, so nobody can tell", _LOOK)
    harms = [(cause, harm) for cause in causes for harm in HARMS.get(cause, ()) if harm.happens(situation)]
    if harms:
        told = "; ".join(f"{harm.what} would make {cause} worse: {harm.because}" for cause, harm in harms)
        reckoning = connections_told(situation) if any(harm.counts_connections for _, harm in harms) else ""
        return Refused(f"{told}{f' ({reckoning})' if reckoning else ''}", harms[0][1].instead)
    return Passed("it makes no diagnosed cause worse")


def _named_again(situation: Situation) -> list[NamedCause]:
    """Return the root causes of the fresh diagnosis that the plan is for; a category stands for all its causes."""
    if situation.diagnosis is None:
        return []
    return [
        one
        for one in situation.diagnosis.root_causes
        if any(cause in (one.id, one.category) for cause in situation.plan.causes)
    ]


CAUSE_GUARDS = (
    Guard(
        id="incident-still-there",
        title="The incident is still there",
        doc="A diagnosis made just now still names a cause that the plan answers.",
        judge=judge_incident_still_there,
    ),
    Guard(
        id="confident-enough",
        title="The diagnosis is sure enough",
        doc="Where a plan answers a diagnosis, that is at least as sure as the policy asks for.",
        judge=judge_confident_enough,
    ),
    Guard(
        id="does-not-worsen-cause",
        title="The step does not make the cause worse",
        doc="The step adds no load to what the diagnosis says is at its limit.",
        judge=judge_does_not_worsen,
        lets_unknown_pass=True,
    ),
)
