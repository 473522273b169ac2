"""Templates with Cloud Run's defaults, and the revisions that they make."""

from __future__ import annotations

import hashlib
import re
import uuid

from gcpdiag.emulator.audit import caller_of
from gcpdiag.emulator.condition import stamp, starting_conditions
from gcpdiag.emulator.container import ingress_of
from gcpdiag.emulator.limits import DEFAULT_CONCURRENCY, DEFAULT_CPU, DEFAULT_MEMORY, cpu_of
from gcpdiag.emulator.progress import REVISIONS, find, revisions_of
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment

CLIENT = ("client", "clientVersion")  # who wrote the template, which changes nothing that runs

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_NUMBER = re.compile(r"-(\d{5})-[a-z0-9]+$")


def with_defaults(template: JsonObject) -> JsonObject:
    """Return the template with the defaults that Cloud Run answers."""
    containers = objects_at(template, "containers")
    ingress = ingress_of(containers)
    filled: list[Json] = [_with_limits(one) for one in containers]
    defaulted: JsonObject = {**template, "containers": filled}
    defaults: JsonObject = {
        "timeout": "300s",
        "maxInstanceRequestConcurrency": DEFAULT_CONCURRENCY if cpu_of(ingress) >= 1 else 1,
    }
    for key, value in defaults.items():
        if not defaulted.get(key):  # 0 asks for the default
            defaulted[key] = value
    return defaulted


def _with_limits(container: JsonObject) -> JsonObject:
    resources = object_at(container, "resources")
    limits: JsonObject = {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY, **object_at(resources, "limits")}
    return {**container, "resources": {**resources, "limits": limits}}


def settings_of(template: JsonObject) -> Json:
    """Return what of a template makes a difference to its revision, with the defaults filled in."""
    told = with_defaults(template)
    return bare({key: value for key, value in told.items() if key not in (*CLIENT, "revision")})


def bare(value: Json) -> Json:
    """Return a document without what says nothing: in protobuf, zero, false and empty are the same as absent."""
    if isinstance(value, dict):
        inner = ((key, bare(one)) for key, one in value.items())
        return {key: one for key, one in inner if one}
    return [bare(one) for one in value] if isinstance(value, list) else value


def new_revision(state: State, service: JsonObject) -> JsonObject:
    """Return the revision that a service's template makes, as it is when its creation begins."""
    name, at = text_at(service, "name"), stamp(state.clock())
    template = object_at(service, "template")
    short = text_at(template, "revision") or _next_name(state, service)
    full = f"{name}/revisions/{short}"
    digests = _digests(state, service)
    query = f"resource.type%3D%22cloud_run_revision%22%0Aresource.labels.revision_name%3D%22{short}%22"
    link = f"https://console.cloud.google.com/logs/viewer?advancedFilter={query}&project={state.project}"
    fields = {key: value for key, value in template.items() if key != "revision"}
    revision: JsonObject = {
        "name": full,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{full} {at}")),
        "generation": "1",
        "labels": {},
        "createTime": at,
        "updateTime": at,
        "launchStage": text_at(service, "launchStage") or "GA",
        "service": last_segment(name),
        "creator": caller_of(state),
        "reconciling": True,
        "conditions": starting_conditions(at, provisioned=False),
        "observedGeneration": "1",
        "logUri": link,
        "scalingStatus": {"desiredMinInstanceCount": int(number_at(template, "scaling.minInstanceCount") or 0)},
        "etag": etag_of(f"{full} {at}"),
        **fields,
    }
    return {**revision, "containerStatuses": digests} if digests else revision


def _next_name(state: State, service: JsonObject) -> str:
    """Return the next ``SERVICE-NNNNN-xxx``."""
    name = text_at(service, "name")
    names = [text_at(one, "name") for one in revisions_of(state, name)] + [text_at(service, "latestCreatedRevision")]
    number = max((int(found[1]) for one in names if (found := _NUMBER.search(one))), default=0) + 1
    digest = hashlib.sha256(f"{name} {number} {text_at(service, 'etag')}".encode()).digest()
    return f"{last_segment(name)}-{number:05d}-{''.join(_SUFFIX[byte % len(_SUFFIX)] for byte in digest[:3])}"


def _digests(state: State, service: JsonObject) -> list[Json]:
    """Return the container statuses of the newest revision, whose digests hold for the images that stay."""
    newest = find(state, REVISIONS, text_at(service, "latestCreatedRevision")) or {}
    images = {text_at(one, "name"): one.get("image") for one in objects_at(newest, "containers")}
    same = {
        text_at(one, "name")
        for one in objects_at(service, "template.containers")
        if images.get(text_at(one, "name")) == one.get("image")
    }
    return [one for one in objects_at(newest, "containerStatuses") if text_at(one, "name") in same]


def etag_of(seed: str) -> str:
    """Return an etag made of what it stands for."""
    return f'"{hashlib.sha256(seed.encode()).hexdigest()[:24]}"'
