"""The actions that gcpdiag can take on a Cloud Run service, and what each of them has to declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gcpdiag.collect.permission import ACT_AS
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.plan import ActionKind, Cost, Risk, Step
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.refusal import NothingToDoError


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One kind of change: the command, the permissions it takes, its usual risk, and how it is undone."""

    kind: ActionKind
    title: str
    command: str
    permissions: tuple[str, ...]
    risk: Risk
    inverse: str


JOB_PERMISSIONS = (
    "run.services.get",
    "run.jobs.create",
    "run.jobs.run",
    "run.jobs.delete",
    "run.executions.get",
    "run.operations.get",
    "logging.logEntries.list",
    ACT_AS,
)
"""What the life of a job takes; ``actAs`` on the account that the service runs as."""

_CHANGE = ("run.services.get", "run.services.update", "run.revisions.list", "run.operations.get")

ACTIONS: Mapping[ActionKind, Action] = {
    one.kind: one
    for one in (
        Action(
            kind="restart",
            title="Restart: one more revision with the same image and configuration",
            command="gcpdiag restart SERVICE",
            permissions=(*_CHANGE, ACT_AS),
            risk="medium",
            inverse="one more revision, without the annotation that made this one",
        ),
        Action(
            kind="scale",
            title="Other limits of memory, CPU, concurrency or instances",
            command="gcpdiag scale SERVICE --memory 2Gi",
            permissions=(*_CHANGE, ACT_AS),
            risk="medium",
            inverse="the limits as they were; one more revision where this made one",
        ),
        Action(
            kind="rollback",
            title="All traffic to a revision that has served well",
            command="gcpdiag rollback SERVICE",
            permissions=_CHANGE,
            risk="medium",
            inverse="the traffic as it was split before",
        ),
        Action(
            kind="unpin",
            title="All traffic to the latest ready revision again",
            command="gcpdiag traffic unpin SERVICE",
            permissions=_CHANGE,
            risk="medium",
            inverse="the traffic as it was split before",
        ),
        Action(
            kind="egress",
            title="Which outgoing traffic takes the VPC",
            command="gcpdiag egress SERVICE --setting private-ranges-only",
            permissions=(*_CHANGE, ACT_AS),
            risk="medium",
            inverse="the setting as it was, in one more revision",
        ),
        Action(
            kind="undo",
            title="A step taken back",
            command="gcpdiag undo PLAN",
            permissions=(*_CHANGE, ACT_AS),
            risk="medium",
            inverse="the step again",
        ),
        Action(
            kind="probe",
            title="A short Cloud Run job that probes from inside, and is deleted again",
            command="gcpdiag verify --from cloud-run-job --service SERVICE",
            permissions=JOB_PERMISSIONS,
            risk="low",
            inverse="the job is deleted when its results are there, or when it failed",
        ),
    )
}
"""Every action, by its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a step will do: its risk, whether requests notice, its effect in a sentence, and what it costs."""

    risk: Risk
    is_disruptive: bool
    effect: str
    cost: Cost
    warnings: tuple[str, ...] = ()


def step_of(kind: ActionKind, service: JsonObject, after: JsonObject, mask: Sequence[str], outlook: Outlook) -> Step:
    """Return the step from a service as it was read to what it shall be; NothingToDoError when both are the same."""
    step = Step(
        kind=kind,
        target=text_at(service, "name"),
        before=service,
        after=after,
        update_mask=tuple(dict.fromkeys(mask)),
        etag=text_at(service, "etag"),
        generation=text_at(service, "generation"),
        risk=outlook.risk,
        is_reversible=True,
        is_disruptive=outlook.is_disruptive,
        effect=outlook.effect,
        cost=outlook.cost,
        warnings=outlook.warnings,
    )
    if not step.diff:
        raise NothingToDoError(f"{last_segment(step.target)} is already as wanted")
    return step
