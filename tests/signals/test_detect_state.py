"""Configuration, changes, revisions and relations as findings."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json, JsonObject
from tests.making import (
    CONNECTORS,
    DATABASES,
    ENTRIES,
    PARENT,
    ROUTERS,
    SERIES,
    SERVICES,
    SUBNETWORKS,
    Files,
    entry,
    requests,
    series,
    service,
)
from tests.signals.making import CALM_THEN_FAILING, looked_for, outcome

CONNECTED = service(vpcAccess={"connector": f"{PARENT}/connectors/staging", "egress": "ALL_TRAFFIC"})
CUT: dict[str, Json] = {"source": "vpcaccess.connectors", "status": "ok", "truncated": True}


def connector(state: str = "READY", **more: Json) -> JsonObject:
    return {"name": f"{PARENT}/connectors/staging", "state": state, "network": "staging-vpc", **more}


NOT_READY: JsonObject = {"detector": "configuration", "resource": "connector", "field": "state", "unlike": ["READY"]}


@pytest.mark.parametrize(
    "files, found",
    [
        ({SERVICES: [CONNECTED], CONNECTORS: [connector("ERROR")]}, "present"),
        ({SERVICES: [CONNECTED], CONNECTORS: [connector()]}, "absent"),
        ({SERVICES: [service()], CONNECTORS: [connector("ERROR")]}, "absent"),
        ({SERVICES: [CONNECTED]}, "unknown"),
        ({SERVICES: b"oops", CONNECTORS: [connector("ERROR")]}, "unknown"),
    ],
    ids=["in error", "ready", "not used by this service", "connectors not collected", "services not readable"],
)
def test_a_field_of_a_resource_that_the_service_uses(files: Files, found: str) -> None:
    assert outcome(looked_for(NOT_READY, {ENTRIES: [entry("x")], **files})) == found


@pytest.mark.parametrize(
    "test, found",
    [
        ({"equals": ["ALL_TRAFFIC"]}, "present"),
        ({"equals": ["PRIVATE_RANGES_ONLY"]}, "absent"),
        ({"unlike": ["PRIVATE_RANGES_ONLY"]}, "present"),
        ({"matches": "^all_"}, "present"),
    ],
)
def test_a_value_may_equal_differ_or_match(test: JsonObject, found: str) -> None:
    signal: JsonObject = {
        "detector": "configuration",
        "resource": "service",
        "field": "template.vpcAccess.egress",
        **test,
    }
    assert outcome(looked_for(signal, {SERVICES: [CONNECTED]})) == found


def test_a_list_on_the_way_stands_for_each_of_its_elements() -> None:
    signal: JsonObject = {
        "detector": "configuration",
        "resource": "database",
        "field": "settings.databaseFlags.name",
        "equals": ["max_connections"],
    }
    flags: list[Json] = [{"name": "other"}, {"name": "max_connections", "value": "10"}]
    database: JsonObject = {"name": "orders", "settings": {"databaseFlags": flags}}
    files = {SERVICES: [service(env={"DB": "demo-staging:us-central1:orders"})], DATABASES: [database]}
    assert outcome(looked_for(signal, files)) == "present"


# --- relations


def relation(name: str, files: Files, *sources: Json) -> str:
    signal: JsonObject = {"detector": "topology", "relation": name}
    return outcome(looked_for(signal, {ENTRIES: [entry("x")], **files}, sources=sources))


@pytest.mark.parametrize(
    "files, found",
    [
        ({SERVICES: [CONNECTED], CONNECTORS: []}, "present"),
        ({SERVICES: [CONNECTED], CONNECTORS: [connector()]}, "absent"),
        ({SERVICES: [service()], CONNECTORS: []}, "absent"),
        ({SERVICES: [CONNECTED]}, "unknown"),
        ({SERVICES: b"oops", CONNECTORS: []}, "unknown"),
    ],
)
def test_a_connector_may_be_missing(files: Files, found: str) -> None:
    assert relation("connector-missing", files) == found


def test_a_list_of_connectors_that_was_cut_off_proves_none_missing() -> None:
    assert relation("connector-missing", {SERVICES: [CONNECTED], CONNECTORS: []}, CUT) == "unknown"


NAT: JsonObject = {
    "name": "router",
    "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/staging-vpc",
    "region": "https://www.googleapis.com/compute/v1/projects/p/regions/us-central1",
    "nats": [{"name": "nat"}],
}


@pytest.mark.parametrize(
    "routers, found",
    [
        ([], "present"),
        ([NAT], "absent"),
        ([{**NAT, "nats": []}], "present"),
        ([{**NAT, "network": "projects/p/global/networks/other"}], "present"),
        ([{**NAT, "region": "regions/europe-west1"}], "present"),
    ],
    ids=["no router", "NAT", "router without NAT", "another network", "another region"],
)
def test_all_traffic_needs_a_nat_in_the_same_network_and_region(routers: list[JsonObject], found: str) -> None:
    files: Files = {SERVICES: [CONNECTED], CONNECTORS: [connector()], ROUTERS: routers}
    assert relation("public-egress-without-nat", files) == found


def test_private_egress_needs_no_nat() -> None:
    private = service(vpcAccess={"connector": "staging", "egress": "PRIVATE_RANGES_ONLY"})
    assert relation("public-egress-without-nat", {SERVICES: [private], ROUTERS: []}) == "absent"


def test_without_routers_collected_a_nat_is_unknown() -> None:
    assert relation("public-egress-without-nat", {SERVICES: [CONNECTED], CONNECTORS: [connector()]}) == "unknown"


@pytest.mark.parametrize(
    "rule, found",
    [
        ({"direction": "EGRESS", "denied": [{"IPProtocol": "all"}]}, "present"),
        ({"direction": "EGRESS", "denied": [{"IPProtocol": "all"}], "disabled": True}, "absent"),
        ({"direction": "INGRESS", "denied": [{"IPProtocol": "all"}]}, "absent"),
        ({"direction": "EGRESS", "allowed": [{"IPProtocol": "all"}]}, "absent"),
    ],
)
def test_a_firewall_rule_may_deny_egress(rule: JsonObject, found: str) -> None:
    rules: list[JsonObject] = [{"name": "deny", "network": "global/networks/staging-vpc", **rule}]
    files: Files = {
        SERVICES: [CONNECTED],
        CONNECTORS: [connector()],
        "compute/firewalls.json": rules,
    }
    assert relation("egress-denied-by-firewall", files) == found


@pytest.mark.parametrize(
    "ranges, found",
    [(["10.80.0.0/13"], "present"), (["10.90.0.0/16"], "absent"), (["0.0.0.0/0"], "present"), (["nonsense"], "absent")],
)
def test_a_firewall_rule_may_deny_the_very_address_that_a_service_uses(ranges: list[Json], found: str) -> None:
    cached = service(
        env={"REDIS_URL": "redis://10.81.0.4:6379"},
        vpcAccess={"connector": "staging", "egress": "PRIVATE_RANGES_ONLY"},
    )
    rule: JsonObject = {"name": "deny", "direction": "EGRESS", "denied": [{"IPProtocol": "all"}]}
    files: Files = {SERVICES: [cached], "compute/firewalls.json": [{**rule, "destinationRanges": ranges}]}
    assert relation("egress-denied-to-dependency", files) == found


@pytest.mark.parametrize("status, found", [(503, "present"), (200, "absent")])
def test_a_service_may_fail_because_one_that_it_calls_does(status: int, found: str) -> None:
    caller = service(env={"WEB_URL": "https://web-abc123-uc.a.run.app"})
    upstream = requests(status, range(60), service="web")
    files: Files = {
        SERVICES: [caller, service("web")],
        ENTRIES: [*CALM_THEN_FAILING, *upstream],
    }
    assert relation("upstream-service-failing", files) == found


def direct(name: str) -> JsonObject:
    """A service whose instances take their addresses from one subnetwork."""
    access: JsonObject = {"networkInterfaces": [{"network": "staging-vpc", "subnetwork": "run"}]}
    return service(name, vpcAccess=access)


@pytest.mark.parametrize(
    "counts, size, found",
    [
        ({"api": 13.0}, "/27", "present"),
        ({"api": 5.0}, "/27", "absent"),
        ({"api": 5.0, "web": 8.0}, "/27", "present"),
        ({"api": 13.0}, "/24", "absent"),
        ({}, "/27", "unknown"),
    ],
    ids=["full", "half empty", "two together", "large", "no metric"],
)
def test_a_subnetwork_is_full_when_its_addresses_are_taken(counts: dict[str, float], size: str, found: str) -> None:
    files: Files = {
        SERVICES: [direct(name) for name in counts or ["api"]],
        SUBNETWORKS: [{"name": "run", "ipCidrRange": f"10.8.0.0{size}", "region": "regions/us-central1"}],
        SERIES: [instances(name, count) for name, count in counts.items()],
    }
    assert relation("subnetwork-full", files) == found


def instances(name: str, count: float) -> JsonObject:
    labels: JsonObject = {"service_name": name, "location": "us-central1"}
    resource: JsonObject = {"type": "cloud_run_revision", "labels": labels}
    metric = "run.googleapis.com/container/instance_count"
    return series(metric, dict.fromkeys(range(60), count), resource=resource)


def test_a_service_without_direct_egress_takes_no_addresses() -> None:
    assert relation("subnetwork-full", {SERVICES: [service()]}) == "absent"
