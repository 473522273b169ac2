from __future__ import annotations

from google.cloud.audit.audit_log_pb2 import AuditLog
from google.cloud.logging_v2.types import LogEntry
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from gcpdiag.gcp.message import entry_document


def packed_entry(payload: Packed) -> Message:
    entry: Message = LogEntry.pb(LogEntry(log_name="projects/p/logs/x", insert_id="1", proto_payload=payload))
    return entry


def test_an_audit_payload_becomes_json() -> None:
    payload = Packed()
    payload.Pack(AuditLog(service_name="run.googleapis.com", method_name="m"))

    document = entry_document(packed_entry(payload))

    assert document["protoPayload"] == {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "run.googleapis.com",
        "methodName": "m",
    }


def test_a_payload_of_an_unknown_type_keeps_its_type_and_the_entry_stands() -> None:
    document = entry_document(packed_entry(Packed(type_url="type.googleapis.com/acme.Unknown", value=b"\x08\x01")))

    assert document["protoPayload"] == {"@type": "type.googleapis.com/acme.Unknown"}
    assert document["insertId"] == "1"


def test_an_audit_payload_with_an_unknown_part_loses_that_part_alone() -> None:
    audit = AuditLog(service_name="iam.googleapis.com")
    audit.service_data.type_url = "type.googleapis.com/acme.Unknown"
    payload = Packed()
    payload.Pack(audit)

    document = entry_document(packed_entry(payload))

    assert document["protoPayload"] == {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "iam.googleapis.com",
    }
