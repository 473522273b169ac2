"""Containers and volumes of Cloud Run v2 as Knative's, and back."""

from __future__ import annotations

from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at, texts_at

CLOUD_SQL_MOUNT = "/cloudsql"

_GCS_DRIVER = "gcsfuse.run.googleapis.com"  # gcloud 528: command_lib/run/volumes.py
_SAME = (
    "name",
    "image",
    "command",
    "args",
    "workingDir",
    "ports",
    "startupProbe",
    "livenessProbe",
    "readinessProbe",
)
_MEDIA = {"Memory": "MEMORY", "Disk": "DISK"}


def ingress_of(containers: list[JsonObject]) -> JsonObject:
    """Return the container that gets the requests: the one with a port, or the only one."""
    return next((one for one in containers if one.get("ports")), containers[0] if containers else {})


def container_to_v1(container: JsonObject, sql_volumes: list[str], secrets: dict[str, str]) -> JsonObject:
    """Return a Knative container; mounts of Cloud SQL volumes are an annotation there, so left out.

    ``secrets`` are the aliases by resource name, of secrets of other projects.
    """
    converted: JsonObject = {key: container[key] for key in _SAME if container.get(key)}
    converted["resources"] = without_empty({"limits": object_at(container, "resources.limits")})
    converted["env"] = [_variable_to_v1(one, secrets) for one in objects_at(container, "env")]
    converted["volumeMounts"] = [
        one for one in objects_at(container, "volumeMounts") if text_at(one, "name") not in sql_volumes
    ]
    return without_empty(converted)


def container_from_v1(container: JsonObject, secrets: dict[str, str]) -> JsonObject:
    """Return a v2 container; ``secrets`` are the resource names by alias."""
    converted: JsonObject = {key: container[key] for key in _SAME if container.get(key)}
    converted["resources"] = without_empty({"limits": object_at(container, "resources.limits")})
    converted["env"] = [_variable_from_v1(one, secrets) for one in objects_at(container, "env")]
    mounts: list[Json] = [
        without_empty({key: one.get(key) for key in ("name", "mountPath", "subPath")})
        for one in objects_at(container, "volumeMounts")
    ]
    converted["volumeMounts"] = mounts
    return without_empty(converted)


def volume_to_v1(volume: JsonObject, secrets: dict[str, str]) -> JsonObject:
    """Return a Knative volume."""
    name: JsonObject = {"name": text_at(volume, "name")}
    for kind, source in volume.items():
        if not isinstance(source, dict):
            continue
        match kind:
            case "secret":
                return {**name, "secret": _secret_to_v1(source, secrets)}
            case "emptyDir":
                medium = next((word for word, meant in _MEDIA.items() if meant == source.get("medium")), "")
                shown: JsonObject = {"medium": medium, "sizeLimit": source.get("sizeLimit")}
                return {**name, "emptyDir": without_empty(shown)}
            case "gcs":
                return {**name, "csi": _bucket_to_v1(source)}
            case _:  # nfs is the same in both
                return {**name, kind: source}
    return name


def volume_from_v1(volume: JsonObject, secrets: dict[str, str]) -> JsonObject:
    """Return a v2 volume."""
    name: JsonObject = {"name": text_at(volume, "name")}
    for kind, source in volume.items():
        if not isinstance(source, dict):
            continue
        match kind:
            case "secret":
                return {**name, "secret": _secret_from_v1(source, secrets)}
            case "emptyDir":
                medium = _MEDIA.get(text_at(source, "medium"), "")
                read: JsonObject = {"medium": medium, "sizeLimit": source.get("sizeLimit")}
                return {**name, "emptyDir": without_empty(read)}
            case "csi":
                return {**name, "gcs": _bucket_from_v1(source)}
            case _:
                return {**name, kind: source}
    return name


def without_empty(document: JsonObject) -> JsonObject:
    """Return the fields that say something; zero and false do."""
    return {key: value for key, value in document.items() if value is not None and value not in ("", {}, [])}


def _variable_to_v1(variable: JsonObject, secrets: dict[str, str]) -> JsonObject:
    reference = object_at(variable, "valueSource.secretKeyRef")
    if not reference:
        return variable
    secret = text_at(reference, "secret")
    key: JsonObject = {"key": text_at(reference, "version"), "name": secrets.get(secret, secret)}
    return {"name": variable.get("name"), "valueFrom": {"secretKeyRef": key}}


def _variable_from_v1(variable: JsonObject, secrets: dict[str, str]) -> JsonObject:
    reference = object_at(variable, "valueFrom.secretKeyRef")
    if not reference:
        return variable
    secret = text_at(reference, "name")
    key: JsonObject = {"secret": secrets.get(secret, secret), "version": text_at(reference, "key")}
    return {"name": variable.get("name"), "valueSource": {"secretKeyRef": key}}


def _secret_to_v1(source: JsonObject, secrets: dict[str, str]) -> JsonObject:
    secret = text_at(source, "secret")
    items: list[Json] = [
        without_empty({"key": one.get("version"), "path": one.get("path"), "mode": one.get("mode")})
        for one in objects_at(source, "items")
    ]
    return without_empty(
        {"secretName": secrets.get(secret, secret), "items": items, "defaultMode": source.get("defaultMode")}
    )


def _secret_from_v1(source: JsonObject, secrets: dict[str, str]) -> JsonObject:
    secret = text_at(source, "secretName")
    items: list[Json] = [
        without_empty({"version": one.get("key"), "path": one.get("path"), "mode": one.get("mode")})
        for one in objects_at(source, "items")
    ]
    return without_empty(
        {"secret": secrets.get(secret, secret), "items": items, "defaultMode": source.get("defaultMode")}
    )


def _bucket_to_v1(source: JsonObject) -> JsonObject:
    attributes: JsonObject = {
        "bucketName": text_at(source, "bucket"),
        "mountOptions": ",".join(texts_at(source, "mountOptions")),
    }
    return without_empty(
        {"driver": _GCS_DRIVER, "readOnly": source.get("readOnly"), "volumeAttributes": without_empty(attributes)}
    )


def _bucket_from_v1(source: JsonObject) -> JsonObject:
    options = text_at(source, "volumeAttributes.mountOptions")
    mount_options: list[Json] = [one for one in options.split(",") if one]
    return without_empty(
        {
            "bucket": text_at(source, "volumeAttributes.bucketName"),
            "mountOptions": mount_options,
            "readOnly": source.get("readOnly"),
        }
    )
