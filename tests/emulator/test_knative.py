"""Services and revisions in Knative's shape, and a Knative service put back: nothing is lost, every change arrives."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.bundle.knative import revision_from_knative, service_from_knative
from gcpdiag.emulator.annotation import AnnotationError
from gcpdiag.emulator.knative import revision_to_v1, service_replaced, service_to_v1
from gcpdiag.emulator.merge import merged
from gcpdiag.model.json import Json, JsonObject, field_at, object_at, objects_at, text_at
from tests.emulator.rolling import FIXTURES, NAME, PARENT

SHARED = "projects/12345/secrets/shared"

EVERYTHING: JsonObject = {
    "name": NAME,
    "uid": "u-1",
    "generation": "7",
    "labels": {"team": "payments"},
    "annotations": {"example.com/owner": "ada"},
    "createTime": "2025-01-01T00:00:00Z",
    "etag": '"abc"',
    "description": "an api",
    "ingress": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
    "launchStage": "BETA",
    "scaling": {"minInstanceCount": 2, "maxInstanceCount": 40, "scalingMode": "AUTOMATIC"},
    "customAudiences": ["a", "b"],
    "defaultUriDisabled": True,
    "invokerIamDisabled": False,
    "binaryAuthorization": {"useDefault": True},
    "uri": "https://backend-staging.example",
    "urls": ["https://backend-staging.example"],
    "latestReadyRevision": f"{NAME}/revisions/backend-staging-00001-abc",
    "latestCreatedRevision": f"{NAME}/revisions/backend-staging-00002-bad",
    "observedGeneration": "6",
    "terminalCondition": {
        "type": "Ready",
        "state": "CONDITION_FAILED",
        "message": "no",
        "reason": "PROGRESS_DEADLINE_EXCEEDED",
        "severity": "WARNING",
    },
    "conditions": [{"type": "RoutesReady", "state": "CONDITION_RECONCILING"}],
    "traffic": [
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 90},
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "r-1", "percent": 10, "tag": "t"},
    ],
    "trafficStatuses": [
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 90},
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "r-1", "percent": 10, "tag": "t", "uri": "u"},
    ],
    "template": {
        "revision": "backend-staging-00002-bad",
        "labels": {"client.knative.dev/nonce": "xyz"},
        "annotations": {"example.com/restarted-at": "now"},
        "scaling": {"minInstanceCount": 0, "maxInstanceCount": 20, "cpuUtilization": 0.5},
        "timeout": "90s",
        "maxInstanceRequestConcurrency": 40,
        "serviceAccount": "api@example.iam.gserviceaccount.com",
        "executionEnvironment": "EXECUTION_ENVIRONMENT_GEN2",
        "sessionAffinity": True,
        "healthCheckDisabled": True,
        "encryptionKey": "projects/p/locations/r/keyRings/k/cryptoKeys/c",
        "encryptionKeyRevocationAction": "SHUTDOWN",
        "encryptionKeyShutdownDuration": "7200s",
        "nodeSelector": {"accelerator": "nvidia-l4"},
        "vpcAccess": {
            "egress": "PRIVATE_RANGES_ONLY",
            "networkInterfaces": [{"network": "vpc", "subnetwork": "subnet", "tags": ["web"]}],
        },
        "containers": [
            {
                "name": "api",
                "image": "gcr.io/demo/api:1",
                "command": ["serve"],
                "args": ["--fast"],
                "workingDir": "/app",
                "ports": [{"name": "h2c", "containerPort": 8081}],
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "valueSource": {"secretKeyRef": {"secret": "own", "version": "3"}}},
                    {"name": "C", "valueSource": {"secretKeyRef": {"secret": SHARED, "version": "latest"}}},
                ],
                "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "cpuIdle": True, "startupCpuBoost": False},
                "startupProbe": {"httpGet": {"path": "/up", "port": 8081}, "periodSeconds": 5},
                "livenessProbe": {"grpc": {"port": 8081, "service": "health"}},
                "readinessProbe": {"httpGet": {"path": "/ready"}},
                "volumeMounts": [
                    {"name": "sql", "mountPath": "/cloudsql"},
                    {"name": "keys", "mountPath": "/keys"},
                ],
                "baseImageUri": "gcr.io/base",
            },
            {"name": "proxy", "image": "gcr.io/demo/proxy:1", "dependsOn": ["api"], "resources": {"cpuIdle": False}},
        ],
        "volumes": [
            {"name": "sql", "cloudSqlInstance": {"instances": ["p:r:one", "p:r:two"]}},
            {"name": "keys", "secret": {"secret": "own", "items": [{"version": "1", "path": "k", "mode": 256}]}},
            {"name": "shared", "secret": {"secret": SHARED, "defaultMode": 292}},
            {"name": "tmp", "emptyDir": {"medium": "MEMORY", "sizeLimit": "64Mi"}},
            {"name": "pictures", "gcs": {"bucket": "b", "readOnly": True, "mountOptions": ["a=1", "b"]}},
            {"name": "files", "nfs": {"server": "10.0.0.2", "path": "/x"}},
        ],
    },
}


def recorded(kind: str) -> Iterator[JsonObject]:
    for path in sorted(FIXTURES.glob(f"*/run/{kind}.json")):
        yield from json.loads(path.read_text())


def annotation(document: JsonObject, key: str, *, template: bool = True) -> Json:
    where = "spec.template.metadata.annotations" if template else "metadata.annotations"
    return object_at(document, where).get(key)


def changed_fields(before: Json, after: Json, path: str = "") -> set[str]:
    """The dotted paths at which two documents differ; places in lists are numbers."""
    if isinstance(before, dict) and isinstance(after, dict):
        inner = [(key, before.get(key), after.get(key)) for key in {*before, *after}]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        inner = [(str(place), *two) for place, two in enumerate(zip(before, after, strict=True))]
    else:
        return set() if before == after else {path.lstrip(".")}
    return {found for key, was, now in inner for found in changed_fields(was, now, f"{path}.{key}")}


def put(change_spec: JsonObject | None = None, annotations: dict[str, str] | None = None) -> JsonObject:
    """The whole service, put back with a change of its revision's spec, or of its annotations."""
    document = service_to_v1(copy.deepcopy(EVERYTHING))
    object_at(document, "spec.template.spec").update(change_spec or {})
    object_at(document, "spec.template.metadata.annotations").update(annotations or {})
    return service_replaced(EVERYTHING, document)


