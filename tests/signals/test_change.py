"""What the audit log says was changed."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import JsonObject
from gcpdiag.signals.change import Change, change_of, difference, main_container, with_differences
from tests.making import PARENT, PROJECT, REGION, audit, service
from tests.signals.making import API

REPLACE = "google.cloud.run.v1.Services.ReplaceService"
UPDATE = "google.cloud.run.v2.Services.UpdateService"


def change(method: str = REPLACE, payload: JsonObject | None = None, *, at: float = 0.0) -> Change | None:
    told: JsonObject = {
        "serviceName": "run.googleapis.com",
        "methodName": method,
        "resourceName": f"namespaces/{PROJECT}/services/api",
    }
    told.update(payload or {})
    return change_of(told, at=at, labels={"service_name": "api", "location": REGION}, project=PROJECT)


def deployed(document: JsonObject, *, at: float = 0.0, failed: bool = False) -> Change:
    told = change(REPLACE, {"request": {"service": document}, "status": {"code": 9} if failed else {}}, at=at)
    assert told is not None
    return told


def knative(*, egress: str = "all-traffic", image: str = "one", value: str = "x") -> JsonObject:
    annotations: JsonObject = {
        "run.googleapis.com/vpc-access-connector": "staging-connector",
        "run.googleapis.com/vpc-access-egress": egress,
    }
    container: JsonObject = {"image": image, "env": [{"name": "PASSWORD", "value": value}]}
    template: JsonObject = {
        "metadata": {"annotations": annotations},
        "spec": {"containers": [container], "containerConcurrency": 80.0, "timeoutSeconds": 600.0},
    }
    return {"apiVersion": "serving.knative.dev/v1", "metadata": {"name": "api"}, "spec": {"template": template}}


@pytest.mark.parametrize(
    "method",
    [
        "google.cloud.run.v1.Services.GetService",
        "google.cloud.run.v2.Services.ListServices",
        "cloudsql.instances.connect",
        "google.iam.v1.IAMPolicy.TestIamPermissions",
        "/Services.ReplaceService",
        "/InternalServices.ReplaceInternalService",
        "",
    ],
)
def test_what_only_reads_or_reports_is_no_change(method: str) -> None:
    assert change(method) is None


@pytest.mark.parametrize(
    "method, kind",
    [
        (REPLACE, "deploy"),
        (UPDATE, "deploy"),
        ("google.cloud.run.v1.Services.CreateService", "deploy"),
        ("google.cloud.run.v1.Services.DeleteService", "delete"),
        ("google.cloud.run.v1.Services.SetIamPolicy", "other"),
    ],
)
def test_calls_about_a_service_have_their_kind(method: str, kind: str) -> None:
    told = change(method)
    assert told is not None
    assert (told.kind, told.service) == (kind, API)


@pytest.mark.parametrize(
    "payload",
    [
        {"requestMetadata": {"callerSuppliedUserAgent": "gcloud command/gcloud.run.services.update-traffic x/1"}},
        {"request": {"updateMask": "traffic"}},
    ],
)
def test_moving_traffic_is_no_deployment(payload: JsonObject) -> None:
    told = change(REPLACE, payload)
    assert told is not None
    assert told.kind == "traffic"


@pytest.mark.parametrize("mask, changes", [("annotations", False), ("annotations,labels", False), ("template", True)])
def test_notes_on_a_service_are_no_change(mask: str, *, changes: bool) -> None:
    assert (change(UPDATE, {"request": {"updateMask": mask}}) is not None) is changes


def test_a_change_of_another_product_names_its_resource() -> None:
    told = change(
        "v1.compute.firewalls.insert",
        {"serviceName": "compute.googleapis.com", "resourceName": "projects/p/global/firewalls/deny"},
    )
    assert told is not None
    assert (told.service, told.text) == (None, "insert deny (v1.compute.firewalls.insert)")


def test_a_call_with_an_error_status_failed() -> None:
    told = change(REPLACE, {"status": {"code": 7, "message": "denied"}})
    assert told is not None
    assert told.failed


def test_name_and_region_come_from_the_resource_where_labels_lack_them() -> None:
    payload: JsonObject = {
        "serviceName": "run.googleapis.com",
        "methodName": UPDATE,
        "resourceName": f"{PARENT}/services/api",
    }
    told = change_of(payload, at=0, labels={}, project=PROJECT)
    assert told is not None
    assert told.service == API


@pytest.mark.parametrize(
    "method, text",
    [
        (REPLACE, "api deployed"),
        ("google.cloud.run.v1.Services.DeleteService", "api deleted"),
        pytest.param(
            "google.cloud.run.v1.Services.SetIamPolicy",
            "SetIamPolicy api (google.cloud.run.v1.Services.SetIamPolicy)",
        ),
    ],
)
def test_a_change_is_told_in_a_few_words(method: str, text: str) -> None:
    told = change(method)
    assert told is not None
    assert told.text == text


def test_v1_and_v2_requests_read_as_the_same_service() -> None:
    v2: JsonObject = {
        "template": {
            "vpcAccess": {"connector": f"{PARENT}/connectors/staging-connector", "egress": "ALL_TRAFFIC"},
            "containers": [{"image": "one", "env": [{"name": "PASSWORD", "value": "x"}]}],
            "maxInstanceRequestConcurrency": 80,
            "timeout": "600s",
        }
    }
    v1 = deployed(knative()).after
    assert v1 is not None
    assert difference(v1, v2) == ()


def test_a_deployment_is_compared_with_the_one_before_it() -> None:
    first, second = with_differences([deployed(knative(egress="private-ranges-only"), at=9), deployed(knative(), at=1)])
    assert first.fields == ()
    assert [str(one) for one in second.fields] == ["egress: ALL_TRAFFIC → PRIVATE_RANGES_ONLY"]


def test_a_failed_deployment_changed_nothing() -> None:
    told = with_differences(
        [deployed(knative(), at=1), deployed(knative(image="bad"), at=2, failed=True), deployed(knative(), at=3)]
    )
    assert told[2].fields == ()


def test_values_of_environment_variables_are_never_told() -> None:
    told = with_differences([deployed(knative(), at=1), deployed(knative(value="hunter2"), at=2)])
    assert "hunter2" not in told[1].text


def test_every_field_that_matters_is_compared() -> None:
    before = service()
    after = service(
        env={"NEW": "1"},
        timeout="5s",
        maxInstanceRequestConcurrency=1,
        scaling={"maxInstanceCount": 1, "minInstanceCount": 1},
        serviceAccount="a@b",
        vpcAccess={"connector": "c", "egress": "ALL_TRAFFIC", "networkInterfaces": [{"network": "n"}]},
        volumes=[{"cloudSqlInstance": {"instances": ["p:r:i"]}}],
    )
    main_container(after).update(
        {
            "image": "two",
            "ports": [{"containerPort": 3000}],
            "resources": {"limits": {"memory": "1Gi", "cpu": "2"}},
            "startupProbe": {"httpGet": {"path": "/up"}},
            "livenessProbe": {"httpGet": {"path": "/live"}},
        }
    )
    assert len(difference(before, after)) == 16


def test_numbers_that_an_audit_log_made_floats_are_no_difference() -> None:
    container = main_container(before := service())
    after = service()
    main_container(after).update({"ports": [{"containerPort": 8080.0}]})
    assert container["ports"] == [{"containerPort": 8080}]
    assert difference(before, after) == ()


def test_the_main_container_is_the_one_with_a_port() -> None:
    sidecar: JsonObject = {"name": "proxy", "image": "p"}
    main: JsonObject = {"name": "app", "image": "a", "ports": [{"containerPort": 1}]}
    assert main_container({"template": {"containers": [sidecar, main]}}) == main
    assert main_container({"containers": [sidecar]}) == sidecar
    assert main_container({}) == {}


def test_an_audit_entry_of_the_builder_reads_as_a_deployment() -> None:
    payload = audit(REPLACE, {"request": {"service": knative()}})["protoPayload"]
    assert isinstance(payload, dict)
    told = change_of(payload, at=0, labels={"service_name": "api", "location": REGION}, project=PROJECT)
    assert told is not None
    assert told.after is not None
