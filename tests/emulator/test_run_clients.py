"""Google's own clients of Cloud Run change services: over gRPC and over REST, and wait for the operation."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import grpc
import pytest
from google.api.launch_stage_pb2 import LaunchStage  # type: ignore[import-untyped]
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Aborted, BadRequest, Conflict, GoogleAPICallError
from google.api_core.operation import Operation
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.protobuf.field_mask_pb2 import FieldMask

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.enum_number import NAMES
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.model.json import JsonObject
from tests.emulator.asking import http_answer
from tests.emulator.rolling import FIXTURES, NAME, OLDER, SERVING

_LONGEST = 20  # seconds


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with serve(load_bundle(FIXTURES / "staging-503")) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    http_answer(running.http, "/_emulator/reset", method="POST")
    return running


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[run_v2.ServicesClient]:
    if request.param == "rest":
        options = ClientOptions(api_endpoint=f"http://{emulator.http}")
        with run_v2.ServicesClient(
            transport="rest", credentials=AnonymousCredentials(), client_options=options
        ) as client:
            yield client
    else:
        with grpc.insecure_channel(emulator.grpc) as channel:
            yield run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=channel))


def plan(emulator: Emulator, **told: str | float) -> None:
    body: JsonObject = {"service": "backend-staging", "seconds": 0, **told}
    assert http_answer(emulator.http, "/_emulator/rollout", method="POST", body=body)[0] == 200


def outcome(operation: Operation) -> run_v2.Service:
    """Wait for an update as clients do, and return the service."""
    service = operation.result(timeout=_LONGEST)  # type: ignore[no-untyped-call]
    assert isinstance(service, run_v2.Service)
    return service


def test_numbers_of_enums_are_those_of_the_clients_types() -> None:
    types: dict[str, type[Enum]] = {
        "egress": run_v2.VpcAccess.VpcEgress,
        "encryptionKeyRevocationAction": run_v2.EncryptionKeyRevocationAction,
        "executionEnvironment": run_v2.ExecutionEnvironment,
        "ingress": run_v2.IngressTraffic,
        "medium": run_v2.EmptyDirVolumeSource.Medium,
        "scalingMode": run_v2.ServiceScaling.ScalingMode,
        "type": run_v2.TrafficTargetAllocationType,
    }

    known = {field: {one.name: one.value for one in kind} for field, kind in types.items()}
    known["launchStage"] = dict(LaunchStage.items())

    assert known.keys() == NAMES.keys()
    for field, numbers in known.items():
        assert numbers.items() <= {name: number for number, name in enumerate(NAMES[field])}.items()


def test_a_limit_is_raised_and_the_new_revision_serves(emulator: Emulator, client: run_v2.ServicesClient) -> None:
    plan(emulator)
    service = client.get_service(name=NAME)
    service.template.scaling.max_instance_count = 77
    mask = FieldMask(paths=["template.scaling.max_instance_count"])

    updated = outcome(client.update_service(request={"service": service, "update_mask": mask}))

    assert updated.template.scaling.max_instance_count == 77
    assert updated.template.scaling.min_instance_count == 1
    assert updated.latest_ready_revision == updated.latest_created_revision
    assert updated.latest_ready_revision.rpartition("/")[2] != SERVING
    assert updated.terminal_condition.state == run_v2.Condition.State.CONDITION_SUCCEEDED


def test_a_whole_service_sent_back_makes_no_revision(emulator: Emulator, client: run_v2.ServicesClient) -> None:
    plan(emulator)
    service = client.get_service(name=NAME)
    service.scaling.min_instance_count = 4

    updated = outcome(client.update_service(service=service))

    assert updated.scaling.min_instance_count == 4
    assert updated.latest_created_revision.rpartition("/")[2] == SERVING
    assert updated.generation == service.generation + 1


def test_traffic_is_sent_back_to_the_revision_before(emulator: Emulator, client: run_v2.ServicesClient) -> None:
    plan(emulator)
    service = client.get_service(name=NAME)
    pinned = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
    service.traffic = [run_v2.TrafficTarget(type_=pinned, revision=OLDER, percent=100)]

    request = {"service": service, "update_mask": FieldMask(paths=["traffic"])}
    updated = outcome(client.update_service(request=request))

    assert [(one.revision, one.percent) for one in updated.traffic_statuses] == [(OLDER, 100)]


def test_a_rollout_that_fails_is_an_error_of_the_operation(emulator: Emulator, client: run_v2.ServicesClient) -> None:
    plan(emulator, outcome="fail")
    service = client.get_service(name=NAME)
    service.template.max_instance_request_concurrency = 10

    operation = client.update_service(service=service)

    with pytest.raises(GoogleAPICallError, match="is not ready and cannot serve traffic") as failed:
        outcome(operation)
    assert failed.value.grpc_status_code == grpc.StatusCode.FAILED_PRECONDITION


def test_a_stale_etag_is_a_conflict(client: run_v2.ServicesClient) -> None:
    service = client.get_service(name=NAME)
    service.etag = '"old"'

    with pytest.raises((Aborted, Conflict), match="Conflict for resource 'backend-staging'"):
        client.update_service(service=service)


def test_what_is_not_allowed_is_an_invalid_argument(client: run_v2.ServicesClient) -> None:
    service = client.get_service(name=NAME)
    service.template.containers[0].resources.limits["memory"] = "64Gi"

    with pytest.raises(BadRequest, match=r"template\.containers\[0\]\.resources\.limits\.memory"):
        client.update_service(request={"service": service, "validate_only": True})
