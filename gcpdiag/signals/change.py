"""Changes: what the audit log says was altered, by whom, and how a service's configuration differs from before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.bundle.knative import is_knative, service_from_knative
from gcpdiag.model.json import Json, JsonObject, field_at, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import ServiceRef, last_segment, location_of
from gcpdiag.model.window import in_utc

ChangeKind = Literal["deploy", "traffic", "delete", "other"]

_CREATED = "revision created"  # no method of the API: what a revision tells of itself
_DEFAULT_PERIOD = 240  # seconds: one TCP probe as long as a start may take
_DEPLOY_TAKES = 120.0  # seconds between the call and the creation of the revision
_NOTES = frozenset({"annotations", "labels", "description", "client", "client_version", "clientVersion"})
_READS = ("get", "list", "describe", "connect", "test", "query", "watch")
_FIELDS = {
    "egress": "template.vpcAccess.egress",
    "connector": "template.vpcAccess.connector",
    "network": "template.vpcAccess.networkInterfaces",
    "concurrency": "template.maxInstanceRequestConcurrency",
    "timeout": "template.timeout",
    "max instances": "template.scaling.maxInstanceCount",
    "min instances": "template.scaling.minInstanceCount",
    "service account": "template.serviceAccount",
    "Cloud SQL": "template.volumes",
}
_CONTAINER_FIELDS = {
    "image": "image",
    "memory": "resources.limits.memory",
    "cpu": "resources.limits.cpu",
    "port": "ports",
    "startup probe": "startupProbe",
    "liveness probe": "livenessProbe",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One configuration field with the text of its value before and after; empty is unset."""

    name: str
    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before or 'unset'} → {self.after or 'unset'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One administrative change; ``service`` is set when it is a Cloud Run service's, ``after`` its new shape."""

    at: float
    kind: ChangeKind
    method: str
    resource: str
    failed: bool
    service: ServiceRef | None = None
    after: JsonObject | None = None
    fields: tuple[FieldChange, ...] = ()

    @property
    def source(self) -> str:
        """The bundle source that tells of it: the audit log, or the revision that came of it."""
        return "run.revisions" if self.method == _CREATED else LOG_ENTRIES

    @property
    def text(self) -> str:
        """What happened, in a few words."""
        if self.service is None or self.kind == "other":
            return f"{self.method.rsplit('.', 1)[-1]} {last_segment(self.resource)} ({self.method})"
        verb = {"traffic": "traffic of {} changed", "delete": "{} deleted"}.get(self.kind, "{} deployed")
        told = verb.format(self.service.name)
        shown = [str(field) for field in self.fields]
        return f"{told}: {'; '.join(shown)}" if shown else told


def change_of(payload: JsonObject, *, at: float, labels: dict[str, str], project: str) -> Change | None:
    """Return the change that an admin activity entry tells of; None when it only read, or only reports status."""
    method = text_at(payload, "methodName")
    verb = method.rsplit(".", 1)[-1].lower()
    if not method or verb.startswith(_READS) or method.startswith("/") or _serves_the_same(payload):
        return None
    resource = text_at(payload, "resourceName")
    failed = bool(number_at(payload, "status.code"))
    if text_at(payload, "serviceName") != "run.googleapis.com":
        return Change(at=at, kind="other", method=method, resource=resource, failed=failed)
    region = labels.get("location") or location_of(resource)
    name = labels.get("service_name") or last_segment(resource)
    if "service" not in method.lower() or not name:
        return Change(at=at, kind="other", method=method, resource=resource, failed=failed)
    after = _requested_service(payload, project=project, region=region)
    return Change(
        at=at,
        kind=_kind(payload, verb),
        method=method,
        resource=resource,
        failed=failed,
        service=ServiceRef(name=name, region=region),
        after=after,
    )


def _serves_the_same(payload: JsonObject) -> bool:
    """Tell whether an update touched nothing but notes on a service, such as the lock that a change of ours takes."""
    mask = text_at(payload, "request.updateMask")
    return bool(mask) and set(mask.split(",")) <= _NOTES


def _kind(payload: JsonObject, verb: str) -> ChangeKind:
    if verb.startswith("delete"):
        return "delete"
    agent = text_at(payload, "requestMetadata.callerSuppliedUserAgent")
    mask = text_at(payload, "request.updateMask")
    if "run.services.update-traffic" in agent or mask == "traffic":
        return "traffic"
    return "other" if verb == "setiampolicy" else "deploy"


def _requested_service(payload: JsonObject, *, project: str, region: str) -> JsonObject | None:
    """Return the service that the call asked for, as v2; the request carries it in v1 or v2 shape."""
    service = object_at(payload, "request.service")
    if not service:
        return None
    if is_knative(service) or "spec" in service:
        return service_from_knative(service, project=project, region=region)
    return service if "template" in service else None


def with_revisions(changes: Iterable[Change], revisions: Iterable[JsonObject]) -> list[Change]:
    """Return the changes with the deployments that only a revision's creation tells of, and what those deployed.

    The audit log may be missing, cut off, or without the request; a revision is what really came of a deployment.
    """
    untold = list(changes)
    deploys: list[Change] = []
    for revision in revisions:
        deployed = _deployment(revision)
        if deployed is None:
            continue
        told = next((one for one in untold if _same_deployment(one, deployed)), None)
        if told is None:
            deploys.append(deployed)
        else:
            untold.remove(told)
            deploys.append(replace(told, after={**(told.after or {}), "template": revision}))
    return untold + deploys


def _deployment(revision: JsonObject) -> Change | None:
    name, service = text_at(revision, "name"), text_at(revision, "service")
    service = service if "/" in service else name.rsplit("/revisions/", 1)[0]
    try:
        created = datetime.fromisoformat(text_at(revision, "createTime"))
    except ValueError:
        return None
    return Change(
        at=in_utc(created).timestamp(),
        kind="deploy",
        method=_CREATED,
        resource=name,
        failed=False,
        service=ServiceRef(name=last_segment(service), region=location_of(name)),
        after={"template": revision},
    )


def _same_deployment(told: Change, revision: Change) -> bool:
    same = told.kind == "deploy" and told.service == revision.service
    return same and -_DEPLOY_TAKES <= revision.at - told.at <= _DEPLOY_TAKES


def with_differences(changes: Iterable[Change]) -> list[Change]:
    """Return the changes in time order, each service change with its difference from the one before it."""
    latest: dict[ServiceRef, JsonObject] = {}
    ordered: list[Change] = []
    for change in sorted(changes, key=lambda one: (one.at, one.resource, one.method, str(one.after))):
        before = latest.get(change.service) if change.service else None
        if change.after is not None and before is not None:
            ordered.append(replace(change, fields=difference(before, change.after)))
        else:
            ordered.append(change)
        if change.service and change.after is not None and not change.failed:
            latest[change.service] = change.after
    return ordered


def difference(before: JsonObject, after: JsonObject) -> tuple[FieldChange, ...]:
    """Return the fields that matter for serving and differ between two v2 services."""
    pairs = [
        (name, path, _shown(field_at(before, path)), _shown(field_at(after, path))) for name, path in _FIELDS.items()
    ]
    old, new = _without_default_probe(main_container(before)), _without_default_probe(main_container(after))
    pairs += [
        (name, f"container.{path}", _shown(field_at(old, path)), _shown(field_at(new, path)))
        for name, path in _CONTAINER_FIELDS.items()
    ]
    pairs.append(("environment", "container.env", _names(old), _names(new)))
    return tuple(
        FieldChange(name=name, path=path, before=was, after=now) for name, path, was, now in pairs if was != now
    )


def _without_default_probe(container: JsonObject) -> JsonObject:
    """Return the container without the startup probe that Cloud Run writes in where none was configured."""
    probe = object_at(container, "startupProbe")
    if (
        "tcpSocket" in probe
        and number_at(probe, "periodSeconds") == _DEFAULT_PERIOD
        and number_at(probe, "failureThreshold") == 1
    ):
        return {key: value for key, value in container.items() if key != "startupProbe"}
    return container


def main_container(service: JsonObject) -> JsonObject:
    """Return the container that takes requests: the one with a port, else the first."""
    template = object_at(service, "template") or service
    containers = objects_at(template, "containers")
    with_port = [one for one in containers if one.get("ports")]
    return next(iter(with_port or containers), {})


def _names(container: JsonObject) -> str:
    """Return the names of environment variables; their values are never read here."""
    return ", ".join(sorted(text_at(one, "name") for one in objects_at(container, "env")))


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(value[key])}" for key in sorted(value))
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    if isinstance(value, float) and value.is_integer():  # audit payloads carry every number as a float
        return str(int(value))
    return "" if value is None else str(value)
