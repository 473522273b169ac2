"""A situation in which every guard passes, for a test to spoil."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta

from gcpdiag.model.diagnosis import Diagnosis, NamedCause, Status
from gcpdiag.model.json import JsonObject, object_at, objects_at
from gcpdiag.model.plan import Plan, Step
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.guard import Guard, Judgement, Situation
from gcpdiag.remediate.guards import GUARDS
from gcpdiag.remediate.history import Change
from gcpdiag.remediate.planning import Occasion, plan_of
from tests.remediate.services import NOON, TARGET, service

ALICE = Occasion(author="alice", host="desk", reason="a test")
LIMITS = {"memory", "cpu"}


def changed(told: JsonObject | None = None, /, **limits: int | str) -> tuple[JsonObject, JsonObject]:
    """A service as it is, and with other limits."""
    before = told or service()
    after = copy.deepcopy(before)
    for name, value in limits.items():
        if name in LIMITS:
            object_at(objects_at(after, "template.containers")[0], "resources.limits")[name] = value
        elif name == "concurrency":
            object_at(after, "template")["maxInstanceRequestConcurrency"] = value
        else:
            object_at(after, "template.scaling")[f"{name}InstanceCount"] = value
    return before, after


def step(before: JsonObject, after: JsonObject, *, mask: tuple[str, ...] = ("template",), **told: object) -> Step:
    outlook = Outlook(risk="low", is_disruptive=False, effect="", cost="same")
    return replace(step_of("scale", before, after, mask, outlook), **told)  # type: ignore[arg-type]


def plan(one: Step, **told: object) -> Plan:
    return replace(plan_of([one], ALICE, plan_id="p1", now=NOON), **told)  # type: ignore[arg-type]


def situation(one: Step | None = None, *, of_plan: dict[str, object] | None = None, **told: object) -> Situation:
    """Alice wants to give the service twice the memory, and nothing speaks against it."""
    one = one or step(*changed(memory="1Gi"))
    made = plan(one, **(of_plan or {}))
    found = Situation(
        plan=made,
        step=one,
        service=service(),
        etag='"seven"',
        generation="7",
        digest=made.digest,
        now=NOON + timedelta(minutes=1),
        actor="alice",
    )
    return replace(found, **told)  # type: ignore[arg-type]


def guard(name: str) -> Guard:
    return GUARDS.by_id[name]


def judged(name: str, told: Situation) -> Judgement:
    return guard(name).judge(told)


def diagnosis(status: Status = "incident", *causes: tuple[str, float]) -> Diagnosis:
    return Diagnosis(
        project="demo",
        window=Window(start=NOON - timedelta(hours=1), end=NOON),
        status=status,
        summary="",
        services=(),
        root_causes=tuple(_cause(*one) for one in causes),
    )


def _cause(name: str, confidence: float) -> NamedCause:
    return NamedCause(
        id=name,
        title="",
        summary="",
        service=ServiceRef(name="api", region="us-central1"),
        resource="",
        confidence=confidence,
        prior=0,
        evidence=(),
    )


def change(minutes_ago: float, *, target: str = TARGET, **told: object) -> Change:
    at = NOON + timedelta(minutes=1) - timedelta(minutes=minutes_ago)
    found = Change(
        id=f"c{minutes_ago}",
        run=f"c{minutes_ago}",
        kind="scale",
        target=target,
        plan="p0",
        digest="",
        who="alice",
        host="desk",
        process=1,
        at=at,
        mask=("template",),
        outcome="applied",
    )
    return replace(found, **told)  # type: ignore[arg-type]


def with_env(told: JsonObject, **values: str) -> JsonObject:
    container = objects_at(told, "template.containers")[0]
    container["env"] = [{"name": name, "value": value} for name, value in values.items()]
    return told
