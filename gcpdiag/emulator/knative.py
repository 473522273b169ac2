"""Cloud Run services and revisions as Knative resources (the v1 API), and a Knative service put back onto a v2 one."""

from __future__ import annotations

import json

from gcpdiag.emulator.annotation import SERVICE_ANNOTATIONS, annotations_of, fields_of, user_keys
from gcpdiag.emulator.container import without_empty
from gcpdiag.emulator.merge import merged_object
from gcpdiag.emulator.template import revision_annotations, spec_to_v1, template_from_v1, template_to_v1
from gcpdiag.model.json import Json, JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment

API_VERSION = "serving.knative.dev/v1"
SERVICE_LABEL = "serving.knative.dev/service"
LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
PINNED = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"

_LOCATION = "cloud.googleapis.com/location"
_STATUSES = {"CONDITION_SUCCEEDED": "True", "CONDITION_FAILED": "False"}


def service_to_v1(service: JsonObject, *, namespace: str = "") -> JsonObject:
    """Return a Knative ``Service``; its ``resourceVersion`` is the v2 etag without quotes.

    ``namespace`` is the project's number, which Google tells; without it the project's id stands there.
    """
    project, parent, name = _place(service)
    namespace = namespace or project
    annotations = annotations_of(service, SERVICE_ANNOTATIONS)
    more: JsonObject = {
        "serving.knative.dev/creator": text_at(service, "creator"),
        "serving.knative.dev/lastModifier": text_at(service, "lastModifier"),
        "run.googleapis.com/ingress-status": text_at({"value": annotations.get("run.googleapis.com/ingress")}, "value"),
        "run.googleapis.com/urls": json.dumps(service["urls"]) if service.get("urls") else "",
    }
    metadata = _metadata(service, name=name, namespace=namespace, kind="services")
    metadata["labels"] = {**user_keys(service.get("labels")), _LOCATION: last_segment(parent)}
    metadata["annotations"] = annotations | without_empty(more)
    template = template_to_v1(object_at(service, "template"), parent=parent)
    spec: JsonObject = {"template": template, "traffic": _traffic_to_v1(service)}
    return {
        "apiVersion": API_VERSION,
        "kind": "Service",
        "metadata": metadata,
        "spec": spec,
        "status": _service_status(service),
    }


def revision_to_v1(revision: JsonObject, *, namespace: str = "") -> JsonObject:
    """Return a Knative ``Revision``; ``namespace`` as for a service."""
    project, parent, name = _place(revision)
    namespace = namespace or project
    service = text_at(revision, "name").split("/revisions/")[0]
    metadata = _metadata(revision, name=name, namespace=namespace, kind="revisions")
    metadata["labels"] = {
        **user_keys(revision.get("labels")),
        SERVICE_LABEL: last_segment(service),
        "serving.knative.dev/configuration": last_segment(service),
        _LOCATION: last_segment(parent),
    }
    annotations = revision_annotations(revision, parent=parent)
    creator: JsonObject = {"serving.knative.dev/creator": text_at(revision, "creator")}
    metadata["annotations"] = annotations | without_empty(creator)
    return {
        "apiVersion": API_VERSION,
        "kind": "Revision",
        "metadata": metadata,
        "spec": spec_to_v1(revision),
        "status": _revision_status(revision),
    }


def service_replaced(stored: JsonObject, document: JsonObject) -> JsonObject:
    """Return the v2 service with what a Knative service says otherwise than the stored one would in that shape.

    What Knative has no word for stays as it is stored. Raises AnnotationError.
    """
    sql = next(
        (text_at(one, "name") for one in objects_at(stored, "template.volumes") if "cloudSqlInstance" in one), ""
    )
    _, parent, _ = _place(stored)
    before, after = (_wanted(one, parent, sql or "cloudsql") for one in (service_to_v1(stored), document))
    replaced = merged_object(stored, before, after)
    version = text_at(document, "metadata.resourceVersion")
    return {**replaced, "etag": f'"{version}"' if version else ""}


def _wanted(document: JsonObject, parent: str, sql_volume: str) -> JsonObject:
    """Return what a Knative service asks for, as the fields of a v2 one."""
    fields = fields_of(object_at(document, "metadata.annotations"), SERVICE_ANNOTATIONS)
    fields["labels"] = user_keys(object_at(document, "metadata.labels"))
    fields["template"] = template_from_v1(object_at(document, "spec.template"), parent=parent, sql_volume=sql_volume)
    traffic: list[Json] = [_target_from_v1(one) for one in objects_at(document, "spec.traffic")]
    fields["traffic"] = traffic
    return without_empty(fields)


