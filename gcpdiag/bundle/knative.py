"""Knative services and revisions (what gcloud prints, what v1 audit entries carry) as Cloud Run v2 resources.

Only the fields that diagnosing reads are carried over. Names are from the Cloud Run Admin API v1 reference.
"""

from __future__ import annotations

import json

from gcpdiag.model.json import Json, JsonObject, is_too_deep, number_at, object_at, objects_at, text_at

_STATES = {"True": "CONDITION_SUCCEEDED", "False": "CONDITION_FAILED", "Unknown": "CONDITION_RECONCILING"}
_EGRESS = {"all-traffic": "ALL_TRAFFIC", "all": "ALL_TRAFFIC", "private-ranges-only": "PRIVATE_RANGES_ONLY"}
_INGRESS = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
}


def is_knative(document: JsonObject) -> bool:
    """Tell whether a resource is written in the v1 way."""
    return text_at(document, "apiVersion").startswith("serving.knative.dev/")


def service_from_knative(document: JsonObject, *, project: str, region: str = "") -> JsonObject:
    """Return a v2 ``Service``; ``region`` is used where the document does not tell its own."""
    parent = f"projects/{project}/locations/{_region(document) or region}"
    name = f"{parent}/services/{text_at(document, 'metadata.name')}"
    status = object_at(document, "status")
    annotations = object_at(document, "metadata.annotations")
    service: JsonObject = {
        "name": name,
        "generation": text_at(document, "metadata.generation"),
        "createTime": text_at(document, "metadata.creationTimestamp"),
        "creator": _text(annotations, "serving.knative.dev/creator"),
        "lastModifier": _text(annotations, "serving.knative.dev/lastModifier"),
        "ingress": _INGRESS.get(_text(annotations, "run.googleapis.com/ingress"), ""),
        "uri": text_at(status, "url"),
        "template": _template(object_at(document, "spec.template"), parent),
        "traffic": _traffic(objects_at(document, "spec.traffic")),
        "trafficStatuses": _traffic(objects_at(status, "traffic")),
        "scaling": _bounds(annotations, low="run.googleapis.com/minScale", high="run.googleapis.com/maxScale"),
        "conditions": _conditions(status),
        "terminalCondition": _ready(status),
    }
    for v2_name, v1_name in (
        ("latestReadyRevision", "latestReadyRevisionName"),
        ("latestCreatedRevision", "latestCreatedRevisionName"),
    ):
        if revision := text_at(status, v1_name):
            service[v2_name] = f"{name}/revisions/{revision}"
    return _without_empty(service)


def revision_from_knative(document: JsonObject, *, project: str, region: str = "") -> JsonObject:
    """Return a v2 ``Revision``."""
    parent = f"projects/{project}/locations/{_region(document) or region}"
    labels = object_at(document, "metadata.labels")
    service = f"{parent}/services/{_text(labels, 'serving.knative.dev/service')}"
    status = object_at(document, "status")
    return _without_empty(
        {
            **_template({"metadata": document.get("metadata"), "spec": document.get("spec")}, parent),
            "name": f"{service}/revisions/{text_at(document, 'metadata.name')}",
            "revision": None,
            "service": service,
            "createTime": text_at(document, "metadata.creationTimestamp"),
            "conditions": [one for one in (_ready(status), *_conditions(status)) if one],
        }
    )


def _template(template: JsonObject, parent: str) -> JsonObject:
    annotations = object_at(template, "metadata.annotations")
    spec = object_at(template, "spec")
    timeout, concurrency = number_at(spec, "timeoutSeconds"), number_at(spec, "containerConcurrency")
    return _without_empty(
        {
            "revision": text_at(template, "metadata.name"),
            "annotations": annotations,
            "scaling": _bounds(
                annotations, low="autoscaling.knative.dev/minScale", high="autoscaling.knative.dev/maxScale"
            ),
            "vpcAccess": _vpc_access(annotations, parent),
            "timeout": f"{timeout:g}s" if timeout else "",
            "serviceAccount": text_at(spec, "serviceAccountName"),
            "maxInstanceRequestConcurrency": int(concurrency) if concurrency else None,
            "containers": [_container(one) for one in objects_at(spec, "containers")],
            "volumes": _cloud_sql_volumes(annotations),
        }
    )


