"""Entries of every kind that a query may be asked about, and which of them it selects."""

from __future__ import annotations

import json

from gcpdiag.emulator.log_filter import parse_log_filter
from gcpdiag.model.json import JsonObject

PROJECT = "projects/demo/logs/"


def _cloud_run(log_id: str, severity: str, **more: object) -> JsonObject:
    entry: dict[str, object] = {
        "insertId": f"id-{log_id}-{severity}",
        "logName": f"{PROJECT}run.googleapis.com%2F{log_id.replace('/', '%2F')}",
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "auth", "location": "us-central1", "revision_name": "auth-00001-abc"},
        },
        "severity": severity,
        "timestamp": "2025-09-15T20:01:02.5Z",
        "labels": {"instanceId": "0069", "k8s.io/app": "Web"},
        **more,
    }
    loaded: JsonObject = json.loads(json.dumps(entry))
    return loaded


ENTRIES: dict[str, JsonObject] = {
    "refused": _cloud_run(
        "requests",
        "WARNING",
        textPayload="The request was aborted because there was no available instance.",
        httpRequest={
            "status": 503,
            "latency": "0s",
            "requestUrl": "https://auth.example/login?x=1",
            "requestSize": "9223372036854775807",
            "userAgent": "curl/8",
            "remoteIp": "198.51.100.7",
        },
        trace="projects/demo/traces/abc",
        traceSampled=True,
    ),
    "served": _cloud_run(
        "requests",
        "INFO",
        httpRequest={
            "status": 200,
            "latency": "1.250s",
            "requestUrl": "https://auth.example/healthz",
            "cacheHit": True,
        },
        timestamp="2025-09-15T19:59:59.999999999Z",
    ),
    "system": _cloud_run(
        "varlog/system",
        "ERROR",
        textPayload="Cloud SQL connection failed: dial tcp 203.0.113.17:3307: i/o timeout",
    ),
    "json": _cloud_run(
        "stderr",
        "CRITICAL",
        jsonPayload={
            "message": 'Retry "later", ERR 7',
            "count": 7,
            "ok": False,
            "null": None,
            "shoeSize": [8.5, 9, 6],
            "tags": [{"name": "Alpha"}, {"name": "beta"}],
            "foo.bar": "apple",
            ":name": "pear",
            "endTime": "x",
            "size": "12",
        },
        sourceLocation={"file": "app.py", "line": "42"},
        timestamp="2025-09-15T22:01:02+02:00",
    ),
    "audit": {
        "insertId": "audit-1",
        "logName": f"{PROJECT}cloudaudit.googleapis.com%2Factivity",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "auth"}},
        "timestamp": "2025-09-15T20:00:00Z",
        "severity": "NOTICE",
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "methodName": "google.cloud.run.v2.Services.UpdateService",
            "authenticationInfo": {"principalEmail": "dev@demo.example"},
            "authorizationInfo": [{"permission": "run.services.update", "granted": True}],
            "status": {"code": 7},
            "numResponseItems": "9",
            "request": {"startTime": "2025-09-15T19:00:00Z"},
        },
        "operation": {"id": "op-1", "first": True},
    },
    "bare": {
        "insertId": "bare",
        "logName": "projects/other/logs/syslog",
        "resource": {"type": "gce_instance", "labels": {"zone": "us-central1-a"}},
        "timestamp": "2025-09-14T00:00:00Z",
        "textPayload": "STRASSE und Unicorn",
    },
}
EVERY = set(ENTRIES)


def selected(text: str) -> set[str]:
    chosen = parse_log_filter(text)
    return {name for name, entry in ENTRIES.items() if chosen.matches(entry)}
