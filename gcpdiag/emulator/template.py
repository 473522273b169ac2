"""Revision templates of Cloud Run v2 as Knative's, and back."""

from __future__ import annotations

from gcpdiag.emulator.annotation import (
    CLOUD_SQL,
    CONNECTOR,
    CPU_THROTTLING,
    DEPENDENCIES,
    SECRETS,
    STARTUP_BOOST,
    TEMPLATE_ANNOTATIONS,
    Annotation,
    annotations_of,
    fields_of,
    user_keys,
)
from gcpdiag.emulator.container import (
    CLOUD_SQL_MOUNT,
    container_from_v1,
    container_to_v1,
    ingress_of,
    volume_from_v1,
    volume_to_v1,
    without_empty,
)
from gcpdiag.model.json import Json, JsonObject, number_at, object_at, objects_at, text_at, texts_at

_ACCELERATOR = "run.googleapis.com/accelerator"
_FLAGS = (
    Annotation(key=CPU_THROTTLING, path="cpuIdle", kind="flag"),
    Annotation(key=STARTUP_BOOST, path="startupCpuBoost", kind="flag"),
)
_DEPENDENCIES = Annotation(key=DEPENDENCIES, path="dependsOn", kind="json")


def template_to_v1(template: JsonObject, *, parent: str) -> JsonObject:
    """Return a Knative revision template; ``parent`` is the location, ``projects/P/locations/R``."""
    metadata: JsonObject = {
        "name": text_at(template, "revision"),
        "labels": user_keys(template.get("labels")),
        "annotations": _annotations(template, parent),
    }
    return {"metadata": without_empty(metadata), "spec": spec_to_v1(template)}


def spec_to_v1(template: JsonObject) -> JsonObject:
    """Return the Knative revision spec of a v2 template, or of a v2 revision, which has the same fields."""
    secrets = {resource: alias for alias, resource in _aliases(template).items()}
    sql = [text_at(one, "name") for one in objects_at(template, "volumes") if "cloudSqlInstance" in one]
    timeout = number_at({"seconds": text_at(template, "timeout").removesuffix("s")}, "seconds")
    accelerator = text_at(template, "nodeSelector.accelerator")
    return without_empty(
        {
            "containerConcurrency": template.get("maxInstanceRequestConcurrency"),
            "timeoutSeconds": int(timeout) if timeout is not None else None,
            "serviceAccountName": text_at(template, "serviceAccount"),
            "containers": [container_to_v1(one, sql, secrets) for one in objects_at(template, "containers")],
            "volumes": [
                volume_to_v1(one, secrets) for one in objects_at(template, "volumes") if "cloudSqlInstance" not in one
            ],
            "nodeSelector": {_ACCELERATOR: accelerator} if accelerator else {},
        }
    )


def revision_annotations(template: JsonObject, *, parent: str) -> JsonObject:
    """Return the annotations of a Knative revision, which are its template's."""
    return _annotations(template, parent)


def template_from_v1(template: JsonObject, *, parent: str, sql_volume: str = "cloudsql") -> JsonObject:
    """Return the v2 template of a Knative one; ``sql_volume`` is the name for the volume of the Cloud SQL sockets.

    Raises AnnotationError.
    """
    annotations = object_at(template, "metadata.annotations")
    spec = object_at(template, "spec")
    converted = fields_of(annotations, TEMPLATE_ANNOTATIONS)
    secrets = _resources_of(annotations.get(SECRETS))
    instances: list[Json] = [*_words(annotations.get(CLOUD_SQL))]
    volumes: list[Json] = [volume_from_v1(one, secrets) for one in objects_at(spec, "volumes")]
    if instances:
        volumes.append({"name": sql_volume, "cloudSqlInstance": {"instances": instances}})
    timeout, concurrency = number_at(spec, "timeoutSeconds"), number_at(spec, "containerConcurrency")
    converted.update(
        {
            "revision": text_at(template, "metadata.name"),
            "labels": user_keys(object_at(template, "metadata.labels")),
            "vpcAccess": _vpc_access(object_at(converted, "vpcAccess"), annotations, parent),
            "timeout": f"{timeout:g}s" if timeout else "",
            "maxInstanceRequestConcurrency": int(concurrency) if concurrency else None,
            "serviceAccount": text_at(spec, "serviceAccountName"),
            "containers": _containers(spec, annotations, secrets, sql_volume if instances else ""),
            "volumes": volumes,
            "nodeSelector": without_empty({"accelerator": object_at(spec, "nodeSelector").get(_ACCELERATOR)}),
        }
    )
    return without_empty(converted)