def _place(resource: JsonObject) -> tuple[str, str, str]:
    """Return the project, the location's full name, and the resource's short name."""
    name = text_at(resource, "name")
    parent = name.split("/services/")[0]
    return next(iter(parent.split("/")[1:2]), ""), parent, last_segment(name)


def _metadata(resource: JsonObject, *, name: str, namespace: str, kind: str) -> JsonObject:
    return without_empty(
        {
            "name": name,
            "namespace": namespace,
            "selfLink": f"/apis/{API_VERSION}/namespaces/{namespace}/{kind}/{name}",
            "uid": text_at(resource, "uid"),
            "resourceVersion": text_at(resource, "etag").strip('"'),
            "generation": _generation(resource),
            "creationTimestamp": text_at(resource, "createTime"),
        }
    )


def _generation(resource: JsonObject) -> int:
    return int(number_at(resource, "generation") or 1)


def _service_status(service: JsonObject) -> JsonObject:
    ready = object_at(service, "terminalCondition")
    conditions: list[Json] = [
        _condition(one)
        for one in (ready, *sorted(objects_at(service, "conditions"), key=lambda one: text_at(one, "type")))
        if text_at(one, "type")
    ]
    url = text_at(service, "uri")
    return without_empty(
        {
            # Unlike in v2 this is what the system has seen, not what serves: gcloud waits until it is the generation.
            "observedGeneration": _generation(service),
            "conditions": conditions,
            "latestReadyRevisionName": last_segment(text_at(service, "latestReadyRevision")),
            "latestCreatedRevisionName": last_segment(text_at(service, "latestCreatedRevision")),
            "traffic": _statuses_to_v1(service),
            "url": url,
            "address": {"url": url} if url else {},
        }
    )


def _revision_status(revision: JsonObject) -> JsonObject:
    statuses: list[Json] = [
        without_empty({"name": one.get("name"), "imageDigest": one.get("imageDigest")})
        for one in objects_at(revision, "containerStatuses")
    ]
    conditions: list[Json] = [_condition(one) for one in objects_at(revision, "conditions")]
    return without_empty(
        {
            "observedGeneration": _generation(revision),
            "conditions": conditions,
            "logUrl": text_at(revision, "logUri"),
            "imageDigest": text_at(statuses[0], "imageDigest") if statuses else "",
            "containerStatuses": statuses,
            "desiredReplicas": number_of(revision, "scalingStatus.desiredMinInstanceCount"),
        }
    )


def number_of(document: JsonObject, path: str) -> int | None:
    """Return the whole number at a path, or None."""
    number = number_at(document, path)
    return int(number) if number is not None else None


def _condition(condition: JsonObject) -> JsonObject:
    reason = text_at(condition, "reason") or text_at(condition, "revisionReason")
    return without_empty(
        {
            "type": text_at(condition, "type"),
            "status": _STATUSES.get(text_at(condition, "state"), "Unknown"),
            "message": text_at(condition, "message"),
            "reason": "".join(word.capitalize() for word in reason.split("_")),
            "severity": text_at(condition, "severity").capitalize(),
            "lastTransitionTime": text_at(condition, "lastTransitionTime"),
        }
    )


def _traffic_to_v1(service: JsonObject) -> list[Json]:
    targets = objects_at(service, "traffic")
    return [_target_to_v1(one) for one in targets] or [{"latestRevision": True, "percent": 100}]


def _target_to_v1(target: JsonObject) -> JsonObject:
    latest = text_at(target, "type") != PINNED
    return without_empty(
        {
            "latestRevision": True if latest else None,
            "revisionName": "" if latest else last_segment(text_at(target, "revision")),
            "percent": number_of(target, "percent"),
            "tag": text_at(target, "tag"),
        }
    )


def _statuses_to_v1(service: JsonObject) -> list[Json]:
    """Return the traffic as it flows, each target with its revision's name."""
    ready = last_segment(text_at(service, "latestReadyRevision"))
    return [
        without_empty(
            {
                **_target_to_v1(one),
                "revisionName": last_segment(text_at(one, "revision")) or ready,
                "url": text_at(one, "uri"),
            }
        )
        for one in objects_at(service, "trafficStatuses")
    ]


def _target_from_v1(target: JsonObject) -> JsonObject:
    revision = text_at(target, "revisionName")
    return without_empty(
        {
            "type": PINNED if revision else LATEST,
            "revision": revision,
            "percent": number_of(target, "percent"),
            "tag": text_at(target, "tag"),
        }
    )
