"""Google's protocol messages as the REST JSON that a bundle holds."""

from __future__ import annotations

from google.cloud.audit.audit_log_pb2 import AuditLog
from google.logging.type import http_request_pb2  # noqa: F401 - registered, so that packed ones can be read
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from gcpdiag.model.json import Json, JsonObject


def document_of(message: Message) -> JsonObject:
    """Return a message as REST JSON: camelCase names, int64 as text, enum names, RFC 3339 times."""
    document: JsonObject = MessageToDict(message)
    return document


def entry_document(entry: Message) -> JsonObject:
    """Return a log entry as REST JSON.

    A payload of a type that nobody here knows keeps its ``@type`` alone; an audit payload with such a part loses that
    part. The rest of the entry stands.
    """
    try:
        return _with_whole_numbers(document_of(entry))
    except (TypeError, DecodeError):  # json_format: "Can not find message descriptor by type_url"
        return _with_whole_numbers(_without_unknown_payload(entry))


def _with_whole_numbers(document: JsonObject) -> JsonObject:
    """Return the entry with ``7`` for the ``7.0`` of its payloads, as REST spells it: a Struct knows doubles alone."""
    for name in ("jsonPayload", "protoPayload"):
        if name in document:
            document[name] = _whole(document[name])
    return document


def _whole(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_unknown_payload(entry: Message) -> JsonObject:
    payload = entry.proto_payload
    kept: JsonObject = {"@type": payload.type_url}
    audit = AuditLog()
    if payload.Is(AuditLog.DESCRIPTOR) and payload.Unpack(audit):
        audit.ClearField("service_data")
        kept |= document_of(audit)
    bare = type(entry)()
    bare.CopyFrom(entry)
    bare.ClearField("proto_payload")
    return document_of(bare) | {"protoPayload": kept}
