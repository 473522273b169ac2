"""gRPC as clients meet it: messages, error details, faults, and a prompt end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import vpcaccess_v1
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import LogEntry
from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport
from google.protobuf import empty_pb2

from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.grpc_wire import GrpcWire
from gcpdiag.model.json import JsonObject
from tests.emulator.asking import backend_of
from tests.making import CONNECTORS, ENTRIES, PARENT, PROJECT, Files, audit, entry

CONNECTOR: JsonObject = {"name": f"{PARENT}/connectors/c", "state": "READY", "later": "unknown"}


@contextmanager
def serving(files: Files, *faults: str) -> Iterator[tuple[Backend, grpc.Channel]]:
    """Yield the backend, and a channel to a server that runs inside the block."""
    backend = backend_of(files, faults=faults)
    wire = GrpcWire(backend)
    wire.start()
    channel = grpc.insecure_channel(wire.address, options=[("grpc.enable_http_proxy", 0)])
    try:
        yield backend, channel
    finally:
        channel.close()
        backend.stopped.set()
        wire.stop()


def connectors(channel: grpc.Channel, *, parent: str = PARENT, timeout: float = 20) -> list[str]:
    client = vpcaccess_v1.VpcAccessServiceClient(transport=VpcAccessServiceGrpcTransport(channel=channel))
    return [one.name for one in client.list_connectors(parent=parent, retry=None, timeout=timeout)]


def entries(channel: grpc.Channel, **request: object) -> list[LogEntry]:
    client = LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel))
    asked = {"resource_names": [f"projects/{PROJECT}"], **request}
    return list(client.list_log_entries(request=asked, retry=None, timeout=20))


def test_a_list_is_answered_and_what_the_type_does_not_know_is_left_out() -> None:
    with serving({CONNECTORS: [CONNECTOR]}) as (_, channel):
        assert connectors(channel) == [CONNECTOR["name"]]


def test_a_call_is_counted_as_the_rest_call_that_it_stands_for() -> None:
    with serving({CONNECTORS: [CONNECTOR]}) as (backend, channel):
        connectors(channel)

    [call] = backend.calls
    assert (call.wire, call.method, call.path, call.mutates) == ("grpc", "GET", f"/v1/{PARENT}/connectors", False)


def test_a_method_that_the_emulator_lacks_counts_as_one_that_may_change_something() -> None:
    with serving({}) as (backend, channel):
        call = channel.unary_unary("/google.cloud.run.v2.Services/DeleteService", request_serializer=bytes)
        with pytest.raises(grpc.RpcError) as refused:
            call(empty_pb2.Empty().SerializeToString(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED

    assert [one.mutates for one in backend.calls] == [True]


def test_an_error_carries_its_details() -> None:
    disabled = serving({}, "vpcaccess.connectors=disabled")
    with disabled as (_, channel), pytest.raises(exceptions.PermissionDenied) as refused:
        connectors(channel)

    assert refused.value.reason == "SERVICE_DISABLED"
    assert refused.value.metadata["service"] == "vpcaccess.googleapis.com"


@pytest.mark.parametrize(
    "kind, error",
    [
        ("denied", exceptions.PermissionDenied),
        ("429", exceptions.ResourceExhausted),
        ("500", exceptions.InternalServerError),
        ("503", exceptions.ServiceUnavailable),
        ("cut", exceptions.ServiceUnavailable),
        ("malformed", exceptions.InternalServerError),
    ],
)
def test_a_fault_is_the_error_of_its_kind(kind: str, error: type[Exception]) -> None:
    with serving({CONNECTORS: [CONNECTOR]}, f"vpcaccess.connectors={kind}:1") as (_, channel):
        with pytest.raises(error):
            connectors(channel)
        assert connectors(channel) == [CONNECTOR["name"]]


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_a_call_that_hangs_ends_at_the_deadline_of_the_client(kind: str) -> None:
    with serving({CONNECTORS: [CONNECTOR]}, f"vpcaccess.connectors={kind}") as (_, channel):
        with pytest.raises(exceptions.DeadlineExceeded):
            connectors(channel, timeout=0.2)
        assert entries(channel) == []


def test_a_server_stops_although_calls_hang() -> None:
    with serving({}, "*=hang") as (_, channel):
        call = channel.unary_unary(
            "/google.cloud.vpcaccess.v1.VpcAccessService/ListConnectors", request_serializer=bytes
        )
        waiting = [call.future(b"", timeout=600) for _ in range(5)]

    assert all(one.exception() for one in waiting)


def test_entries_keep_their_payloads() -> None:
    told = [entry("text", minute=1), entry({"message": "m"}, minute=2), audit("google.run.Do", minute=3)]
    with serving({ENTRIES: told}) as (_, channel):
        first, second, third = entries(channel)

    assert first.text_payload == "text"
    assert second.json_payload["message"] == "m"
    assert third.proto_payload.type_url == "type.googleapis.com/google.cloud.audit.AuditLog"
    assert b"google.run.Do" in third.proto_payload.value


def test_a_payload_of_an_unknown_type_does_not_break_the_page() -> None:
    unknown: JsonObject = {**entry("", minute=1), "protoPayload": {"@type": "type.googleapis.com/no.such.Type", "a": 1}}
    del unknown["textPayload"]
    odd = audit("m", {"serviceData": {"@type": "type.googleapis.com/no.such.Data", "b": 2}}, minute=2)

    with serving({ENTRIES: [unknown, odd, entry("last", minute=3)]}) as (_, channel):
        first, second, third = entries(channel)

    assert first.proto_payload.type_url == "type.googleapis.com/no.such.Type"
    assert b"m" in second.proto_payload.value
    assert third.text_payload == "last"


def test_pages_follow_one_another() -> None:
    told = [entry(str(number), minute=number, insertId=str(number)) for number in range(7)]
    with serving({ENTRIES: told}) as (backend, channel):
        found = entries(channel, page_size=3, order_by="timestamp desc")

    assert [one.text_payload for one in found] == ["6", "5", "4", "3", "2", "1", "0"]
    assert len(backend.calls) == 3


def test_an_entry_that_takes_the_place_of_another_after_a_reset_is_not_mistaken_for_it() -> None:
    with serving({ENTRIES: [entry("first")]}) as (backend, channel):
        for text in ("second", "third"):
            backend.state.entries().append(entry(text, minute=40))
            assert [one.text_payload for one in entries(channel)] == ["first", text]
            backend.reset()


def test_a_bad_filter_is_an_invalid_argument() -> None:
    with serving({}) as (_, channel), pytest.raises(exceptions.InvalidArgument):
        entries(channel, filter="severity>=")
