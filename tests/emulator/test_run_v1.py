"""Cloud Run v1 as gcloud speaks it: lists by host and label, and services put back."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.rest import ApiError, Request
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from tests.emulator.asking import backend_of, get
from tests.emulator.rolling import NAMESPACE, OLDER, RUN_HOST, SERVING, Project, latest_created
from tests.making import REVISIONS, SERVICES, service

SERVICE = f"{NAMESPACE}/services/backend-staging"


@pytest.fixture
def project() -> Project:
    return Project()


def names(listed: JsonObject) -> list[str]:
    return [text_at(one, "metadata.name") for one in objects_at(listed, "items")]


def test_locations_are_the_regions_of_the_bundle(project: Project) -> None:
    told = project.ask("GET", "/v1/projects/demo-staging/locations", host="run.googleapis.com")

    assert told == {"locations": [{"name": "projects/demo-staging/locations/us-central1", "locationId": "us-central1"}]}


def test_services_are_listed_over_all_regions_and_in_one(project: Project) -> None:
    path = "/v1/projects/demo-staging/locations/{}/services"

    everywhere = project.ask("GET", path.format("-"), host="run.googleapis.com")
    here = project.ask("GET", f"{NAMESPACE}/services")
    elsewhere = project.ask("GET", f"{NAMESPACE}/services", host="europe-west1-run.googleapis.com")

    assert names(everywhere) == names(here)
    assert len(names(here)) == 5
    assert names(elsewhere) == names(project.ask("GET", path.format("europe-west1"))) == []
    assert (here["kind"], here["apiVersion"]) == ("ServiceList", "serving.knative.dev/v1")


def test_the_namespace_may_be_the_projects_number(project: Project) -> None:
    number = project.state.project_number

    assert project.ask("GET", SERVICE.replace("demo-staging", number, 1)) == project.ask("GET", SERVICE)


def test_revisions_are_selected_by_their_service(project: Project) -> None:
    listed = project.ask("GET", f"{NAMESPACE}/revisions", labelSelector="serving.knative.dev/service = backend-staging")

    assert len(names(listed)) == 7
    assert isinstance(listed["metadata"], dict)  # gcloud fails without
    assert len(names(project.ask("GET", f"{NAMESPACE}/revisions"))) == 12
    nobodys = project.ask("GET", f"{NAMESPACE}/revisions", labelSelector="client.knative.dev/nonce = abc")
    assert names(nobodys) == []


def test_a_selector_that_is_no_equality_is_refused(project: Project) -> None:
    for selector in ("serving.knative.dev/service", "a!=b"):
        assert project.refused("GET", f"{NAMESPACE}/revisions", labelSelector=selector).code == 400


def test_lists_come_in_pages(project: Project) -> None:
    found: list[str] = []
    token = ""
    while True:
        listed = project.ask("GET", f"{NAMESPACE}/revisions", None, **{"limit": "5", "continue": token})
        found += names(listed)
        token = text_at(listed, "metadata.continue")
        if not token:
            break

    assert found == names(project.ask("GET", f"{NAMESPACE}/revisions"))


def test_a_revision_is_told_by_its_name(project: Project) -> None:
    told = project.ask("GET", f"{NAMESPACE}/revisions/{SERVING}")

    assert text_at(told, "metadata.name") == SERVING
    assert told["kind"] == "Revision"


@pytest.mark.parametrize(
    "path, kind", [(f"{NAMESPACE}/services/nope", "SERVICE"), (f"{NAMESPACE}/revisions/nope", "REVISION")]
)
def test_what_is_not_there_is_not_found(project: Project, path: str, kind: str) -> None:
    error = project.refused("GET", path)

    assert (error.code, error.status) == (404, "NOT_FOUND")
    assert error.message == (
        f"Resource 'nope' of kind '{kind}' in region 'us-central1' in project 'demo-staging' does not exist."
    )


def test_a_policy_was_never_set(project: Project) -> None:
    path = "/v1/projects/demo-staging/locations/us-central1/services/{}:getIamPolicy"

    assert project.ask("GET", path.format("backend-staging")) == {"etag": "ACAB"}
    assert project.refused("GET", path.format("nope")).code == 404


def test_a_service_put_back_with_a_new_limit_makes_a_revision(project: Project) -> None:
    document = project.knative()
    container = objects_at(document, "spec.template.spec.containers")[0]
    object_at(container, "resources.limits")["memory"] = "8Gi"
    object_at(document, "spec.template.metadata.labels")["client.knative.dev/nonce"] = "abc"

    answer = project.ask("PUT", SERVICE, document)

    made = latest_created(project.service())
    assert text_at(answer, "status.latestCreatedRevisionName") == made != SERVING
    assert text_at(objects_at(answer, "status.conditions")[0], "status") == "Unknown"
    assert text_at(answer, "status.observedGeneration") == text_at(answer, "metadata.generation")
    assert objects_at(answer, "status.traffic")[0]["revisionName"] == SERVING
    nonce = project.ask("GET", f"{NAMESPACE}/revisions", labelSelector="client.knative.dev/nonce = abc")
    assert names(nonce) == [made]
    project.clock.turn(1)
    after = project.ask("GET", SERVICE)
    assert text_at(objects_at(after, "status.conditions")[0], "status") == "True"
    assert objects_at(after, "status.traffic")[0]["revisionName"] == made


def test_a_new_client_alone_makes_no_revision(project: Project) -> None:
    document = project.knative()
    object_at(document, "spec.template.metadata.annotations")["run.googleapis.com/client-version"] = "999.0.0"

    project.ask("PUT", SERVICE, document)

    assert latest_created(project.service()) == SERVING


def test_traffic_put_back_makes_no_revision_and_is_logged_as_traffic(project: Project) -> None:
    document = project.knative()
    object_at(document, "spec")["traffic"] = [{"revisionName": OLDER, "percent": 100}]

    project.ask("PUT", SERVICE, document)
    project.clock.turn(1)

    after = project.ask("GET", SERVICE)
    assert objects_at(after, "status.traffic") == [{"revisionName": OLDER, "percent": 100}]
    assert text_at(after, "status.latestCreatedRevisionName") == SERVING
    logged = project.state.entries()[-1]
    assert text_at(logged, "protoPayload.methodName") == "google.cloud.run.v1.Services.ReplaceService"
    assert "command/gcloud.run.services.update-traffic" in text_at(
        logged, "protoPayload.requestMetadata.callerSuppliedUserAgent"
    )
    assert text_at(logged, "protoPayload.request.service.kind") == "Service"


def test_a_version_that_is_not_the_current_one_is_refused(project: Project) -> None:
    document = project.knative()
    object_at(document, "metadata")["resourceVersion"] = "stale"

    error = project.refused("PUT", SERVICE, document)

    assert (error.code, error.status) == (409, "ABORTED")
    assert "version 'stale' was specified but current version is" in error.message


def test_without_a_version_what_is_put_replaces_whatever_is_there(project: Project) -> None:
    document = project.knative()
    del object_at(document, "metadata")["resourceVersion"]

    assert project.ask("PUT", SERVICE, document)["kind"] == "Service"


def test_a_dry_run_answers_and_changes_nothing(project: Project) -> None:
    before = project.service()
    document = project.knative()
    object_at(document, "spec.template.spec")["timeoutSeconds"] = 30

    answer = project.ask("PUT", SERVICE, document, dryRun="all")

    assert object_at(answer, "spec.template.spec")["timeoutSeconds"] == 30
    assert project.service() == before


def test_what_cloud_run_refuses_is_told_in_the_fields_of_v1(project: Project) -> None:
    document = project.knative()
    container = objects_at(document, "spec.template.spec.containers")[0]
    object_at(container, "resources.limits")["memory"] = "64Gi"
    bad = project.knative()
    object_at(bad, "spec.template.metadata.annotations")["autoscaling.knative.dev/minScale"] = "few"

    error = project.refused("PUT", SERVICE, document)

    assert error.message.startswith("spec.template.spec.containers[0].resources.limits.memory: Invalid value")
    assert project.refused("PUT", SERVICE, bad).message.startswith("Invalid value 'few' of annotation")
    assert project.refused("PUT", SERVICE, {**document, "kind": "Job"}).code == 400


def test_a_service_that_the_bundle_tells_little_of_is_listed_all_the_same() -> None:
    backend = backend_of({SERVICES: [service("api"), {"name": "odd"}], REVISIONS: []})

    listed = get(backend, "/v1/projects/demo-staging/locations/-/services", host="run.googleapis.com")

    assert names(listed) == ["api", "odd"]


def test_who_may_not_see_services_may_not_put_them_either() -> None:
    backend = backend_of({SERVICES: [service("api")]}, faults=["run.services=denied"])

    with pytest.raises(ApiError, match=r"Permission 'run\.services\.get' denied on resource"):
        get(backend, f"{NAMESPACE}/services/api", host="us-central1-run.googleapis.com")


def test_services_of_a_bundle_in_knatives_own_shape_can_be_updated() -> None:
    project = Project()
    document = project.knative()
    object_at(document, "metadata")["generation"] = 1
    backend = backend_of({SERVICES: [document], REVISIONS: []})
    put = get(backend, SERVICE, host=RUN_HOST)
    object_at(put, "spec.template.spec")["timeoutSeconds"] = 30

    answer = backend.respond(Request("PUT", RUN_HOST, SERVICE, {}, put)).answer

    assert object_at(answer, "spec.template.spec")["timeoutSeconds"] == 30
    annotations = object_at(answer, "spec.template.metadata.annotations")
    assert annotations == object_at(put, "spec.template.metadata.annotations")