def test_what_is_put_back_unchanged_changes_nothing() -> None:
    for one in [*recorded("services"), EVERYTHING]:
        assert service_replaced(one, service_to_v1(one)) == one


def test_a_service_is_told_as_gcloud_reads_it() -> None:
    told = service_to_v1(EVERYTHING, namespace="411205768213")

    assert (told["apiVersion"], told["kind"]) == ("serving.knative.dev/v1", "Service")
    assert text_at(told, "metadata.name") == "backend-staging"
    assert text_at(told, "metadata.namespace") == "411205768213"
    assert text_at(told, "metadata.resourceVersion") == "abc"
    assert object_at(told, "metadata")["generation"] == 7
    assert object_at(told, "metadata.labels") == {"team": "payments", "cloud.googleapis.com/location": "us-central1"}
    assert annotation(told, "run.googleapis.com/ingress", template=False) == "internal-and-cloud-load-balancing"
    assert annotation(told, "run.googleapis.com/minScale", template=False) == "2"
    assert annotation(told, "run.googleapis.com/custom-audiences", template=False) == '["a", "b"]'
    assert annotation(told, "run.googleapis.com/launch-stage", template=False) == "beta"
    assert annotation(told, "example.com/owner", template=False) == "ada"


def test_a_template_is_told_in_annotations_and_a_spec() -> None:
    told = service_to_v1(EVERYTHING)
    spec = object_at(told, "spec.template.spec")

    assert text_at(told, "spec.template.metadata.name") == "backend-staging-00002-bad"
    assert annotation(told, "autoscaling.knative.dev/minScale") == "0"
    assert annotation(told, "autoscaling.knative.dev/maxScale") == "20"
    assert annotation(told, "run.googleapis.com/cloudsql-instances") == "p:r:one,p:r:two"
    assert annotation(told, "run.googleapis.com/cpu-throttling") == "true"
    assert annotation(told, "run.googleapis.com/startup-cpu-boost") == "false"
    assert annotation(told, "run.googleapis.com/secrets") == f"shared:{SHARED}"
    assert annotation(told, "run.googleapis.com/container-dependencies") == '{"proxy": ["api"]}'
    assert annotation(told, "run.googleapis.com/encryption-key-shutdown-hours") == "2"
    assert (spec["containerConcurrency"], spec["timeoutSeconds"]) == (40, 90)
    assert spec["nodeSelector"] == {"run.googleapis.com/accelerator": "nvidia-l4"}
    assert objects_at(spec, "containers")[0]["volumeMounts"] == [{"name": "keys", "mountPath": "/keys"}]
    assert [one["name"] for one in objects_at(spec, "volumes")] == ["keys", "shared", "tmp", "pictures", "files"]
    assert field_at(objects_at(objects_at(spec, "containers")[0], "env")[2], "valueFrom.secretKeyRef") == {
        "name": "shared",
        "key": "latest",
    }


