"""The guards of a probe from inside: those of plans and of the project, since no service is changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gcpdiag.model.json import text_at
from gcpdiag.remediate.guard import Registry, Situation, Verdict
from gcpdiag.remediate.guards import GUARDS
from gcpdiag.remediate.job_plan import JobPlan
from gcpdiag.remediate.policy import Policy

JOB_GUARDS = ("plan-intact", "plan-fresh", "plan-own", "server-accepts", "project-allowed")
"""Cool-down, limits of changes, leases and rollouts are about services; what probes is free of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """Who wants a job run, and how; ``confirmed`` is the service's name as a person typed it, for production."""

    digest: str
    actor: str
    policy: Policy
    production: bool
    confirmed: str


def judge_job(made: JobPlan, request: JobRequest, *, now: datetime) -> tuple[Verdict, ...]:
    """Return what guards say to a probe from inside; nothing is changed."""
    service = text_at(made.service, "name")
    situation = Situation(
        plan=made.plan,
        step=replace(made.plan.steps[0], target=service),  # whose name it is that production asks for
        service=made.service,
        etag="",
        generation="",
        digest=request.digest,
        now=now,
        actor=request.actor,
        policy=request.policy,
        production=request.production,
        confirmed=request.confirmed,
    )
    return Registry(guards=tuple(GUARDS.by_id[one] for one in JOB_GUARDS)).evaluate(situation)
