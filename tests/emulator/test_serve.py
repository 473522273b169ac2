"""A running emulator: where it is, what it tells of itself, reset, latency, ports."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import timedelta

import grpc
import pytest
from google.cloud.vpcaccess_v1.services.vpc_access_service import VpcAccessServiceClient
from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport

from gcpdiag.emulator.serve import serve
from gcpdiag.errors import UsageError
from gcpdiag.model.json import objects_at
from tests.emulator.asking import NOON, http_answer
from tests.making import CONNECTORS, ENTRIES, PARENT, PROJECT, bundle, entry

PATH = f"/v1/{PARENT}/connectors"


def test_it_tells_where_it_is_and_what_it_serves() -> None:
    with serve(bundle({})) as emulator:
        code, told = http_answer(emulator.http, "/_emulator")

        assert (code, told) == (200, emulator.describe())
    assert (told["http"], told["grpc"], told["project"]) == (emulator.http, emulator.grpc, PROJECT)
    assert told["regions"] == ["us-central1"]
    assert told["window"] == {"start": "2025-09-15T19:25:00Z", "end": "2025-09-15T20:25:00Z"}


def test_now_is_told_with_the_window() -> None:
    with serve(bundle({}), now=True, clock=lambda: NOON) as emulator:
        assert emulator.describe()["window"] == {"start": "2030-01-01T11:00:00Z", "end": "2030-01-01T12:00:00Z"}


def test_the_calls_are_listed_but_not_those_to_the_emulator_itself() -> None:
    with serve(bundle({})) as emulator:
        http_answer(emulator.http, PATH)
        http_answer(emulator.http, "/v2/projects/p/locations/r/services/s", method="DELETE")
        _, told = http_answer(emulator.http, "/_emulator/requests")

    assert [(one["method"], one["path"], one["mutates"]) for one in objects_at(told, "requests")] == [
        ("GET", PATH, False),
        ("DELETE", "/v2/projects/p/locations/r/services/s", True),
    ]
    assert len(emulator.requests) == 2


def test_a_reset_brings_back_the_bundle_and_forgets_the_calls() -> None:
    with serve(bundle({ENTRIES: [entry("x")]})) as emulator:
        emulator.state.entries().clear()
        http_answer(emulator.http, PATH)

        code, _ = http_answer(emulator.http, "/_emulator/reset", method="POST")

        assert code == 200
        assert len(emulator.state.entries()) == 1
        assert emulator.requests == ()


def test_latency_is_spent_before_an_answer_and_ends_with_the_server() -> None:
    with closing(socket.socket()) as client:
        with serve(bundle({}), latency=timedelta(hours=1)) as emulator:
            host, port = emulator.http.split(":")
            client.connect((host, int(port)))
            client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert http_answer(emulator.http, "/_emulator")[0] == 200  # the emulator's own answers do not wait
        client.settimeout(20)
        client.recv(65536)


def test_a_port_is_taken_as_asked_and_grpc_is_next_to_it_or_anywhere() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            serve(bundle({}), port=port)
    with serve(bundle({})) as other:
        beside = int(other.grpc.split(":")[1]) - 1
        try:
            emulator = serve(bundle({}), port=beside)
        except UsageError:
            return  # somebody else has the port before it
        with emulator:
            assert emulator.http == f"127.0.0.1:{beside}"
            assert emulator.grpc != other.grpc


def test_stopping_twice_is_no_error() -> None:
    with serve(bundle({})) as emulator:
        emulator.stop()


def test_an_emulator_that_was_never_started_stops_too() -> None:
    serve(bundle({})).stop()


def test_both_wires_answer_out_of_one_state() -> None:
    with serve(bundle({CONNECTORS: [{"name": f"{PARENT}/connectors/c"}]})) as emulator:
        live = emulator.state.resources("vpcaccess.connectors")
        assert live is not None
        live[0]["state"] = "ERROR"
        with grpc.insecure_channel(emulator.grpc, options=[("grpc.enable_http_proxy", 0)]) as channel:
            client = VpcAccessServiceClient(transport=VpcAccessServiceGrpcTransport(channel=channel))
            [over_grpc] = client.list_connectors(parent=PARENT, timeout=20)
        _, over_rest = http_answer(emulator.http, PATH)

    assert over_grpc.state.name == "ERROR"
    assert objects_at(over_rest, "connectors")[0]["state"] == "ERROR"
