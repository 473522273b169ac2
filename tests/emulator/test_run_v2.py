"""Cloud Run v2 over REST: lists, patches with a mask, and operations."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.run_v2 import patched
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from tests.emulator.rolling import NAME, OLDER, PARENT, SERVING, Project, latest_created, latest_ready, pinned

HOST = "run.googleapis.com"
LOCATION = f"/v2/{PARENT}"
SERVICE = f"/v2/{NAME}"


@pytest.fixture
def project() -> Project:
    return Project()


def patch(project: Project, body: JsonObject, **query: str) -> JsonObject:
    return project.ask("PATCH", SERVICE, body, host=HOST, **query)


def test_services_and_revisions_are_what_the_bundle_has(project: Project) -> None:
    services = project.ask("GET", f"{LOCATION}/services", host=HOST)
    revisions = project.ask("GET", f"{LOCATION}/services/-/revisions", host=HOST)

    assert objects_at(services, "services") == project.state.listed("run.services")
    assert objects_at(revisions, "revisions") == project.state.listed("run.revisions")
    assert project.ask("GET", SERVICE, host=HOST) == project.service()


def test_the_wildcard_region_is_refused(project: Project) -> None:
    for path in ("services", "services/-/revisions"):
        error = project.refused("GET", f"/v2/projects/demo-staging/locations/-/{path}", host=HOST)
        assert (error.code, error.status) == (400, "INVALID_ARGUMENT")


def test_a_list_comes_in_pages(project: Project) -> None:
    first = project.ask("GET", f"{LOCATION}/services", host=HOST, pageSize="3")
    second = project.ask(
        "GET", f"{LOCATION}/services", host=HOST, pageSize="3", pageToken=text_at(first, "nextPageToken")
    )

    assert objects_at(first, "services") + objects_at(second, "services") == project.state.listed("run.services")
    assert "nextPageToken" not in second


def test_revisions_of_a_service_and_one_of_them(project: Project) -> None:
    listed = project.ask("GET", f"{SERVICE}/revisions", host=HOST)
    one = project.ask("GET", f"{SERVICE}/revisions/{SERVING}", host=HOST)

    assert len(objects_at(listed, "revisions")) == 7
    assert text_at(one, "name") == f"{NAME}/revisions/{SERVING}"
    assert project.refused("GET", f"{LOCATION}/services/nope/revisions", host=HOST).code == 404
    assert project.refused("GET", f"{SERVICE}/revisions/nope", host=HOST).code == 404


def test_a_patch_changes_what_its_mask_names_and_nothing_else(project: Project) -> None:
    before = project.service()
    body: JsonObject = {"scaling": {"minInstanceCount": 3, "maxInstanceCount": 9}, "labels": {"not": "this"}}

    patch(project, body, updateMask="scaling.minInstanceCount")

    after = project.service()
    assert after["scaling"] == {"minInstanceCount": 3}
    assert after["labels"] == before["labels"]
    assert after["template"] == before["template"]


@pytest.mark.parametrize("mask", ["template.scaling.maxInstanceCount", "template.scaling.max_instance_count"])
def test_a_mask_is_understood_in_either_case(project: Project, mask: str) -> None:
    patch(project, {"template": {"scaling": {"maxInstanceCount": 77}}}, updateMask=mask)

    assert object_at(project.service(), "template.scaling") == {"minInstanceCount": 1, "maxInstanceCount": 77}
    assert latest_created(project.service()) != SERVING


def test_a_field_of_the_mask_that_the_body_leaves_out_is_cleared(project: Project) -> None:
    patch(project, {}, updateMask="template.vpcAccess,labels")

    assert "vpcAccess" not in object_at(project.service(), "template")
    assert "labels" not in project.service()


def test_without_a_mask_every_field_of_the_users_is_replaced() -> None:
    stored: JsonObject = {"name": NAME, "uri": "u", "labels": {"a": "b"}, "ingress": "INGRESS_TRAFFIC_ALL"}
    body: JsonObject = {"template": {"timeout": "1s"}, "uri": "elsewhere", "etag": "e"}
    wanted: JsonObject = {"template": {"timeout": "1s"}, "name": NAME, "etag": "e"}

    assert patched(stored, body, []) == wanted
    assert patched(stored, body, ["*"]) == wanted


def test_the_whole_service_sent_back_as_protobuf_prints_it_changes_nothing(project: Project) -> None:
    whole = project.service()
    resources = object_at(objects_at(whole, "template.containers")[0], "resources")
    assert resources.pop("cpuIdle") is False  # zero, false and empty are left out on that way
    del whole["scaling"]

    patch(project, whole)

    assert latest_created(project.service()) == SERVING


@pytest.mark.parametrize("mask", ["uri", "template.containers.image", "nonsense"])
def test_a_mask_that_names_no_field_of_the_users_is_refused(project: Project, mask: str) -> None:
    error = project.refused("PATCH", SERVICE, {}, host=HOST, updateMask=mask)

    assert error.code == 400
    assert "update_mask" in error.message


def test_a_patch_answers_with_an_operation_that_is_done_in_time(project: Project) -> None:
    operation = patch(project, {"traffic": [pinned(OLDER)]}, updateMask="traffic")
    path = f"/v2/{text_at(operation, 'name')}"

    assert "done" not in operation
    assert text_at(operation, "metadata.name") == NAME
    assert "rollout" not in operation
    assert project.ask("GET", path, host=HOST) == operation
    project.clock.turn(1)
    done = project.ask("POST", f"{path}:wait", {"timeout": "5s"}, host=HOST)
    assert done["done"] is True
    assert objects_at(done, "response.trafficStatuses") == [pinned(OLDER)]
    assert objects_at(project.ask("GET", f"{LOCATION}/operations", host=HOST), "operations") == [done]


def test_an_operation_that_never_was_is_not_found(project: Project) -> None:
    assert project.refused("GET", f"{LOCATION}/operations/nope", host=HOST).code == 404


def test_a_stale_etag_is_refused(project: Project) -> None:
    error = project.refused("PATCH", SERVICE, {"etag": '"old"', "traffic": []}, host=HOST, updateMask="traffic")

    assert (error.code, error.status) == (409, "ABORTED")


def test_a_stale_etag_is_refused_while_validating_too(project: Project) -> None:
    error = project.refused("PATCH", SERVICE, {"etag": '"old"'}, host=HOST, updateMask="traffic", validateOnly="true")

    assert error.code == 409


def test_validating_only_changes_nothing(project: Project) -> None:
    before = project.service()

    operation = patch(project, {"traffic": [pinned(OLDER)]}, updateMask="traffic", validateOnly="true")

    assert operation["done"] is True
    assert objects_at(operation, "response.traffic") == [pinned(OLDER)]
    assert project.service() == before


def test_a_new_revision_is_forced_by_a_parameter(project: Project) -> None:
    patch(project, {}, updateMask="etag", forceNewRevision="true")
    project.clock.turn(1)

    assert latest_ready(project.service()).startswith("backend-staging-00705-")


def test_a_service_that_is_not_there_is_not_created(project: Project) -> None:
    path = f"{LOCATION}/services/nope"

    assert project.refused("PATCH", path, {}, host=HOST).code == 404
    assert project.refused("PATCH", path, {}, host=HOST, allowMissing="true").code == 501
    assert project.ask("PATCH", SERVICE, {}, host=HOST, allowMissing="true", updateMask="labels")


def test_the_audit_log_has_the_mask(project: Project) -> None:
    patch(project, {"traffic": [pinned(OLDER)]}, updateMask="traffic")

    logged = project.state.entries()[-1]

    assert text_at(logged, "protoPayload.request.updateMask") == "traffic"
    assert text_at(logged, "protoPayload.resourceName") == NAME