def test_a_connector_of_the_same_place_goes_by_its_short_name() -> None:
    service: JsonObject = {"name": NAME, "template": {"vpcAccess": {"connector": f"{PARENT}/connectors/c"}}}
    elsewhere: JsonObject = {
        "name": NAME,
        "template": {"vpcAccess": {"connector": "projects/x/locations/y/connectors/c"}},
    }

    assert annotation(service_to_v1(service), "run.googleapis.com/vpc-access-connector") == "c"
    told = annotation(service_to_v1(elsewhere), "run.googleapis.com/vpc-access-connector")
    assert told == "projects/x/locations/y/connectors/c"


def test_resources_without_cpu_idle_have_it_false() -> None:
    service: JsonObject = {"name": NAME, "template": {"containers": [{"resources": {"limits": {"cpu": "1"}}}]}}
    nothing: JsonObject = {"name": NAME, "template": {"containers": [{"image": "i"}]}}

    assert annotation(service_to_v1(service), "run.googleapis.com/cpu-throttling") == "false"
    assert annotation(service_to_v1(nothing), "run.googleapis.com/cpu-throttling") is None


def test_the_status_has_the_conditions_in_their_order_and_the_traffic_by_name() -> None:
    status = object_at(service_to_v1(EVERYTHING), "status")

    assert status["observedGeneration"] == 7
    assert status["conditions"] == [
        {
            "type": "Ready",
            "status": "False",
            "message": "no",
            "reason": "ProgressDeadlineExceeded",
            "severity": "Warning",
        },
        {"type": "RoutesReady", "status": "Unknown"},
    ]
    assert status["traffic"] == [
        {"latestRevision": True, "revisionName": "backend-staging-00001-abc", "percent": 90},
        {"revisionName": "r-1", "percent": 10, "tag": "t", "url": "u"},
    ]
    assert status["latestCreatedRevisionName"] == "backend-staging-00002-bad"


def test_no_traffic_is_all_of_it_to_the_latest() -> None:
    assert object_at(service_to_v1({"name": NAME}), "spec")["traffic"] == [{"latestRevision": True, "percent": 100}]


def test_a_revision_is_told_with_its_service_and_its_digest() -> None:
    digest = "gcr.io/demo/api@sha256:1"
    told = revision_to_v1(
        {
            **object_at(EVERYTHING, "template"),
            "name": f"{NAME}/revisions/backend-staging-00001-abc",
            "containerStatuses": [{"name": "api", "imageDigest": digest}],
            "conditions": [{"type": "Ready", "state": "CONDITION_FAILED", "revisionReason": "MIN_INSTANCES_WARMING"}],
            "logUri": "https://logs",
        }
    )

    assert object_at(told, "metadata.labels")["serving.knative.dev/service"] == "backend-staging"
    assert object_at(told, "metadata.labels")["client.knative.dev/nonce"] == "xyz"
    assert text_at(told, "status.imageDigest") == digest
    assert text_at(objects_at(told, "status.conditions")[0], "reason") == "MinInstancesWarming"
    assert text_at(told, "status.logUrl") == "https://logs"


