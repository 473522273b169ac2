"""Log entries of a playbook's test, as the Logging API lists them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

from gcpdiag.model.json import Json, JsonObject, object_at
from gcpdiag.playbook.format import EntryLine, PlaybookTest, TrafficLine
from gcpdiag.playbook.notation import LOGS, PROJECT, REGION, moment_of, nearest, span_of

_AUDIT_LOG = "type.googleapis.com/google.cloud.audit.AuditLog"
_BALANCER_ENTRY = "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry"

Labels: TypeAlias = "dict[str, Json]"


def entries_of(test: PlaybookTest) -> list[JsonObject]:
    """Return all entries of a test; ValueError for a time, a count or a log that cannot be read."""
    entries = [entry for line in test.traffic for entry in _requests(line)]
    entries += [entry for line in test.entries for entry in _lines(line)]
    return [{"insertId": f"{number:012x}", **entry} for number, entry in enumerate(entries, start=1)]


def revision_of(service: str) -> str:
    """Return the revision that a test means when it names none."""
    return f"{service}-00001-aaa"


def url_of(service: str) -> str:
    """Return the address of a service, as Cloud Run gives it out."""
    return f"https://{service}-100000000000.{REGION}.run.app"


def run_resource(service: str, revision: str) -> JsonObject:
    """Return the monitored resource of a revision."""
    return _resource(
        "cloud_run_revision",
        location=REGION,
        service_name=service,
        revision_name=revision,
        configuration_name=service,
    )


def database_resource(name: str) -> JsonObject:
    """Return the monitored resource of a Cloud SQL instance; its id leaves the region out."""
    return _resource("cloudsql_database", database_id=f"{PROJECT}:{name}", region=REGION)


def rfc3339_nanos(moment: datetime) -> str:
    """Return a time with its fraction of a second, as the API writes it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _requests(line: TrafficLine) -> Iterator[JsonObject]:
    if line.per_minute < 1:
        raise ValueError("traffic has at least one request per_minute; leave the line out for none")
    gap = timedelta(minutes=1) / line.per_minute
    at, end = moment_of(line.start) + gap / 2, moment_of(line.end)
    while at < end:
        yield _request(line, at)
        at += gap


def _request(line: TrafficLine, at: datetime) -> JsonObject:
    revision = line.revision or revision_of(line.service)
    entry: JsonObject = {
        "logName": _log_name("requests"),
        "timestamp": rfc3339_nanos(at),
        "severity": _severity(line.status),
        "resource": run_resource(line.service, revision),
        "labels": _instance_labels(line, revision),
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": f"{url_of(line.service)}/",
            "requestSize": "327",
            "status": line.status,
            "responseSize": "67",
            "userAgent": "Mozilla/5.0",
            "remoteIp": "198.51.100.7",
            "protocol": "HTTP/1.1",
            "latency": line.latency,
        },
    }
    return {**entry, "textPayload": line.text} if line.text else entry


def _severity(status: int) -> str:
    """Return what Cloud Run gives a request of this status."""
    if status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        return "ERROR"
    return "WARNING" if status >= 400 else "INFO"  # noqa: PLR2004


def _instance_labels(line: TrafficLine, revision: str) -> Labels:
    """Return the instance that answered; a request that was refused at once (``0s``) reached none."""
    return {} if line.latency == "0s" else {"instanceId": _instance_id(revision)}


def _lines(line: EntryLine) -> Iterator[JsonObject]:
    if line.log not in LOGS:
        raise ValueError(f"there is no log {line.log!r}; {nearest(line.log, LOGS)}")
    first, gap = moment_of(line.at), span_of(line.every)
    for number in range(line.times):
        entry = _line(line, first + number * gap)
        yield merged(entry, line.entry)


def _line(line: EntryLine, at: datetime) -> JsonObject:
    entry: JsonObject = {
        "logName": _log_name(line.log),
        "timestamp": rfc3339_nanos(at),
        "resource": _resource_of(line),
        **_payload(line),
    }
    labels = _labels(line)
    if labels:
        entry["labels"] = labels
    if line.severity:
        entry["severity"] = line.severity
    return entry


def _resource_of(line: EntryLine) -> JsonObject:
    if line.log == "cloudsql/postgres":
        return database_resource(line.service)
    if line.log == "loadbalancer":
        return _resource(
            "http_load_balancer",
            backend_service_name=line.service,
            forwarding_rule_name=f"{line.service}-rule",
            target_proxy_name=f"{line.service}-proxy",
            url_map_name=f"{line.service}-map",
            zone="global",
        )
    audit = line.log.startswith("cloudaudit/")
    revision = line.revision or ("" if audit else revision_of(line.service))
    return run_resource(line.service, revision)


def _payload(line: EntryLine) -> JsonObject:
    """Return the one payload that such an entry has; an audit entry says its text in its status."""
    if line.log.startswith("cloudaudit/"):
        payload: JsonObject = {
            "@type": _AUDIT_LOG,
            "serviceName": "run.googleapis.com",
            "resourceName": f"namespaces/{PROJECT}/services/{line.service}",
        }
        return {"protoPayload": {**payload, "status": {"message": line.text}} if line.text else payload}
    if line.json is not None:
        kind: JsonObject = {"@type": _BALANCER_ENTRY} if line.log == "loadbalancer" else {}
        return {"jsonPayload": {**kind, **line.json}}
    return {"textPayload": line.text} if line.text else {}


def _labels(line: EntryLine) -> Labels:
    if line.log not in {"requests", "varlog/system", "stdout", "stderr"}:
        return {}
    instance = line.instance or _instance_id(line.revision or revision_of(line.service))
    container: Labels = {} if line.log == "requests" else {"container_name": f"{line.service}-1"}
    return {"instanceId": instance, **container}


def _instance_id(revision: str) -> str:
    return "00" + sha256(revision.encode()).hexdigest()


def _log_name(log: str) -> str:
    return f"projects/{PROJECT}/logs/{LOGS[log].replace('/', '%2F')}"


def _resource(kind: str, **labels: str) -> JsonObject:
    return {"type": kind, "labels": {"project_id": PROJECT, **labels}}


def merged(base: JsonObject, patch: JsonObject) -> JsonObject:
    """Return ``base`` with ``patch`` over it, objects merged key by key; null takes a key away (RFC 7396)."""
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(object_at(base, key), value)
        else:
            result[key] = value
    return result
