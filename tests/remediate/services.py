"""A service with three revisions, as Cloud Run answers them, for actions to work on."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

from gcpdiag.model.json import Json, JsonObject, object_at, objects_at
from gcpdiag.model.plan import Plan, Step
from gcpdiag.remediate.planning import Occasion, plan_of
from gcpdiag.remediate.traffic import LATEST, PINNED

NOON = datetime(2025, 9, 15, 12, tzinfo=UTC)
TARGET = "projects/demo/locations/us-central1/services/api"
OLD, GOOD, NOW = "api-00001-old", "api-00002-good", "api-00003-now"
DIGEST = "sha256:" + "a" * 64
SECRET = "hunter2-in-the-clear"  # noqa: S105 - planted, to be looked for
TO_LATEST: JsonObject = {"type": LATEST, "percent": 100}


def pinned(revision: str, percent: int = 100, tag: str = "") -> JsonObject:
    target: JsonObject = {"type": PINNED, "revision": revision}
    return {**target, **({"percent": percent} if percent else {}), **({"tag": tag} if tag else {})}


def container(**more: Json) -> JsonObject:
    return {
        "name": "api-1",
        "image": "gcr.io/demo/api:latest",
        "env": [
            {"name": "DATABASE", "value": SECRET},
            {"name": "EMPTY", "value": ""},
            {"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "key", "version": "3"}}},
        ],
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "cpuIdle": True},
        "ports": [{"name": "http1", "containerPort": 8080}],
        **more,
    }


def service(*, traffic: list[Json] | None = None, template: JsonObject | None = None, **more: Json) -> JsonObject:
    """All traffic on the latest of three revisions, which runs a known digest."""
    told: JsonObject = {
        "name": TARGET,
        "generation": "7",
        "etag": '"seven"',
        "template": {
            "containers": [container()],
            "maxInstanceRequestConcurrency": 80,
            "scaling": {"maxInstanceCount": 20},
            **(template or {}),
        },
        "traffic": [TO_LATEST] if traffic is None else traffic,
        "latestReadyRevision": f"{TARGET}/revisions/{NOW}",
        "latestCreatedRevision": f"{TARGET}/revisions/{NOW}",
        **more,
    }
    return copy.deepcopy(told)


def revision(name: str, day: int, *, ready: bool = True, **more: Json) -> JsonObject:
    condition: JsonObject = {"type": "Ready", "state": "CONDITION_SUCCEEDED"}
    if not ready:
        told: JsonObject = {"revisionReason": "CONTAINER_MISSING", "message": "Image 'gcr.io/demo/api' not found."}
        condition = {"type": "Ready", "state": "CONDITION_FAILED", **told}
    return {
        "name": f"{TARGET}/revisions/{name}",
        "createTime": (NOON - timedelta(days=10 - day)).isoformat().replace("+00:00", "Z"),
        "conditions": [condition],
        "containers": [container()],
        "containerStatuses": [{"name": "api-1", "imageDigest": f"gcr.io/demo/api@{DIGEST}"}],
        **more,
    }


def revisions() -> list[JsonObject]:
    """Oldest first, although Cloud Run lists the newest first."""
    return [revision(OLD, 1), revision(GOOD, 2), revision(NOW, 3)]


def limits(document: JsonObject) -> JsonObject:
    return object_at(objects_at(document, "template.containers")[0], "resources.limits")


def planned(step: Step, **more: str) -> Plan:
    occasion = Occasion(author="jane@example.com", host="laptop", reason=more.get("reason", "a test"))
    return plan_of([step], occasion, plan_id="3fa2", now=NOON, validation=more.get("validation", "accepted"))
