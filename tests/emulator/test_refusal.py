"""A source that was refused when the bundle was collected is refused again, in the same words."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.rest import ApiError
from gcpdiag.emulator.serve import ROUTES
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at
from tests.emulator.asking import NOON, backend_of, get, refusal
from tests.making import PARENT, PROJECT, bundle

CONNECTORS_PATH = f"/v1/{PARENT}/connectors"


def refused(status: str, error: str = "", **more: Json) -> ApiError:
    told: JsonObject = {"source": "vpcaccess.connectors", "status": status, **more}
    if error:
        told["error"] = error
    return refusal(backend_of({}, sources=[told]), CONNECTORS_PATH)


def test_a_denied_source_is_denied_in_the_words_of_the_manifest() -> None:
    error = refused("denied", "403 Permission denied on resource project demo-staging.")

    assert (error.code, error.status) == (403, "PERMISSION_DENIED")
    assert error.message == "Permission denied on resource project demo-staging."


def test_without_words_a_denial_names_the_permission_and_the_resource() -> None:
    error = refused("denied")

    assert error.message == (
        f"Permission 'vpcaccess.connectors.list' denied on resource '{PARENT}' (or it may not exist)."
    )
    metadata = object_at(error.details[0], "metadata")
    assert (error.details[0]["reason"], metadata["permission"]) == (
        "IAM_PERMISSION_DENIED",
        "vpcaccess.connectors.list",
    )


def test_compute_words_a_denial_in_its_own_way() -> None:
    backend = backend_of({}, sources=[{"source": "compute.routers", "status": "denied"}])

    error = refusal(backend, f"/compute/v1/projects/{PROJECT}/aggregated/routers")

    assert error.message == f"Required 'compute.routers.list' permission for 'projects/{PROJECT}'"


def test_a_disabled_api_tells_its_service_and_how_to_enable_it() -> None:
    error = refused("disabled")

    metadata = object_at(error.details[0], "metadata")
    assert error.details[0]["reason"] == "SERVICE_DISABLED"
    assert metadata["service"] == "vpcaccess.googleapis.com"
    assert str(metadata["consumer"]).startswith("projects/")
    assert error.message.startswith("Serverless VPC Access API has not been used in project ")
    assert "apis/api/vpcaccess.googleapis.com/overview?project=" in error.message


@pytest.mark.parametrize(
    "told, code, status",
    [
        ("503 The service is currently unavailable.", 503, "UNAVAILABLE"),
        ("504 Deadline exceeded.", 504, "DEADLINE_EXCEEDED"),
        ("it broke", 500, "INTERNAL"),
        ("", 500, "INTERNAL"),
    ],
)
def test_a_failed_source_fails_with_the_code_of_the_manifest(told: str, code: int, status: str) -> None:
    error = refused("error", told)

    assert (error.code, error.status) == (code, status)


def test_a_source_that_was_not_collected_is_not_offered_rather_than_empty() -> None:
    state = State(bundle({}), clock=lambda: NOON)

    error = refusal(Backend(state, ROUTES), CONNECTORS_PATH)

    assert (error.code, error.status) == (501, "UNIMPLEMENTED")
    assert error.message == "Not collected: the bundle has no vpcaccess/connectors.json."


def test_a_source_that_was_collected_and_is_empty_is_an_empty_list() -> None:
    assert objects_at(get(backend_of({}), CONNECTORS_PATH), "connectors") == []
