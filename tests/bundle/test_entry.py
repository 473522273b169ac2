"""Log entries in the API's spelling, the Python client's, and broken ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from gcpdiag.bundle.entry import LogEntry, decode_entry, payload_of
from gcpdiag.model.json import Json, JsonObject
from tests.making import entry

# log-shapes.md section 1, as gcloud prints it
RAW1 = {
    "httpRequest": {
        "latency": "3.786648988s",
        "protocol": "HTTP/1.1",
        "requestMethod": "GET",
        "requestSize": "327",
        "requestUrl": "https://api.staging.example.com/health",
        "responseSize": "67",
        "status": 503,
    },
    "insertId": "68c8c0a9000bf7222eab06a3",
    "labels": {"instanceId": "0069c7a98875", "vpc-connectivity": "enabled"},
    "logName": "projects/demo-staging/logs/run.googleapis.com%2Frequests",
    "receiveTimestamp": "2025-09-16T01:43:05.967637095Z",
    "resource": {"labels": {"location": "us-central1", "service_name": "api"}, "type": "cloud_run_revision"},
    "severity": "ERROR",
    "textPayload": "The request failed because either the HTTP response was malformed",
    "timestamp": "2025-09-16T01:42:58.995733Z",
}
# the same entry as the Python client exports it: no log name, other spelling, nulls
RAW2 = {
    "http_request": {
        "latency": "3.786648988s",
        "protocol": "HTTP/1.1",
        "request_method": "GET",
        "request_url": "https://api.staging.example.com/health",
        "status": 503,
    },
    "insert_id": "68c8c0a9000bf7222eab06a3",
    "labels": {"instanceId": "0069c7a98875", "vpc-connectivity": "enabled"},
    "receive_timestamp": "2025-09-16T01:43:05.967637+00:00",
    "resource": {"labels": {"location": "us-central1", "service_name": "api"}, "type": "cloud_run_revision"},
    "severity": "ERROR",
    "text_payload": "The request failed because either the HTTP response was malformed",
    "json_payload": None,
    "proto_payload": None,
    "timestamp": "2025-09-16T01:42:58.995733+00:00",
}
AUDIT = {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "methodName": "ReplaceService"}


def decoded(document: object) -> LogEntry:
    return decode_entry(json.dumps(document).encode())


def with_fields(**fields: Json) -> JsonObject:
    return {**entry("boom"), **fields}


def test_both_spellings_of_one_entry_read_the_same() -> None:
    api, client = decoded(RAW1), decoded(RAW2)
    assert (client.text_payload, client.http_request, client.labels, client.resource, client.severity) == (
        api.text_payload,
        api.http_request,
        api.labels,
        api.resource,
        api.severity,
    )


def test_times_keep_their_zone_and_lose_nothing_but_nanoseconds() -> None:
    assert decoded(RAW1).timestamp == datetime(2025, 9, 16, 1, 42, 58, 995733, tzinfo=UTC)


def test_a_structured_payload_stays_raw_until_it_is_read() -> None:
    raw = decoded(entry({"message": "boom", "error": {"code": 7}})).json_payload
    assert payload_of(raw) == {"message": "boom", "error": {"code": 7}}


@pytest.mark.parametrize("name", ["jsonPayload", "json_payload", "protoPayload", "proto_payload"])
def test_a_null_payload_of_an_exporter_is_none(name: str) -> None:
    told = decoded({**RAW2, name: None})
    assert not told.json_payload
    assert not told.proto_payload


def test_an_audit_record_under_the_clients_json_payload_is_a_proto_payload() -> None:
    told = decoded({**RAW2, "text_payload": None, "http_request": None, "json_payload": AUDIT})
    assert payload_of(told.proto_payload) == AUDIT
    assert not told.json_payload


@pytest.mark.parametrize(
    "latency, read",
    [("3.5s", "3.5s"), (3.5, "3.5s"), ({"seconds": "3", "nanos": 500000000}, "3.5s"), ({}, "0.0s"), (None, None)],
)
def test_latency_is_read_in_every_shape(latency: Json, read: str | None) -> None:
    request = decoded({**RAW2, "http_request": {"status": 503, "latency": latency}}).http_request
    assert request is not None
    assert request.latency == read


@pytest.mark.parametrize(
    "status, read", [(503, 503), ("503", 503), (503.0, 503), ("²", None), (True, None), (None, None)]
)
def test_a_status_is_a_number_or_nothing(status: Json, read: int | None) -> None:
    request = decoded({**RAW2, "http_request": {"status": status, "request_url": "/"}}).http_request
    assert request is not None
    assert request.status == read


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": {"line": 7, "none": None}},
        {"resource": {"type": "cloud_run_revision", "labels": {"service_name": 7}}},
        {"labels": None, "httpRequest": None},
        {"severity": 500},
        {"operation": {"id": "x"}, "sourceLocation": {"line": "7"}, "unknownField": [1]},
    ],
)
def test_numbers_nulls_and_unknown_fields_do_not_cost_the_entry(fields: JsonObject) -> None:
    assert decoded(with_fields(**fields)).text_payload == "boom"


def test_the_receive_time_stands_in_for_a_missing_one() -> None:
    told = decoded(with_fields(timestamp=None, receiveTimestamp="2025-09-16T01:43:05Z"))
    assert told.receive_timestamp == datetime(2025, 9, 16, 1, 43, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "line, why",
    [
        (b"not json", "malformed"),
        (b'{"logName": "x"', "truncated"),
        (b'{"logName": "a\x00b", "timestamp": "2025-09-16T01:43:05Z"}', "malformed"),
        (b"[]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"{}", "without a timestamp"),
        (b'{"logName": "x", "timestamp": null}', "without a timestamp"),
        (b'{"logName": "x", "timestamp": "yesterday"}', "timestamp"),
        (b'{"logName": "x", "timestamp": "0001-01-01T00:00:00+14:00"}', "of the year 1"),
        (b'{"logName": "x", "timestamp": "9999-12-31T23:59:59-14:00"}', "of the year 9999"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode_entry(line)


def test_deep_nesting_is_an_error_that_the_reader_expects() -> None:
    line = b'{"logName": "x", "timestamp": "2025-09-16T01:43:05Z", "jsonPayload": ' + b"[" * 100_000
    with pytest.raises((RecursionError, msgspec.DecodeError)):
        decode_entry(line)


def test_bytes_that_are_no_utf8_are_replaced_and_the_entry_is_read() -> None:
    line = json.dumps(entry("caf#")).encode().replace(b"#", b"\xe9")
    assert decode_entry(line).text_payload == "caf\ufffd"


@pytest.mark.parametrize(
    "raw, read",
    [
        (b'{"message": "caf\xe9"}', {"message": "caf\ufffd"}),
        (b'{"n": 1e999}', None),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b"oops", None),
        (b"null", None),
    ],
)
def test_a_payload_that_cannot_be_read_is_none(raw: bytes, read: Json) -> None:
    assert payload_of(msgspec.Raw(raw)) == read
