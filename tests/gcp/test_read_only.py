"""That nothing can be changed is a fact about the transports: they refuse before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.failure import CallError, MutationRefusedError
from gcpdiag.gcp.rest import _ReadOnlySession
from gcpdiag.gcp.rpc import failures_told, read_only_channel

NOWHERE = Emulator(http="127.0.0.1:9", grpc="127.0.0.1:9", project="demo")


@pytest.fixture
def session() -> Iterator[_ReadOnlySession]:
    with _ReadOnlySession(anonymous_access().credentials) as opened:  # type: ignore[no-untyped-call]
        opened.trust_env = False
        yield opened


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post"])
def test_rest_refuses_what_could_change_something(session: _ReadOnlySession, method: str) -> None:
    with pytest.raises(MutationRefusedError):
        session.request(method, "http://127.0.0.1:9/v2/projects/p/locations/r/services/s")


@pytest.mark.parametrize("path", ["/v1/projects/p:setIamPolicy", "/x?y=:testIamPermissions"])
def test_rest_refuses_a_post_that_does_not_only_ask(session: _ReadOnlySession, path: str) -> None:
    with pytest.raises(MutationRefusedError):
        session.request("POST", f"http://127.0.0.1:9{path}")


@pytest.fixture
def channel() -> Iterator[grpc.Channel]:
    opened = read_only_channel(grpc.secure_channel, "run.googleapis.com", anonymous_access(), NOWHERE)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "method",
    [
        "/google.cloud.run.v2.Services/UpdateService",
        "/google.cloud.run.v2.Services/CreateService",
        "/google.cloud.run.v2.Services/DeleteService",
        "/google.logging.v2.LoggingServiceV2/WriteLogEntries",
        "/google.monitoring.v3.MetricService/CreateTimeSeries",
        "/google.cloud.run.v2.Services/SetIamPolicy",
        "/google.longrunning.Operations/CancelOperation",
    ],
)
def test_grpc_refuses_what_could_change_something(channel: grpc.Channel, method: str) -> None:
    with pytest.raises(MutationRefusedError):
        channel.unary_unary(method)(b"", timeout=1)


def test_grpc_lets_a_question_through_and_tells_that_nobody_answers(channel: grpc.Channel) -> None:
    with pytest.raises(CallError, match="connect"), failures_told():
        channel.unary_unary("/google.cloud.run.v2.Services/ListServices")(b"", timeout=5)
