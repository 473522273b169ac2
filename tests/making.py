"""Small raw bundles, as Google's APIs answer: builders of entries, series and resources, for tests of any layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from gcpdiag.bundle.format import MANIFEST
from gcpdiag.bundle.read import Bundle, bundle_of
from gcpdiag.model.json import Json, JsonObject

PROJECT = "demo-staging"
REGION = "us-central1"
START = datetime(2025, 9, 15, 19, 25, tzinfo=UTC)
END = START + timedelta(hours=1)
PARENT = f"projects/{PROJECT}/locations/{REGION}"

ENTRIES = "logging/entries.jsonl"
SERIES = "monitoring/time_series.jsonl"
SERVICES = "run/services.json"
REVISIONS = "run/revisions.json"
CONNECTORS = "vpcaccess/connectors.json"
DATABASES = "sqladmin/instances.json"
REDIS = "redis/instances.json"
ROUTERS = "compute/routers.json"
SUBNETWORKS = "compute/subnetworks.json"


Files: TypeAlias = Mapping[str, bytes | list[JsonObject]]
"""Files of a bundle by path; a list stands for JSON Lines or an array, as the file has it."""


def moment(minute: float) -> str:
    """A time, in minutes from the window's start."""
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def manifest(**more: Json) -> JsonObject:
    window: JsonObject = {"start": moment(0), "end": moment(60)}
    head: JsonObject = {"format": "gcpdiag-bundle", "version": 1, "project": PROJECT, "window": window}
    return {**head, "regions": [REGION], **more}


def jsonl(*documents: JsonObject) -> bytes:
    return "".join(f"{json.dumps(one)}\n" for one in documents).encode()


def files_of(files: Files, **more: Json) -> dict[str, bytes]:
    content: dict[str, bytes] = {MANIFEST: json.dumps(manifest(**more)).encode()}
    for path, told in files.items():
        if isinstance(told, bytes):
            content[path] = told
        else:
            content[path] = jsonl(*told) if path.endswith(".jsonl") else json.dumps(told).encode()
    return content


def bundle(files: Files, **more: Json) -> Bundle:
    return bundle_of(files_of(files, **more))


def entry(
    text: str | JsonObject,
    *,
    minute: float = 30,
    log: str = "run.googleapis.com%2Fstderr",
    service: str = "api",
    severity: str = "",
    revision: str = "api-00001-abc",
    instance: str = "",
    **more: Json,
) -> JsonObject:
    """An entry of a service: with a text, or with an object for a structured one."""
    labels: JsonObject = {"service_name": service, "location": REGION, "revision_name": revision}
    told: JsonObject = {
        "logName": f"projects/{PROJECT}/logs/{log}",
        "timestamp": moment(minute),
        "resource": {"type": "cloud_run_revision", "labels": labels},
        "textPayload" if isinstance(text, str) else "jsonPayload": text,
    }
    if severity:
        told["severity"] = severity
    if instance:
        told["labels"] = {"instanceId": instance}
    return {**told, **more}


def system(text: str, *, minute: float = 30, severity: str = "ERROR", service: str = "api") -> JsonObject:
    log = "run.googleapis.com%2Fvarlog%2Fsystem"
    return entry(text, minute=minute, log=log, severity=severity, service=service)


def request(
    status: int,
    *,
    minute: float = 30,
    service: str = "api",
    revision: str = "api-00001-abc",
    latency: str = "0.05s",
    text: str = "",
) -> JsonObject:
    asked: JsonObject = {"status": status, "latency": latency, "requestMethod": "GET", "requestUrl": "/"}
    told = entry(
        text,
        minute=minute,
        log="run.googleapis.com%2Frequests",
        service=service,
        revision=revision,
        severity="ERROR" if status >= 500 else "INFO",
        httpRequest=asked,
    )
    return told if text else {key: value for key, value in told.items() if key != "textPayload"}


def requests(status: int, minutes: range, **more: str) -> list[JsonObject]:
    """One request a minute."""
    return [request(status, minute=minute + 0.5, **more) for minute in minutes]


def audit(method: str, payload: JsonObject | None = None, *, minute: float = 20, service: str = "api") -> JsonObject:
    """An admin activity entry; of Cloud Run, unless the payload names another service."""
    told: JsonObject = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "run.googleapis.com",
        "methodName": method,
        "resourceName": f"namespaces/{PROJECT}/services/{service}",
        **(payload or {}),
    }
    entered = entry("", minute=minute, log="cloudaudit.googleapis.com%2Factivity", service=service, severity="NOTICE")
    return {**{key: value for key, value in entered.items() if key != "textPayload"}, "protoPayload": told}


def service(name: str = "api", *, env: Mapping[str, str] | None = None, **template: Json) -> JsonObject:
    """A Cloud Run v2 service that gets all its traffic on the latest revision."""
    variables: list[Json] = [{"name": key, "value": value} for key, value in (env or {}).items()]
    container: JsonObject = {"image": "gcr.io/demo/api", "ports": [{"containerPort": 8080}], "env": variables}
    return {
        "name": f"{PARENT}/services/{name}",
        "uri": f"https://{name}-abc123-uc.a.run.app",
        "latestReadyRevision": f"{PARENT}/services/{name}/revisions/{name}-00001-abc",
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "template": {"containers": [container], **template},
    }


def series(
    metric: str, values: Mapping[int, float], *, resource: JsonObject | None = None, labels: JsonObject | None = None
) -> JsonObject:
    """A gauge with one value at each minute of the window."""
    points: list[Json] = [
        {"interval": {"endTime": moment(minute)}, "value": {"doubleValue": value}}
        for minute, value in sorted(values.items(), reverse=True)
    ]
    own: JsonObject = {"type": "cloud_run_revision", "labels": {"service_name": "api", "location": REGION}}
    return {
        "metric": {"type": metric, "labels": labels or {}},
        "resource": resource or own,
        "metricKind": "GAUGE",
        "valueType": "DOUBLE",
        "points": points,
    }
