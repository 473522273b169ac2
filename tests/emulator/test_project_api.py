"""The project, its APIs, its permissions and Google's own incidents."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import JsonObject, objects_at, text_at, texts_at
from tests.emulator.asking import backend_of, get, post, refusal
from tests.making import PROJECT

DENIED: JsonObject = {"source": "vpcaccess.connectors", "status": "denied"}
DISABLED: JsonObject = {"source": "redis.instances", "status": "disabled"}
EVENT: JsonObject = {"name": f"projects/{PROJECT}/locations/global/events/e", "state": "ACTIVE"}


def test_the_project_is_there_in_both_versions() -> None:
    v1 = get(backend_of({}), f"/v1/projects/{PROJECT}")
    v3 = get(backend_of({}), f"/v3/projects/{PROJECT}")

    assert (v1["projectId"], v1["lifecycleState"]) == (PROJECT, "ACTIVE")
    assert (v3["projectId"], v3["state"]) == (PROJECT, "ACTIVE")
    assert v3["name"] == f"projects/{v1['projectNumber']}"


@pytest.mark.parametrize("path", ["/v1/projects", "/v3/projects:search"])
def test_the_only_project_is_listed(path: str) -> None:
    assert [text_at(one, "projectId") for one in objects_at(get(backend_of({}), path), "projects")] == [PROJECT]


@pytest.mark.parametrize("told, count", [("lifecycleState:ACTIVE", 1), ("lifecycleState:DELETE_REQUESTED", 0)])
def test_projects_are_filtered(told: str, count: int) -> None:
    assert len(objects_at(get(backend_of({}), "/v1/projects", filter=told), "projects")) == count


def test_another_project_is_denied() -> None:
    error = refusal(backend_of({}), "/v1/projects/other")

    assert (error.code, error.message) == (403, "Permission denied on resource project other.")


def test_all_permissions_are_granted_but_those_that_the_manifest_calls_denied() -> None:
    asked: JsonObject = {"permissions": ["run.services.list", "vpcaccess.connectors.list"]}

    answer = post(backend_of({}, sources=[DENIED]), f"/v1/projects/{PROJECT}:testIamPermissions", asked)

    assert texts_at(answer, "permissions") == ["run.services.list"]


def test_an_api_that_the_manifest_calls_disabled_is_not_enabled() -> None:
    backend = backend_of({}, sources=[DISABLED])
    path = f"/v1/projects/{PROJECT}/services"

    enabled = [
        text_at(one, "config.name") for one in objects_at(get(backend, path, filter="state:ENABLED"), "services")
    ]

    assert "run.googleapis.com" in enabled
    assert "redis.googleapis.com" not in enabled
    assert get(backend, f"{path}/redis.googleapis.com")["state"] == "DISABLED"
    assert refusal(backend, path, filter="name:x").code == 400
    assert refusal(backend, f"{path}/none.googleapis.com").code == 404


def test_events_are_listed_filtered_and_found() -> None:
    backend = backend_of({"servicehealth/events.json": [EVENT]})
    path = f"/v1/projects/{PROJECT}/locations/global/events"

    assert objects_at(get(backend, path), "events") == [EVENT]
    assert get(backend, path, filter="state=CLOSED") == {}
    assert get(backend, f"{path}/e") == EVENT
    assert refusal(backend, f"{path}/none").code == 404
    assert refusal(backend, path, filter="state").code == 400
