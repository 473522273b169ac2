"""Log entries: the fields that diagnosing needs, decoded fast, in the API's spelling or the Python client's.

The API says ``textPayload``; an export of the Python client says ``text_payload`` and has no ``logName``.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from gcpdiag.model.json import DEEPEST, Json, JsonObject, is_too_deep
from gcpdiag.model.window import is_credible


class HttpRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The request that an entry tells of; ``latency`` is text such as ``3.786648988s``."""

    status: int | None = None
    latency: str | None = None


class MonitoredResource(msgspec.Struct, frozen=True):
    """What the entry or series is about."""

    type: str = ""
    labels: dict[str, str] = {}


class LogEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One entry; payloads stay raw until somebody reads them, and are empty where there are none."""

    log_name: str = ""
    timestamp: datetime | None = None
    severity: str = ""
    resource: MonitoredResource = MonitoredResource()
    labels: dict[str, str] = {}
    text_payload: str | None = None
    json_payload: msgspec.Raw = msgspec.Raw()
    proto_payload: msgspec.Raw = msgspec.Raw()
    http_request: HttpRequest | None = None
    receive_timestamp: datetime | None = None


_decoder = msgspec.json.Decoder(LogEntry)


def decode_entry(line: bytes) -> LogEntry:
    """Return the entry of one JSON text; ValueError or RecursionError says what is wrong with it."""
    try:
        entry = _decoder.decode(line)
    except msgspec.ValidationError:
        entry = _lenient(line)
    except UnicodeDecodeError:
        return decode_entry(_as_utf8(line))
    if not entry.log_name:  # another exporter's: its names may be in snake_case, and nulls mean nothing
        entry = _lenient(line)
    moment = entry.timestamp or entry.receive_timestamp
    if moment is None:
        raise msgspec.ValidationError("a log entry without a timestamp")
    if not is_credible(moment):
        raise msgspec.ValidationError(f"a log entry of the year {moment.year}")
    return entry


def payload_of(raw: msgspec.Raw) -> Json:
    """Return a payload as JSON, or None where it cannot be read; the entry's other fields still stand."""
    try:
        payload: Json = msgspec.json.decode(raw)
    except UnicodeDecodeError:
        return payload_of(msgspec.Raw(_as_utf8(bytes(raw))))
    except (msgspec.DecodeError, RecursionError):
        return None
    text = bytes(raw)
    maybe_deep = text.count(b"{") + text.count(b"[") > DEEPEST
    return None if maybe_deep and is_too_deep(payload) else payload


def _as_utf8(text: bytes) -> bytes:
    """Put the replacement character for what is not UTF-8: the rest of the text is evidence still."""
    return text.decode("utf-8", "replace").encode()


def _lenient(line: bytes) -> LogEntry:
    """Decode an entry of another exporter: snake_case names, nulls, numbers where the API sends text."""
    document = msgspec.json.decode(line)
    if not isinstance(document, dict):
        raise msgspec.ValidationError("not a log entry: no JSON object")
    fields = {_camel(key): value for key, value in document.items() if value not in (None, {})}
    request = fields.get("httpRequest")
    if isinstance(request, dict):
        fields["httpRequest"] = _request_of({_camel(key): value for key, value in request.items()})
    fields["severity"] = str(fields.get("severity", ""))
    fields["labels"] = _text_map(fields.get("labels"))
    resource = fields.get("resource")
    if isinstance(resource, dict):
        fields["resource"] = {
            "type": str(resource.get("type", "")),
            "labels": _text_map(resource.get("labels")),
        }
    payload = fields.get("jsonPayload")
    if isinstance(payload, dict) and str(payload.get("@type", "")).endswith("AuditLog"):
        fields["protoPayload"] = fields.pop("jsonPayload")
    for name in ("jsonPayload", "protoPayload"):
        if name in fields:
            fields[name] = msgspec.Raw(msgspec.json.encode(fields[name]))
    return msgspec.convert(fields, LogEntry)


def _request_of(request: JsonObject) -> JsonObject:
    status, latency = request.get("status"), request.get("latency")
    known: JsonObject = {}
    if isinstance(status, int | float | str) and re.fullmatch(r"[1-9]\d\d(\.0)?", str(status), re.ASCII):
        known["status"] = int(float(status))
    if isinstance(latency, str):
        known["latency"] = latency
    elif isinstance(latency, dict):  # protobuf Duration as an object
        known["latency"] = f"{float(str(latency.get('seconds') or 0)) + float(str(latency.get('nanos') or 0)) / 1e9}s"
    elif isinstance(latency, int | float):
        known["latency"] = f"{latency}s"
    return known


def _text_map(labels: Json) -> JsonObject:
    return {key: str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