def test_what_is_told_is_read_again_as_the_same_by_the_reader_of_bundles() -> None:
    own = ("vpcAccess", "scaling", "timeout", "serviceAccount", "maxInstanceRequestConcurrency")
    for one in recorded("services"):
        again = service_from_knative(service_to_v1(one), project=text_at(one, "name").split("/")[1])
        for path in ("name", "latestReadyRevision", "traffic", *(f"template.{name}" for name in own)):
            assert field_at(again, path) == field_at(one, path), (text_at(one, "name"), path)
    for one in recorded("revisions"):
        again = revision_from_knative(revision_to_v1(one), project=text_at(one, "name").split("/")[1])
        for path in ("name", *own):
            assert field_at(again, path) == field_at(one, path), (text_at(one, "name"), path)


@pytest.mark.parametrize(
    "key, text, path",
    [
        ("autoscaling.knative.dev/minScale", "9", "template.scaling.minInstanceCount"),
        ("autoscaling.knative.dev/maxScale", "99", "template.scaling.maxInstanceCount"),
        ("run.googleapis.com/vpc-access-egress", "all-traffic", "template.vpcAccess.egress"),
        ("run.googleapis.com/vpc-access-connector", "other", "template.vpcAccess.connector"),
        ("run.googleapis.com/execution-environment", "gen1", "template.executionEnvironment"),
        ("run.googleapis.com/cpu-throttling", "False", "template.containers.0.resources.cpuIdle"),
        ("run.googleapis.com/startup-cpu-boost", "true", "template.containers.0.resources.startupCpuBoost"),
        ("run.googleapis.com/sessionAffinity", "false", "template.sessionAffinity"),
        ("run.googleapis.com/cloudsql-instances", "p:r:one", "template.volumes.0.cloudSqlInstance.instances"),
        (
            "run.googleapis.com/network-interfaces",
            '[{"network": "vpc", "subnetwork": "other", "tags": ["web"]}]',
            "template.vpcAccess.networkInterfaces.0.subnetwork",
        ),
    ],
)
def test_an_annotation_changes_the_field_that_it_stands_for_and_no_other(key: str, text: str, path: str) -> None:
    after = put(annotations={key: text})

    # The volumes change their order, for those of Cloud SQL are no volumes in v1.
    assert changed_fields(by_name(EVERYTHING), by_name(after)) == {path}


def by_name(service: JsonObject) -> JsonObject:
    """The service with its volumes in the order of the example."""
    ordered = copy.deepcopy(service)
    names = ["sql", "keys", "shared", "tmp", "pictures", "files"]
    volumes = sorted(objects_at(ordered, "template.volumes"), key=lambda one: names.index(text_at(one, "name")))
    object_at(ordered, "template")["volumes"] = [*volumes]
    return ordered


@pytest.mark.parametrize(
    "change, path",
    [
        ({"containerConcurrency": 1}, "template.maxInstanceRequestConcurrency"),
        ({"timeoutSeconds": 600}, "template.timeout"),
        ({"serviceAccountName": "b@example"}, "template.serviceAccount"),
    ],
)
def test_a_field_of_the_spec_changes_its_own_field_and_no_other(change: JsonObject, path: str) -> None:
    assert changed_fields(by_name(EVERYTHING), by_name(put(change))) == {path}


def test_a_new_environment_keeps_what_was_not_touched() -> None:
    document = service_to_v1(EVERYTHING)
    container = objects_at(document, "spec.template.spec.containers")[0]
    container["env"] = [
        {"name": "A", "value": "2"},
        *objects_at(container, "env")[2:],
        {"name": "D", "valueFrom": {"secretKeyRef": {"name": "new", "key": "5"}}},
    ]
    container["image"] = "gcr.io/demo/api:2"

    after = objects_at(service_replaced(EVERYTHING, document), "template.containers")[0]

    assert after["env"] == [
        {"name": "A", "value": "2"},
        {"name": "C", "valueSource": {"secretKeyRef": {"secret": SHARED, "version": "latest"}}},
        {"name": "D", "valueSource": {"secretKeyRef": {"secret": "new", "version": "5"}}},
    ]
    assert (after["image"], after["baseImageUri"]) == ("gcr.io/demo/api:2", "gcr.io/base")


