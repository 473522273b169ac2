"""Knative services and revisions as v2, from the shapes that audit logs and gcloud really have."""

from __future__ import annotations

import copy
import json

import pytest

from gcpdiag.bundle.knative import is_knative, revision_from_knative, service_from_knative
from gcpdiag.model.json import Json, JsonObject, field_at, object_at, objects_at, text_at, texts_at

PARENT = "projects/demo-staging/locations/us-central1"
ANNOTATIONS: JsonObject = {
    "run.googleapis.com/vpc-access-connector": "staging-connector",
    "run.googleapis.com/vpc-access-egress": "all-traffic",
    "autoscaling.knative.dev/minScale": "1",
    "autoscaling.knative.dev/maxScale": "20",
    "run.googleapis.com/cpu-throttling": "False",
    "run.googleapis.com/startup-cpu-boost": "True",
    "run.googleapis.com/cloudsql-instances": "demo:us-central1:shared-postgres, demo:us-central1:other-postgres",
}
SECRET_ENV: JsonObject = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db-pass", "key": "latest"}}}
# log-shapes.md section 4: numbers are floats, booleans are text
SERVICE: JsonObject = {
    "apiVersion": "serving.knative.dev/v1",
    "kind": "Service",
    "metadata": {
        "name": "api",
        "generation": 777.0,
        "annotations": {
            "serving.knative.dev/lastModifier": "deployer@demo.iam.gserviceaccount.com",
            "run.googleapis.com/ingress": "all",
            "run.googleapis.com/maxScale": "7",
        },
    },
    "spec": {
        "template": {
            "metadata": {"annotations": ANNOTATIONS},
            "spec": {
                "containers": [
                    {
                        "image": "gcr.io/demo/api:latest",
                        "resources": {"limits": {"cpu": "4", "memory": "4Gi"}},
                        "env": [{"name": "HOST", "value": "10.0.0.3"}, SECRET_ENV],
                    }
                ],
                "timeoutSeconds": 600.0,
                "serviceAccountName": "runner@demo.iam.gserviceaccount.com",
                "containerConcurrency": 80.0,
            },
        }
    },
    "status": {
        "latestCreatedRevisionName": "api-00706-ll2",
        "latestReadyRevisionName": "api-00705-abc",
        "conditions": [
            {"type": "Ready", "status": "False", "message": "it did not start", "reason": "HealthCheckFailed"},
            {"type": "RoutesReady", "status": "True"},
            {"type": "ConfigurationsReady", "status": "Unknown"},
        ],
        "traffic": [
            {"tag": "demo-fixes", "revisionName": "api-00534-kag"},
            {"percent": 100.0, "tag": "restart-fix", "revisionName": "api-00706-ll2", "latestRevision": True},
        ],
    },
}


def converted(document: JsonObject = SERVICE) -> JsonObject:
    return service_from_knative(document, project="demo-staging", region="us-central1")


@pytest.mark.parametrize(
    "path, value",
    [
        ("name", f"{PARENT}/services/api"),
        ("generation", "777"),
        ("ingress", "INGRESS_TRAFFIC_ALL"),
        ("lastModifier", "deployer@demo.iam.gserviceaccount.com"),
        ("latestReadyRevision", f"{PARENT}/services/api/revisions/api-00705-abc"),
        ("latestCreatedRevision", f"{PARENT}/services/api/revisions/api-00706-ll2"),
        ("terminalCondition.state", "CONDITION_FAILED"),
        ("terminalCondition.message", "it did not start"),
        ("scaling.maxInstanceCount", 7),
        ("template.scaling.maxInstanceCount", 20),
        ("template.scaling.minInstanceCount", 1),
        ("template.vpcAccess.connector", f"{PARENT}/connectors/staging-connector"),
        ("template.vpcAccess.egress", "ALL_TRAFFIC"),
        ("template.timeout", "600s"),
        ("template.maxInstanceRequestConcurrency", 80),
        ("template.serviceAccount", "runner@demo.iam.gserviceaccount.com"),
    ],
)
def test_fields_of_a_service_are_carried_over(path: str, value: Json) -> None:
    assert field_at(converted(), path) == value


def test_conditions_keep_their_states() -> None:
    states = [(text_at(one, "type"), text_at(one, "state")) for one in objects_at(converted(), "conditions")]
    assert states == [("RoutesReady", "CONDITION_SUCCEEDED"), ("ConfigurationsReady", "CONDITION_RECONCILING")]


def test_traffic_keeps_revisions_tags_and_shares() -> None:
    assert objects_at(converted(), "trafficStatuses") == [
        {
            "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
            "revision": "api-00534-kag",
            "percent": 0,
            "tag": "demo-fixes",
        },
        {
            "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST",
            "revision": "api-00706-ll2",
            "percent": 100,
            "tag": "restart-fix",
        },
    ]