def _container(container: JsonObject) -> JsonObject:
    converted: JsonObject = {
        key: container[key]
        for key in ("name", "image", "command", "args", "ports", "startupProbe", "livenessProbe")
        if container.get(key)
    }
    converted["resources"] = _without_empty({"limits": object_at(container, "resources.limits")})
    converted["env"] = [_env(one) for one in objects_at(container, "env")]
    return _without_empty(converted)


def _env(variable: JsonObject) -> JsonObject:
    secret = object_at(variable, "valueFrom.secretKeyRef")
    if not secret:
        return variable
    reference: JsonObject = {"secret": text_at(secret, "name"), "version": text_at(secret, "key")}
    return {"name": variable.get("name"), "valueSource": {"secretKeyRef": reference}}


def _vpc_access(annotations: JsonObject, parent: str) -> JsonObject:
    connector = _text(annotations, "run.googleapis.com/vpc-access-connector")
    if connector and "/" not in connector:
        connector = f"{parent}/connectors/{connector}"
    try:
        interfaces = json.loads(_text(annotations, "run.googleapis.com/network-interfaces") or "[]")
    except (ValueError, RecursionError):
        interfaces = []
    if is_too_deep(interfaces):
        interfaces = []
    return _without_empty(
        {
            "connector": connector,
            "egress": _EGRESS.get(_text(annotations, "run.googleapis.com/vpc-access-egress"), ""),
            "networkInterfaces": interfaces,
        }
    )


def _cloud_sql_volumes(annotations: JsonObject) -> list[Json]:
    names = _text(annotations, "run.googleapis.com/cloudsql-instances")
    instances: list[Json] = [name.strip() for name in names.split(",") if name.strip()]
    return [{"name": "cloudsql", "cloudSqlInstance": {"instances": instances}}] if instances else []


def _traffic(targets: list[JsonObject]) -> list[Json]:
    return [
        _without_empty(
            {
                "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
                if target.get("latestRevision")
                else "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
                "revision": text_at(target, "revisionName"),
                "percent": int(number_at(target, "percent") or 0),
                "tag": text_at(target, "tag"),
            }
        )
        for target in targets
    ]


def _conditions(status: JsonObject) -> list[Json]:
    return [_condition(one) for one in objects_at(status, "conditions") if one.get("type") != "Ready"]


def _ready(status: JsonObject) -> JsonObject:
    for one in objects_at(status, "conditions"):
        if one.get("type") == "Ready":
            return _condition(one)
    return {}


def _condition(condition: JsonObject) -> JsonObject:
    return _without_empty(
        {
            "type": text_at(condition, "type"),
            "state": _STATES.get(text_at(condition, "status"), ""),
            "message": text_at(condition, "message"),
            "lastTransitionTime": text_at(condition, "lastTransitionTime"),
            "reason": text_at(condition, "reason"),
        }
    )


def _bounds(annotations: JsonObject, *, low: str, high: str) -> JsonObject:
    bounds: JsonObject = {
        "minInstanceCount": _count(annotations.get(low)),
        "maxInstanceCount": _count(annotations.get(high)),
    }
    return _without_empty(bounds)


def _count(value: Json) -> int | None:
    """Return a whole number that an annotation gives as text."""
    number = number_at({"value": value}, "value")
    return int(number) if number is not None else None


def _region(document: JsonObject) -> str:
    return _text(object_at(document, "metadata.labels"), "cloud.googleapis.com/location")


def _text(annotations: JsonObject, key: str) -> str:
    """Return an annotation; its key has dots, so it is no path."""
    found = annotations.get(key)
    return found if isinstance(found, str) else ""


def _without_empty(document: JsonObject) -> JsonObject:
    return {key: value for key, value in document.items() if value not in (None, "", {}, [])}