def test_annotations_that_are_taken_away_clear_their_fields() -> None:
    document = service_to_v1(EVERYTHING)
    annotations = object_at(document, "spec.template.metadata.annotations")
    for key in ("cloudsql-instances", "network-interfaces", "vpc-access-egress"):
        del annotations[f"run.googleapis.com/{key}"]
    del object_at(document, "metadata.annotations")["run.googleapis.com/minScale"]

    after = service_replaced(EVERYTHING, document)

    assert "vpcAccess" not in object_at(after, "template")
    assert "sql" not in [one["name"] for one in objects_at(after, "template.volumes")]
    assert objects_at(objects_at(after, "template.containers")[0], "volumeMounts") == [
        {"name": "keys", "mountPath": "/keys"}
    ]
    assert object_at(after, "scaling") == {"maxInstanceCount": 40, "scalingMode": "AUTOMATIC"}


def test_cloud_sql_that_was_not_there_is_mounted() -> None:
    stored: JsonObject = {"name": NAME, "template": {"containers": [{"name": "api", "image": "i"}]}}
    document = service_to_v1(stored)
    metadata = object_at(document, "spec.template.metadata")
    metadata["annotations"] = {"run.googleapis.com/cloudsql-instances": "p:r:i"}

    after = service_replaced(stored, document)

    assert object_at(after, "template")["volumes"] == [
        {"name": "cloudsql", "cloudSqlInstance": {"instances": ["p:r:i"]}}
    ]
    mounts = objects_at(objects_at(after, "template.containers")[0], "volumeMounts")
    assert mounts == [{"name": "cloudsql", "mountPath": "/cloudsql"}]


def test_volumes_of_every_kind_are_read_back() -> None:
    stored: JsonObject = {**EVERYTHING, "template": {**object_at(EVERYTHING, "template"), "volumes": []}}
    document = service_to_v1(EVERYTHING)

    after = service_replaced(stored, document)

    assert [*objects_at(after, "template.volumes")[:5]] == objects_at(EVERYTHING, "template.volumes")[1:]


def test_traffic_is_put_back_by_revision_or_by_latest() -> None:
    document = service_to_v1(EVERYTHING)
    object_at(document, "spec")["traffic"] = [{"revisionName": "r-2", "percent": 100}]

    assert service_replaced(EVERYTHING, document)["traffic"] == [
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "r-2", "percent": 100}
    ]


@pytest.mark.parametrize(
    "key, text",
    [
        ("autoscaling.knative.dev/minScale", "few"),
        ("run.googleapis.com/cpu-throttling", "perhaps"),
        ("run.googleapis.com/vpc-access-egress", "some"),
        ("run.googleapis.com/network-interfaces", "[{"),
        ("run.googleapis.com/network-interfaces", "[" * 200 + "]" * 200),
        ("run.googleapis.com/encryption-key-shutdown-hours", "soon"),
    ],
)
def test_a_value_that_an_annotation_cannot_have_is_told(key: str, text: str) -> None:
    with pytest.raises(AnnotationError, match=f"of annotation {key}"):
        put(annotations={key: text})


names = st.sampled_from(["a", "b", "c"])
documents = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
named = st.lists(
    st.fixed_dictionaries({"name": names, "value": st.integers(0, 2)}), max_size=3, unique_by=lambda one: one["name"]
)


@given(documents | named, documents | named)
def test_no_change_between_two_views_changes_nothing(stored: Json, view: Json) -> None:
    assert merged(stored, view, view) == stored


@given(documents | named, documents | named)
def test_a_whole_view_is_replaced_by_the_other(before: Json, after: Json) -> None:
    assert merged(before, before, after) == after


def test_what_a_view_does_not_show_stays() -> None:
    stored: Json = {"kept": 1, "list": [{"name": "a", "v": 1, "kept": 2}, {"name": "hidden"}]}

    changed = merged(stored, {"list": [{"name": "a", "v": 1}]}, {"list": [{"name": "b"}, {"name": "a", "v": 9}]})

    assert changed == {"kept": 1, "list": [{"name": "b"}, {"name": "a", "v": 9, "kept": 2}, {"name": "hidden"}]}
