"""Scale: other limits, at the level of the service where that is enough, and else in a new revision.

Instances have two bounds each: of the service, changed within seconds, and of the revision, in its template. The lower
maximum and the higher minimum hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gcpdiag.errors import UsageError
from gcpdiag.model.field_mask import json_path
from gcpdiag.model.json import Json, JsonObject, field_at, number_at, object_at, objects_at, text_at
from gcpdiag.model.plan import Cost, Risk, Step
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.limits import (
    DEFAULT_CONCURRENCY,
    DEFAULT_CPU,
    DEFAULT_MEMORY,
    DEFAULT_MOST_INSTANCES,
    Resources,
    require_legal,
    require_legal_instances,
    require_possible,
)
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.template import Renewal, ingress_of, renewed
from gcpdiag.remediate.traffic import partial_share_warning, require_share_for_new

_SERVICE_MAX, _SERVICE_MIN = "scaling.max_instance_count", "scaling.min_instance_count"
_REVISION_MAX, _REVISION_MIN = "template.scaling.max_instance_count", "template.scaling.min_instance_count"
_CONCURRENCY = "template.max_instance_request_concurrency"
_CONTAINERS = "template.containers"
_MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleOptions:
    """What is asked for; empty and None leave a limit as it is."""

    memory: str = ""
    cpu: str = ""
    min_instances: int | None = None
    max_instances: int | None = None
    concurrency: int | None = None

    @property
    def asks_nothing(self) -> bool:
        """No limit at all is given."""
        return self == ScaleOptions()

    def require_possible(self) -> None:
        """Raise UsageError for limits that no service could have; nobody needs to be asked for that."""
        if self.asks_nothing:
            raise UsageError(
                "which limit shall change?",
                hint="Give --memory, --cpu, --concurrency, --min-instances or --max-instances",
            )
        require_possible(cpu=self.cpu, memory=self.memory, concurrency=self.concurrency)
        least = self.min_instances or 0
        require_legal_instances(least, max(1, least) if self.max_instances is None else self.max_instances)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """One limit: its name, what it was and shall be, and whether more of it costs more (1), less (-1)."""

    name: str
    before: float
    after: float
    shown: str
    cost: int = 1

    @property
    def direction(self) -> int:
        return self.cost * ((self.after > self.before) - (self.after < self.before))


def plan_scale(service: JsonObject, revisions: Sequence[JsonObject], options: ScaleOptions) -> Step:
    """Return the step that sets other limits.

    UsageError for a combination that Cloud Run does not take, with those that it takes; RefusedError when a new
    revision is needed and would get no traffic.
    """
    options.require_possible()
    changes = [*_resource_changes(service, options), *_instance_changes(service, options)]
    if not changes:
        raise NothingToDoError(f"{last_segment(text_at(service, 'name'))} has these limits already")
    bounds = _bounds(service, options)
    mask = (*_mask_of(changes), *bounds)
    renews = any(path.startswith("template.") for path in mask)
    renewal = _renewal(service, revisions) if renews else Renewal(service=service, mask=(), loose_images=())
    after = _with_resources(renewal.service, options)
    for path, count in bounds.items():
        after = _with_value(after, json_path(path).split("."), count)
    warnings = (*renewal.warnings, *(partial_share_warning(service) if renews else ()), *_warnings(changes))
    outlook = Outlook(
        risk=_risk(renewal, renews=renews),
        is_disruptive=renews or any(one.name == _MOST and one.after < one.before for one in changes),
        effect=_effect(changes, renews=renews),
        cost=_cost(changes),
        warnings=warnings,
    )
    return step_of("scale", service, after, (*mask, *renewal.mask), outlook)


def _renewal(service: JsonObject, revisions: Sequence[JsonObject]) -> Renewal:
    require_share_for_new(service)
    return renewed(service, revisions)


def _risk(renewal: Renewal, *, renews: bool) -> Risk:
    if not renews:
        return "low"
    return "high" if renewal.loose_images else "medium"


def resources_of(service: JsonObject) -> Resources:
    """Return what an instance of a service has: the container that gets the requests."""
    containers = objects_at(service, _CONTAINERS)
    limits = object_at(containers[ingress_of(containers)] if containers else {}, "resources.limits")
    cpu = text_at(limits, "cpu") or DEFAULT_CPU
    told = Resources(
        cpu=cpu,
        memory=text_at(limits, "memory") or DEFAULT_MEMORY,
        second_generation=text_at(service, "template.executionEnvironment") == "EXECUTION_ENVIRONMENT_GEN2",
    )
    concurrency = number_at(service, "template.maxInstanceRequestConcurrency")
    return replace(told, concurrency=int(concurrency or (DEFAULT_CONCURRENCY if told.cpus >= 1 else 1)))


def instance_bounds(service: JsonObject) -> tuple[int, int]:
    """Return the least and the most instances that a service may have, both levels together."""
    low = max(_count(service, _SERVICE_MIN) or 0, _count(service, _REVISION_MIN) or 0)
    high = _count(service, _REVISION_MAX) or DEFAULT_MOST_INSTANCES
    return low, min(high, _count(service, _SERVICE_MAX) or high)


_MEMORY, _CPU, _AT_ONCE, _LEAST, _MOST = "memory", "CPU", "requests at once", "least instances", "most instances"


def _resource_changes(service: JsonObject, options: ScaleOptions) -> list[_Change]:
    if not options.memory and not options.cpu and options.concurrency is None:
        return []
    now = resources_of(service)
    wanted = replace(
        now,
        cpu=options.cpu or now.cpu,
        memory=options.memory or now.memory,
        concurrency=options.concurrency if options.concurrency is not None else now.concurrency,
    )
    require_legal(wanted)
    changes = (
        _Change(name=_MEMORY, before=now.bytes, after=wanted.bytes, shown=f"{now.memory} -> {wanted.memory}"),
        _Change(name=_CPU, before=now.cpus, after=wanted.cpus, shown=f"{now.cpu} -> {wanted.cpu}"),
        _Change(
            name=_AT_ONCE,
            before=now.concurrency,
            after=wanted.concurrency,
            shown=f"{now.concurrency} -> {wanted.concurrency}",
            cost=-1,
        ),
    )
    return [one for one in changes if one.before != one.after]


def _instance_changes(service: JsonObject, options: ScaleOptions) -> list[_Change]:
    if options.min_instances is None and options.max_instances is None:
        return []
    if text_at(service, "scaling.scalingMode") == _MANUAL:
        raise RefusedError(
            f"{last_segment(text_at(service, 'name'))} has a fixed number of instances",
            cause="its scaling is manual, so that minimum and maximum mean nothing",
            hint="Set the number with `gcloud run services update SERVICE --scaling=N`, or --scaling=auto",
        )
    low, high = instance_bounds(service)
    least = low if options.min_instances is None else options.min_instances
    most = high if options.max_instances is None else options.max_instances
    require_legal_instances(least, most)
    changes = (
        _Change(name=_LEAST, before=low, after=least, shown=f"{low} -> {least}"),
        _Change(name=_MOST, before=high, after=most, shown=f"{high} -> {most}"),
    )
    return [one for one in changes if one.before != one.after]


def _bounds(service: JsonObject, options: ScaleOptions) -> dict[str, int]:
    """Return the fields to set for the bounds that are asked for: of the service where it can, else of the revision."""
    low, high = instance_bounds(service)
    least, most = options.min_instances, options.max_instances
    fields: dict[str, int] = {}
    if most is not None and most != high:
        of_service, of_revision = _count(service, _SERVICE_MAX), _count(service, _REVISION_MAX)
        if most > (of_revision or DEFAULT_MOST_INSTANCES):
            fields[_REVISION_MAX] = most
        if of_service is not None or _REVISION_MAX not in fields:
            fields[_SERVICE_MAX] = most
    if least is not None and least != low:
        if least > low or (_count(service, _SERVICE_MIN) or 0) > least:
            fields[_SERVICE_MIN] = least
        if (_count(service, _REVISION_MIN) or 0) > least:
            fields[_REVISION_MIN] = least
    return fields


def _mask_of(changes: Sequence[_Change]) -> tuple[str, ...]:
    """Return the fields of the template that changes are about, but for instances."""
    fields = {_MEMORY: _CONTAINERS, _CPU: _CONTAINERS, _AT_ONCE: _CONCURRENCY}
    return tuple(dict.fromkeys(fields[one.name] for one in changes if one.name in fields))


def _with_resources(service: JsonObject, options: ScaleOptions) -> JsonObject:
    template = dict(object_at(service, "template"))
    containers = objects_at(template, "containers")
    wanted = {"memory": options.memory, "cpu": options.cpu}
    limits: JsonObject = {name: text for name, text in wanted.items() if text}
    if limits and containers:
        place = ingress_of(containers)
        # A container without resources has CPU while it serves alone; once they are sent, that has to be said.
        resources = object_at(containers[place], "resources") or {"cpuIdle": True}
        kept: JsonObject = {**resources, "limits": {**object_at(resources, "limits"), **limits}}
        changed: list[Json] = [*containers]
        changed[place] = {**containers[place], "resources": kept}
        template["containers"] = changed
    if options.concurrency is not None:
        template["maxInstanceRequestConcurrency"] = options.concurrency
    return {**service, "template": template}


def _with_value(document: JsonObject, steps: list[str], value: int) -> JsonObject:
    """Return a document with a number set, or left out where it is zero: in protobuf, that is the same."""
    first, *rest = steps
    if rest:
        return {**document, first: _with_value(object_at(document, first), rest, value)}
    others = {key: one for key, one in document.items() if key != first}
    return {**others, first: value} if value else others


def _count(service: JsonObject, path: str) -> int | None:
    """Return a number of instances, or None: in protobuf, zero and unset are the same."""
    found = number_at(service, json_path(path)) if field_at(service, json_path(path)) else None
    return int(found) if found else None


def _effect(changes: Sequence[_Change], *, renews: bool) -> str:
    told = ", ".join(f"{one.name} {one.shown}" for one in changes)
    if renews:
        return (
            f"{told}, in a new revision. Its instances start cold;"
            " if it does not become ready, the old revision keeps serving."
        )
    return f"{told}, at the level of the service: within seconds, without a new revision."


def _cost(changes: Sequence[_Change]) -> Cost:
    directions = {one.direction for one in changes}
    return "higher" if 1 in directions else "lower" if -1 in directions else "same"


def _warnings(changes: Sequence[_Change]) -> tuple[str, ...]:
    told = {(one.name, one.after > one.before) for one in changes}
    words = {
        (_MOST, True): "More instances open more connections: see that databases behind have room for them.",
        (_MOST, False): "Requests beyond what the instances serve wait, and are then refused with 429 or 503.",
        (_LEAST, True): "Instances that are kept are paid for while they are idle.",
        (_MEMORY, False): "Instances that need more memory than that are killed.",
        (_CPU, False): "Less CPU makes requests, and starts, slower.",
        (_AT_ONCE, True): "More requests at once take more memory and connections in each instance.",
        (_AT_ONCE, False): "Fewer requests at once take more instances, and so more connections to databases.",
    }
    return tuple(text for key, text in words.items() if key in told)
