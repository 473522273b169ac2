"""gcloud as a judge of the emulator: it is strict about types, and nobody here wrote it."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json, JsonObject, field_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment
from tests.gcloud.conftest import Gcloud

pytestmark = pytest.mark.gcloud

SERVICE = "backend-staging"
SERVING, OLDER = "backend-staging-00704-9fz", "backend-staging-00703-hwt"
UPDATE = ("run", "services", "update", SERVICE)
REGION = "--region=us-central1"


def listed(answer: Json) -> list[JsonObject]:
    return objects_at({"items": answer}, "items")


def names(answer: Json) -> set[str]:
    return {last_segment(text_at(one, "metadata.name") or text_at(one, "name")) for one in listed(answer)}


def container(gcloud: Gcloud) -> JsonObject:
    return objects_at(gcloud.service(), "template.containers")[0]


def created(gcloud: Gcloud) -> str:
    return last_segment(text_at(gcloud.service(), "latestCreatedRevision"))


def test_services_are_listed_over_all_regions(gcloud: Gcloud) -> None:
    found = gcloud.json("run", "services", "list")

    assert names(found) == {"backend-staging", "auth-staging", "frontend-staging", "events-staging", "docs-staging"}
    assert [call.path for call in gcloud.emulator.requests] == ["/v1/projects/demo-staging/locations/-/services"]


def test_a_service_is_described_for_people(gcloud: Gcloud) -> None:
    told = gcloud.text("run", "services", "describe", SERVICE)

    assert f"100% LATEST (currently {SERVING})" in told
    assert "Connector:       staging-connector" in told
    assert "CPU Allocation:    CPU is always allocated" in told


def test_revisions_are_listed_and_one_is_active(gcloud: Gcloud) -> None:
    told = gcloud.text("run", "revisions", "list", f"--service={SERVICE}", "--format=value(name,active)")

    found = [line.split() for line in told.splitlines()]
    assert len(found) == 7
    assert [one[0] for one in found if one[1:] == ["yes"]] == [SERVING]


def test_a_revision_is_described(gcloud: Gcloud) -> None:
    told = gcloud.text("run", "revisions", "describe", SERVING)

    assert f"Revision {SERVING} in region us-central1" in told
    assert "JWT_SECRET_STAGING jwt-secret-staging:latest" in told


def test_memory_concurrency_and_instances_are_updated_in_a_new_revision(gcloud: Gcloud) -> None:
    gcloud.plan(seconds=0.2)
    ended = gcloud.run(
        *UPDATE,
        "--memory=8Gi",
        "--concurrency=40",
        "--min-instances=2",
        "--max-instances=30",
        "--vpc-egress=private-ranges-only",
    )

    template = object_at(gcloud.service(), "template")
    assert ended.code == 0, ended.err
    assert f"revision [{created(gcloud)}] has been deployed and is serving 100 percent of traffic" in ended.err
    assert created(gcloud).startswith("backend-staging-00705-")
    assert field_at(container(gcloud), "resources.limits") == {"cpu": "4", "memory": "8Gi"}
    assert template["maxInstanceRequestConcurrency"] == 40
    assert template["scaling"] == {"minInstanceCount": 2, "maxInstanceCount": 30}
    assert text_at(template, "vpcAccess.egress") == "PRIVATE_RANGES_ONLY"
    assert text_at(template, "vpcAccess.connector").endswith("/connectors/staging-connector")


def test_labels_are_updated_on_the_service_and_its_revision(gcloud: Gcloud) -> None:
    gcloud.plan(seconds=0)

    gcloud.text(*UPDATE, "--update-labels=team=payments")

    told: JsonObject = {"migration-run": "1757350810", "vpc-connectivity": "enabled", "team": "payments"}
    assert gcloud.service()["labels"] == told
    assert told.items() <= object_at(gcloud.service(), "template.labels").items()
    assert created(gcloud) != SERVING


def test_instances_of_the_service_are_updated_without_a_revision(gcloud: Gcloud) -> None:
    gcloud.plan(seconds=0)

    ended = gcloud.run(*UPDATE, "--min=3")

    assert "Service [backend-staging] has been updated." in ended.err
    assert gcloud.service()["scaling"] == {"minInstanceCount": 3}
    assert created(gcloud) == SERVING


def test_environment_secrets_and_network_are_updated_and_cleared(gcloud: Gcloud) -> None:
    before = object_at(gcloud.service(), "template")
    gcloud.plan(seconds=0)
    gcloud.text(
        *UPDATE,
        "--update-env-vars=A=1,ENVIRONMENT=other",
        "--remove-env-vars=REDIS_HOST",
        "--update-secrets=NEW=fresh:3",
        "--clear-vpc-connector",
        "--vpc-egress=private-ranges-only",
        "--network=staging-vpc",
        "--subnet=staging-subnet",
        "--clear-cloudsql-instances",
        "--timeout=120",
        "--service-account=other@demo-staging.iam.gserviceaccount.com",
        "--cpu-throttling",
        "--startup-probe=httpGet.path=/up,httpGet.port=8000",
        "--ingress=internal",
    )

    after = object_at(gcloud.service(), "template")
    variables = {text_at(one, "name"): one for one in objects_at(container(gcloud), "env")}
    assert variables["A"]["value"] == "1"
    assert variables["ENVIRONMENT"]["value"] == "other"
    assert "REDIS_HOST" not in variables
    assert field_at(variables["NEW"], "valueSource.secretKeyRef") == {"secret": "fresh", "version": "3"}
    assert variables["POSTGRES_PASSWORD"] in objects_at(objects_at(before, "containers")[0], "env")
    assert after["vpcAccess"] == {"networkInterfaces": [{"network": "staging-vpc", "subnetwork": "staging-subnet"}]}
    assert "volumes" not in after
    assert "volumeMounts" not in container(gcloud)
    assert (after["timeout"], text_at(after, "serviceAccount").partition("@")[0]) == ("120s", "other")
    assert field_at(container(gcloud), "resources.cpuIdle") is True
    assert text_at(container(gcloud), "startupProbe.httpGet.path") == "/up"
    assert gcloud.service()["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert after["scaling"] == before["scaling"]


def test_traffic_goes_to_a_revision_and_back_to_the_latest(gcloud: Gcloud) -> None:
    gcloud.plan(seconds=0)
    gcloud.text("run", "services", "update-traffic", SERVICE, f"--to-revisions={OLDER}=100")
    pinned = objects_at(gcloud.service(), "trafficStatuses")
    gcloud.plan(seconds=0)
    told = gcloud.text("run", "services", "update-traffic", SERVICE, "--to-latest")

    assert [(one["revision"], one["percent"]) for one in pinned] == [(OLDER, 100)]
    assert f"100% LATEST (currently {SERVING})" in told
    assert objects_at(gcloud.service(), "trafficStatuses") == [
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}
    ]
    assert created(gcloud) == SERVING


def test_a_rollout_that_fails_is_told_with_its_reason(gcloud: Gcloud) -> None:
    gcloud.plan(outcome="fail", seconds=0.5)

    ended = gcloud.run(*UPDATE, "--update-labels=a=b")

    assert ended.code == 1
    assert "Deployment failed" in ended.err
    assert f"Revision '{created(gcloud)}' is not ready and cannot serve traffic." in ended.err
    assert "the PORT=8000 environment variable within the allocated timeout." in ended.err
    assert text_at(gcloud.service(), "latestReadyRevision").endswith(SERVING)


def test_a_slow_rollout_is_waited_for(gcloud: Gcloud) -> None:
    gcloud.plan(outcome="slow", seconds=2)

    ended = gcloud.run(*UPDATE, "--update-labels=a=b")

    polls = [call for call in gcloud.emulator.requests if call.method == "GET" and call.path.endswith(SERVICE)]
    assert ended.code == 0, ended.err
    assert f"[{created(gcloud)}] has been deployed" in ended.err
    assert len(polls) > 2  # before the update, and while it rolls


def test_traffic_to_a_revision_that_is_not_there_fails(gcloud: Gcloud) -> None:
    gcloud.plan(seconds=0)

    ended = gcloud.run("run", "services", "update-traffic", SERVICE, "--to-revisions=nope=100")

    assert ended.code == 1
    assert "Revision 'nope' does not exist or is deleted." in ended.err


def test_a_limit_that_is_not_allowed_is_refused(gcloud: Gcloud) -> None:
    before = gcloud.service()

    ended = gcloud.run(*UPDATE, "--memory=64Gi")

    assert ended.code == 1
    assert "For 4.0 CPU, memory must be between 2Gi and 16Gi inclusive." in ended.err
    assert gcloud.service() == before


def test_a_service_that_is_not_there_is_not_found(gcloud: Gcloud) -> None:
    ended = gcloud.run("run", "services", "describe", "nope")

    assert (ended.code, ended.err.strip()) == (1, "ERROR: (gcloud.run.services.describe) Cannot find service [nope]")


def test_who_may_not_see_services_is_told_the_permission(denied: Gcloud) -> None:
    ended = denied.run("run", "services", "list", REGION)

    assert ended.code == 1
    assert "Permission 'run.services.list' denied on resource" in ended.err
    assert [call.api for call in denied.emulator.requests].count("run") == 1  # gcloud does not try again


def test_compute_lists_nothing_where_it_was_refused(denied: Gcloud) -> None:
    ended = denied.run("compute", "backend-services", "list", "--format=json")

    assert ended.code == 0
    assert "Required 'compute.backendServices.list' permission for 'projects/demo-staging'" in ended.err


def test_the_logs_of_a_service_are_read(gcloud: Gcloud) -> None:
    # Without a filter gcloud 528 fails at the first entry of stdout or stderr that has a jsonPayload.
    told = gcloud.text("run", "services", "logs", "read", SERVICE, "--limit=5", "--log-filter=httpRequest.status=503")

    assert len(told.splitlines()) == 5
    assert all(" 503 https://" in line for line in told.splitlines())


@pytest.mark.parametrize(
    "query, field, expected",
    [
        ("severity>=ERROR", "severity", {"ERROR", "CRITICAL"}),
        ('resource.type="cloud_run_revision" AND httpRequest.status>=500', "httpRequest.status", {"500", "503", "504"}),
        ('log_id("cloudaudit.googleapis.com/activity")', "protoPayload.serviceName", {"run.googleapis.com"}),
        (
            f'resource.labels.service_name={SERVICE} textPayload=~"(?i)probe failed" OR jsonPayload.message:timeout',
            "resource.labels.service_name",
            {SERVICE},
        ),
    ],
)
def test_entries_are_read_by_filter(gcloud: Gcloud, query: str, field: str, expected: set[str]) -> None:
    found = listed(gcloud.json("logging", "read", query, "--limit=20", "--freshness=2d"))

    assert found
    assert {text_at(one, field) for one in found} <= expected


def test_a_filter_that_cannot_be_read_is_refused(gcloud: Gcloud) -> None:
    ended = gcloud.run("logging", "read", "severity>=(", "--freshness=1h")

    assert ended.code == 1
    assert "INVALID_ARGUMENT" in ended.err


@pytest.mark.parametrize(
    "command, expected",
    [
        ("compute backend-services list", "backend-staging-backend"),
        ("compute url-maps list", "web-map"),
        ("compute network-endpoint-groups list", "backend-staging-neg"),
        ("compute forwarding-rules list", "web-https"),
        ("compute ssl-certificates list", "web-cert"),
        ("compute networks subnets list", "staging-subnet"),
        ("compute routers list", ""),
        ("compute firewall-rules list", "staging-allow-internal"),
        (f"compute networks vpc-access connectors list {REGION}", "staging-connector"),
        ("sql instances list", "staging-shared-postgres"),
        ("redis instances list", "staging-redis"),
        ("alpha monitoring policies list", ""),
        ("logging logs list", ""),
    ],
)
def test_a_list_has_what_the_bundle_has(gcloud: Gcloud, command: str, expected: str) -> None:
    found = gcloud.json(*command.split())

    if expected:
        assert expected in names(found)
    else:
        assert isinstance(found, list)


@pytest.mark.parametrize(
    "command, field, expected",
    [
        ("compute backend-services describe backend-staging-backend --global", "name", "backend-staging-backend"),
        (f"compute networks vpc-access connectors describe staging-connector {REGION}", "state", "READY"),
        ("sql instances describe staging-shared-postgres", "state", "RUNNABLE"),
        ("redis instances describe staging-redis", "state", "READY"),
        ("projects describe demo-staging", "projectId", "demo-staging"),
        (f"run services get-iam-policy {SERVICE}", "etag", "ACAB"),
    ],
)
def test_one_resource_is_described(gcloud: Gcloud, command: str, field: str, expected: str) -> None:
    assert text_at(gcloud.json(*command.split()), field) == expected
