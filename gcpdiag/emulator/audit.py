"""Audit log entries of what the emulator changes, as Cloud Run writes them."""

from __future__ import annotations

import hashlib
from datetime import datetime

from gcpdiag.emulator.condition import Failure, stamp
from gcpdiag.emulator.knative import API_VERSION, revision_to_v1, service_to_v1
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, objects_at, text_at
from gcpdiag.model.resource import last_segment, location_of

_AUDIT_LOG = "type.googleapis.com/google.cloud.audit.AuditLog"
_FAILED_PRECONDITION = 9  # google/rpc/code.proto


def caller_of(state: State) -> str:
    """Return the account that every change is made by: calls to the emulator are anonymous."""
    return f"emulator@{state.project}.iam.gserviceaccount.com"


def log_update(state: State, service: JsonObject, *, api: str, update_mask: str, command: str) -> None:
    """Append the admin activity entry of a service's update; ``command`` is gcloud's (``run.services.update``)."""
    name, project = text_at(service, "name"), state.project
    resource = f"namespaces/{project}/services/{last_segment(name)}" if api == "v1" else name
    granted: JsonObject = {
        "resource": resource,
        "permission": "run.services.update",
        "granted": True,
        "resourceAttributes": {},
        "permissionType": "ADMIN_WRITE",
    }
    client = text_at(service, "client") or "gcloud"
    agent = f"{client}/{text_at(service, 'clientVersion')} command/gcloud.{command}" if api == "v1" else ""
    payload: JsonObject = {
        "@type": _AUDIT_LOG,
        "serviceName": "run.googleapis.com",
        "methodName": f"google.cloud.run.{api}.Services.{'ReplaceService' if api == 'v1' else 'UpdateService'}",
        "resourceName": resource,
        "authenticationInfo": {"principalEmail": caller_of(state)},
        "authorizationInfo": [granted],
        "requestMetadata": {"callerIp": "127.0.0.1", **({"callerSuppliedUserAgent": agent} if agent else {})},
        "request": _request(service, api, resource, update_mask),
        "resourceLocation": {"currentLocations": [location_of(name)]},
    }
    _append(state, service, payload, log="activity", severity="NOTICE", revision="", at=state.clock())


def log_outcome(state: State, service: JsonObject, revision: JsonObject, failure: Failure | None, at: datetime) -> None:
    """Append the system event that tells whether a revision became ready."""
    name = last_segment(text_at(revision, "name"))
    known = revision_to_v1(revision)
    status: JsonObject = {"conditions": [one for one in objects_at(known, "status.conditions") if _is_ready(one)]}
    told = failure.message if failure else "Deploying revision succeeded."
    word = "False" if failure else "True"
    outcome: JsonObject = {
        "message": f"Ready condition status changed to {word} for Revision {name} with message: {told}"
    }
    if failure:
        outcome["code"] = _FAILED_PRECONDITION
    payload: JsonObject = {
        "@type": _AUDIT_LOG,
        "serviceName": "run.googleapis.com",
        "methodName": "/Services.ReplaceService",
        "resourceName": f"namespaces/{state.project}/revisions/{name}",
        "resourceLocation": {"currentLocations": [location_of(text_at(service, "name"))]},
        "response": {
            "@type": "type.googleapis.com/google.cloud.run.v1.Revision",
            "apiVersion": API_VERSION,
            "kind": "Revision",
            "metadata": {"name": name, "namespace": state.project},
            "status": status,
        },
        "status": outcome,
    }
    severity = "ERROR" if failure else "INFO"
    _append(state, service, payload, log="system_event", severity=severity, revision=name, at=at)


def _is_ready(condition: JsonObject) -> bool:
    return condition.get("type") == "Ready"


def _request(service: JsonObject, api: str, resource: str, update_mask: str) -> JsonObject:
    if api == "v1":
        document: Json = service_to_v1(service)
        kind = "google.cloud.run.v1.ReplaceServiceRequest"
        return {"@type": f"type.googleapis.com/{kind}", "name": resource, "service": document}
    kind = "google.cloud.run.v2.UpdateServiceRequest"
    mask: JsonObject = {"updateMask": update_mask} if update_mask else {}
    return {"@type": f"type.googleapis.com/{kind}", "service": service, **mask}


def _append(
    state: State, service: JsonObject, payload: JsonObject, *, log: str, severity: str, revision: str, at: datetime
) -> None:
    name, told = text_at(service, "name"), stamp(at)
    seed = f"{log} {name} {revision} {told} {text_at(service, 'etag')}"
    labels: JsonObject = {
        "configuration_name": "",
        "location": location_of(name),
        "project_id": state.project,
        "revision_name": revision,
        "service_name": last_segment(name),
    }
    state.entries().append(
        {
            "insertId": hashlib.sha256(seed.encode()).hexdigest()[:12],
            "logName": f"projects/{state.project}/logs/cloudaudit.googleapis.com%2F{log}",
            "protoPayload": payload,
            "receiveTimestamp": told,
            "resource": {"labels": labels, "type": "cloud_run_revision"},
            "severity": severity,
            "timestamp": told,
        }
    )
