"""How services hang together with networks, databases, caches and each other."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.signals.estate import Estate, max_connections_of
from tests.making import CONNECTORS, DATABASES, ENTRIES, PARENT, REDIS, REVISIONS, SERVICES, audit, service
from tests.signals.making import API, WEB, estate_in

CONNECTOR: JsonObject = {"name": f"{PARENT}/connectors/staging", "network": "staging-vpc", "state": "READY"}
DATABASE: JsonObject = {"name": "orders", "region": "us-central1", "ipAddresses": [{"ipAddress": "10.1.2.3"}]}
CACHE: JsonObject = {"name": f"{PARENT}/instances/cache", "host": "10.0.0.3", "port": 6379}
THROUGH: JsonObject = {"connector": f"{PARENT}/connectors/staging", "egress": "ALL_TRAFFIC"}


def estate(*services: JsonObject) -> Estate:
    return estate_in({SERVICES: list(services), CONNECTORS: [CONNECTOR], DATABASES: [DATABASE], REDIS: [CACHE]})


def test_a_service_uses_the_connector_of_its_template() -> None:
    told = estate(service(vpcAccess=THROUGH))
    assert (told.connector(API), told.network(API), told.egress(API)) == (
        f"{PARENT}/connectors/staging",
        "staging-vpc",
        "ALL_TRAFFIC",
    )


def test_a_connectors_short_name_is_completed() -> None:
    assert estate(service(vpcAccess={"connector": "staging"})).connector(API) == f"{PARENT}/connectors/staging"


def test_egress_through_a_connector_is_private_ranges_unless_told() -> None:
    assert estate(service(vpcAccess={"connector": "staging"})).egress(API) == "PRIVATE_RANGES_ONLY"


def test_direct_egress_enters_its_own_network() -> None:
    told = estate(service(vpcAccess={"networkInterfaces": [{"network": "projects/p/global/networks/apps"}]}))
    assert (told.network(API), told.connector(API), told.egress(API)) == ("apps", "", "PRIVATE_RANGES_ONLY")


def test_without_vpc_access_there_is_no_network() -> None:
    told = estate(service())
    assert (told.network(API), told.connector(API), told.egress(API)) == ("", "", "")


@pytest.mark.parametrize(
    "told",
    [
        service(volumes=[{"name": "cloudsql", "cloudSqlInstance": {"instances": ["demo:us-central1:orders"]}}]),
        service(
            annotations={"run.googleapis.com/cloudsql-instances": "demo:us-central1:orders,demo:us-central1:orders"}
        ),
        service(env={"INSTANCE_CONNECTION_NAME": "demo:us-central1:orders"}),
        service(env={"DB_HOST": "/cloudsql/demo:us-central1:orders"}),
        service(env={"DATABASE_URL": "postgresql://u:p@/db?host=/cloudsql/demo:northamerica-northeast1:orders"}),
        service(env={"X": "example.com:demo:us-central1:orders"}),
        service(env={"DB_HOST": "10.1.2.3"}),
        service(env={"DB_ADDR": "10.1.2.3:5432"}),
        service(env={"DATABASE_URL": "postgresql+asyncpg://app:secret@10.1.2.3:5432/db"}),
        service(env={"DATABASE_URL": "postgresql://app:p@ss@10.1.2.3/db"}),
        service(env={"SPRING_DATASOURCE_URL": "jdbc:postgresql://10.1.2.3:5432/db"}),
        service(env={"DSN": "host=10.1.2.3 port=5432 user=app"}),
    ],
)
def test_a_database_is_found_by_volume_annotation_environment_or_address(told: JsonObject) -> None:
    assert estate(told).database_names(API) == ["orders"]


@pytest.mark.parametrize("value", ["", "10.1.2.33", "production", "10.1.2.3.4", "a:b:c", "us-central1"])
def test_what_names_no_database_links_none(value: str) -> None:
    assert estate(service(env={"X": value})).database_names(API) == []


@pytest.mark.parametrize("value", ["10.0.0.3", "10.0.0.3:6379", "redis://:secret@10.0.0.3:6379/0", "rediss://10.0.0.3"])
def test_redis_is_found_by_its_host(value: str) -> None:
    assert estate(service(env={"REDIS": value})).redis_names(API) == ["cache"]


def test_an_upstream_is_found_by_its_url() -> None:
    told = estate(service(env={"WEB_URL": "https://web-abc123-uc.a.run.app/api"}), service("web"))
    assert (told.upstreams(API), told.upstreams(WEB)) == ([WEB], [])


def test_a_service_is_not_its_own_upstream() -> None:
    assert estate(service(env={"SELF": "https://api-abc123-uc.a.run.app"})).upstreams(API) == []


def test_the_revision_with_most_traffic_is_in_force() -> None:
    document: JsonObject = {
        **service(timeout="300s"),
        "trafficStatuses": [{"revision": "api-00001-abc", "percent": 10}, {"revision": "api-00002-xyz", "percent": 90}],
    }
    revision: JsonObject = {"name": f"{PARENT}/services/api/revisions/api-00002-xyz", "timeout": "60s"}
    told = estate_in({SERVICES: [document], REVISIONS: [revision]})
    assert (told.serving_revision(API), told.timeout(API)) == ("api-00002-xyz", 60.0)


def test_the_service_level_bound_of_instances_counts_when_it_is_lower() -> None:
    document: JsonObject = {**service(scaling={"maxInstanceCount": 20}), "scaling": {"maxInstanceCount": 7}}
    assert estate(document).max_instances(API) == 7


def test_unset_limits_are_cloud_runs_defaults() -> None:
    told = estate(service())
    assert (told.max_instances(API), told.concurrency(API), told.timeout(API), told.port(API)) == (
        100,
        80,
        300.0,
        "8080",
    )


@pytest.mark.parametrize("timeout", ["nan", "inf", "infs", "soon", "", None, 5, {"seconds": 5}])
def test_a_timeout_is_always_a_finite_number(timeout: Json) -> None:
    assert 0 < estate(service(timeout=timeout)).timeout(API) <= 3600


def test_services_that_were_not_collected_are_taken_from_their_deployment() -> None:
    asked: JsonObject = {"request": {"service": service(vpcAccess=THROUGH)}}
    told = estate_in({ENTRIES: [audit("google.cloud.run.v2.Services.UpdateService", asked)]})
    assert (list(told.from_audit), told.egress(API)) == ([API], "ALL_TRAFFIC")


def test_services_that_were_collected_are_all_there_are() -> None:
    asked: JsonObject = {"request": {"service": service()}}
    told = estate_in({SERVICES: [], ENTRIES: [audit("google.cloud.run.v2.Services.UpdateService", asked)]})
    assert told.services == {}


def test_what_was_not_collected_is_none_and_not_empty() -> None:
    told = estate_in({SERVICES: [], REDIS: []})
    assert (told.redis, told.databases, told.connectors, told.routers) == ({}, None, None, None)


def postgres(tier: str, **settings: Json) -> JsonObject:
    return {"databaseVersion": "POSTGRES_15", "settings": {"tier": tier, **settings}}


@pytest.mark.parametrize(
    "tier, most",
    [
        ("db-f1-micro", 25),
        ("db-g1-small", 50),
        ("db-custom-1-3840", 100),
        ("db-custom-2-7680", 400),
        ("db-custom-4-15360", 500),
        ("db-custom-8-30720", 600),
        ("db-custom-16-61440", 800),
        ("db-custom-32-122880", 1000),
        ("db-perf-optimized-N-8", None),
        ("", None),
    ],
)
def test_max_connections_of_postgres_follow_its_memory(tier: str, most: float | None) -> None:
    assert max_connections_of(postgres(tier)) == most


def test_a_flag_sets_max_connections() -> None:
    flags: list[Json] = [{"name": "other", "value": "1"}, {"name": "max_connections", "value": "77"}]
    assert max_connections_of(postgres("db-f1-micro", databaseFlags=flags)) == 77


def test_max_connections_of_mysql_are_not_guessed() -> None:
    assert max_connections_of({"databaseVersion": "MYSQL_8_0", "settings": {"tier": "db-f1-micro"}}) is None


def revision_of(name: str, number: int, *, ready: bool, **more: Json) -> JsonObject:
    state = "CONDITION_SUCCEEDED" if ready else "CONDITION_FAILED"
    return {
        "name": f"{PARENT}/services/{name}/revisions/{name}-0000{number}",
        "createTime": f"2025-09-1{number}T00:00:00Z",
        "conditions": [{"type": "Ready", "state": state}],
        **more,
    }


def test_services_that_were_not_collected_are_told_by_their_newest_ready_revision() -> None:
    found = estate_in(
        {
            REVISIONS: [
                revision_of("api", 1, ready=True, maxInstanceRequestConcurrency=80),
                revision_of("api", 2, ready=True, maxInstanceRequestConcurrency=4),
                revision_of("api", 3, ready=False, maxInstanceRequestConcurrency=9),
            ]
        }
    )

    assert found.concurrency(API) == 4
    assert found.from_revisions == {API}