def test_the_container_keeps_image_limits_and_environment() -> None:
    [container] = objects_at(converted(), "template.containers")
    assert container == {
        "image": "gcr.io/demo/api:latest",
        "resources": {"limits": {"cpu": "4", "memory": "4Gi"}},
        "env": [
            {"name": "HOST", "value": "10.0.0.3"},
            {"name": "DB_PASSWORD", "valueSource": {"secretKeyRef": {"secret": "db-pass", "version": "latest"}}},
        ],
    }


def test_cloud_sql_instances_of_the_annotation_become_a_volume() -> None:
    [volume] = objects_at(converted(), "template.volumes")
    assert texts_at(volume, "cloudSqlInstance.instances") == [
        "demo:us-central1:shared-postgres",
        "demo:us-central1:other-postgres",
    ]


def annotated(key: str, value: Json) -> JsonObject:
    document = copy.deepcopy(SERVICE)
    object_at(document, "spec.template.metadata.annotations")[key] = value
    return converted(document)


def test_a_connector_with_its_full_name_keeps_it() -> None:
    full = "projects/host/locations/us-central1/connectors/shared"
    told = annotated("run.googleapis.com/vpc-access-connector", full)
    assert field_at(told, "template.vpcAccess.connector") == full


def test_direct_egress_is_read_out_of_its_annotation() -> None:
    interfaces = [{"network": "default", "subnetwork": "apps", "tags": ["run"]}]
    told = annotated("run.googleapis.com/network-interfaces", json.dumps(interfaces))
    assert objects_at(told, "template.vpcAccess.networkInterfaces") == interfaces


@pytest.mark.parametrize("text", ["oops", "[" * 100_000, "7", "", "{}"])
def test_an_annotation_that_is_no_json_is_left_out(text: str) -> None:
    told = annotated("run.googleapis.com/network-interfaces", text)
    assert objects_at(told, "template.vpcAccess.networkInterfaces") == []


@pytest.mark.parametrize("text", ["²", "many", "nan", "inf", "1e999", "9" * 5000, "", None, True, {"a": 1}])
def test_a_bound_that_is_no_number_is_left_out(text: Json) -> None:
    told = annotated("autoscaling.knative.dev/maxScale", text)
    assert field_at(told, "template.scaling.maxInstanceCount") is None


@pytest.mark.parametrize("percent", ["nan", "Infinity", None, "half", {}])
def test_a_share_that_is_no_number_counts_as_none(percent: Json) -> None:
    document = copy.deepcopy(SERVICE)
    document["status"] = {"traffic": [{"revisionName": "r", "percent": percent}]}
    assert objects_at(converted(document), "trafficStatuses")[0]["percent"] == 0


def test_the_location_label_wins_over_the_region_of_the_bundle() -> None:
    document = copy.deepcopy(SERVICE)
    object_at(document, "metadata")["labels"] = {"cloud.googleapis.com/location": "europe-west1"}
    assert text_at(converted(document), "name") == "projects/demo-staging/locations/europe-west1/services/api"


def test_a_revision_is_its_template_with_the_service_that_owns_it() -> None:
    revision: JsonObject = {
        "apiVersion": "serving.knative.dev/v1",
        "metadata": {
            "name": "api-00002-q79",
            "labels": {"serving.knative.dev/service": "api"},
            "annotations": {"autoscaling.knative.dev/maxScale": "3"},
            "creationTimestamp": "2025-09-15T20:00:00Z",
        },
        "spec": {"containers": [{"image": "i"}], "containerConcurrency": 10},
        "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no port"}]},
    }
    assert revision_from_knative(revision, project="demo-staging", region="us-central1") == {
        "name": f"{PARENT}/services/api/revisions/api-00002-q79",
        "service": f"{PARENT}/services/api",
        "createTime": "2025-09-15T20:00:00Z",
        "annotations": {"autoscaling.knative.dev/maxScale": "3"},
        "scaling": {"maxInstanceCount": 3},
        "maxInstanceRequestConcurrency": 10,
        "containers": [{"image": "i"}],
        "conditions": [{"type": "Ready", "state": "CONDITION_FAILED", "message": "no port"}],
    }


@pytest.mark.parametrize("document", [{}, {"metadata": 7, "spec": [], "status": "x"}, {"spec": {"template": None}}])
def test_a_document_of_any_shape_converts(document: JsonObject) -> None:
    assert converted(document)["name"] == f"{PARENT}/services/"
    assert revision_from_knative(document, project="p")["name"] == "projects/p/locations//services//revisions/"


def test_v1_is_told_by_its_api_version() -> None:
    assert is_knative(SERVICE)
    assert not is_knative({"name": "x", "template": {}})