def _annotations(template: JsonObject, parent: str) -> JsonObject:
    told = annotations_of(template, TEMPLATE_ANNOTATIONS)
    ingress = ingress_of(objects_at(template, "containers"))
    dependencies: JsonObject = {
        text_at(one, "name"): one["dependsOn"] for one in objects_at(template, "containers") if one.get("dependsOn")
    }
    instances = [
        name for volume in objects_at(template, "volumes") for name in texts_at(volume, "cloudSqlInstance.instances")
    ]
    more: JsonObject = {
        CONNECTOR: text_at(template, "vpcAccess.connector").removeprefix(f"{parent}/connectors/"),
        CLOUD_SQL: ",".join(instances),
        DEPENDENCIES: _DEPENDENCIES.text_of(dependencies),
        SECRETS: ",".join(f"{alias}:{resource}" for alias, resource in _aliases(template).items()),
    }
    resources = object_at(ingress, "resources")
    for one in _FLAGS:
        more[one.key] = one.text_of(resources.get(one.path))
    if resources and not resources.get("cpuIdle"):  # v2 answers leave false out; without any resources it is true
        # A bundle of Knative resources keeps the annotation, and may not have the field.
        more[CPU_THROTTLING] = object_at(template, "annotations").get(CPU_THROTTLING) or "false"
    return told | without_empty(more)


def _vpc_access(fields: JsonObject, annotations: JsonObject, parent: str) -> JsonObject:
    connector = text_at({"value": annotations.get(CONNECTOR)}, "value")
    if connector and "/" not in connector:
        connector = f"{parent}/connectors/{connector}"
    return without_empty({**fields, "connector": connector})


def _containers(spec: JsonObject, annotations: JsonObject, secrets: dict[str, str], sql_volume: str) -> list[Json]:
    given = objects_at(spec, "containers")
    ingress = ingress_of(given)
    dependencies = _DEPENDENCIES.value_of(text_at({"value": annotations.get(DEPENDENCIES)}, "value") or "{}")
    converted: list[Json] = []
    for one in given:
        container = container_from_v1(one, secrets)
        if one is ingress:
            container["resources"] = _with_flags(object_at(container, "resources"), annotations)
            if sql_volume:
                mount: JsonObject = {"name": sql_volume, "mountPath": CLOUD_SQL_MOUNT}
                container["volumeMounts"] = [*objects_at(container, "volumeMounts"), mount]
        container["dependsOn"] = object_at({"value": dependencies}, "value").get(text_at(one, "name"))
        converted.append(without_empty(container))
    return converted


def _with_flags(resources: JsonObject, annotations: JsonObject) -> JsonObject:
    flags = {annotation.path: annotations.get(annotation.key) for annotation in _FLAGS}
    read = {one.path: one.value_of(text) for one in _FLAGS if isinstance(text := flags[one.path], str)}
    return resources | read


def _aliases(template: JsonObject) -> dict[str, str]:
    """Return the resource names of other projects' secrets, by the short name that stands for each in v1."""
    variables = [one for container in objects_at(template, "containers") for one in objects_at(container, "env")]
    named = [text_at(one, "valueSource.secretKeyRef.secret") for one in variables]
    named += [text_at(one, "secret.secret") for one in objects_at(template, "volumes")]
    return {name.rsplit("/", 1)[-1]: name for name in named if "/" in name}


def _resources_of(aliases: Json) -> dict[str, str]:
    pairs = [one.partition(":") for one in _words(aliases)]
    return {alias: resource for alias, _, resource in pairs}


def _words(text: Json) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()] if isinstance(text, str) else []
