"""Metrics beyond a bound, near a limit, or risen out of their baseline."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.signals.metric import robust_score
from tests.making import CONNECTORS, DATABASES, ENTRIES, PARENT, SERIES, SERVICES, Files, series, service
from tests.signals.making import CALM_THEN_FAILING, looked_for, outcome, strength, told

CPU = "run.googleapis.com/container/cpu/utilizations"
HIGH: JsonObject = {"detector": "metric", "metric": CPU, "resource": "service", "above": 0.9}
DENIED: dict[str, Json] = {"source": "monitoring.time_series", "status": "denied"}


def metric(values: dict[int, float], signal: JsonObject, *entries: JsonObject) -> str:
    files = {SERIES: [series(str(signal["metric"]), values)], ENTRIES: list(entries)}
    return outcome(looked_for(signal, files))


def flat(value: float, start: int = 0, end: int = 60) -> dict[int, float]:
    return dict.fromkeys(range(start, end), value)


@pytest.mark.parametrize(
    "values, found",
    [
        (flat(0.95), "present"),
        (flat(0.5), "absent"),
        (flat(0.5) | flat(0.95, 30, 33), "present"),
        (flat(0.5) | flat(0.95, 30, 32), "absent"),
        ({30: 0.95}, "present"),
        (flat(0.95, -30, -1), "unknown"),
        ({}, "unknown"),
    ],
    ids=["always", "never", "three points", "two points", "the only point", "before the window", "no points"],
)
def test_a_metric_is_beyond_its_bound_for_some_points(values: dict[int, float], found: str) -> None:
    assert metric(values, HIGH) == found


def test_a_lower_bound_works_the_other_way_round() -> None:
    low: JsonObject = {"detector": "metric", "metric": "up", "resource": "service", "below": 0.5}
    assert (metric(flat(0.0), low), metric(flat(1.0), low)) == ("present", "absent")


def test_a_metric_that_was_denied_is_unknown() -> None:
    assert outcome(looked_for(HIGH, {}, sources=[DENIED])) == "unknown"


def test_another_services_metric_is_not_this_ones() -> None:
    labels: JsonObject = {"service_name": "web", "location": "us-central1"}
    other = series(CPU, flat(0.95), resource={"type": "cloud_run_revision", "labels": labels})
    assert outcome(looked_for(HIGH, {SERIES: [other]})) == "unknown"


def test_labels_pick_the_series() -> None:
    idle: JsonObject = {**HIGH, "labels": {"state": "idle"}}
    files: Files = {
        SERIES: [series(CPU, flat(0.95), labels={"state": "active"}), series(CPU, flat(0.1), labels={"state": "IDLE"})]
    }
    assert outcome(looked_for(idle, files)) == "absent"


@pytest.mark.parametrize("combine, found", [("sum", "present"), ("max", "absent")])
def test_several_series_of_a_resource_are_taken_together(combine: str, found: str) -> None:
    files = {SERIES: [series(CPU, flat(0.5), labels={"revision": one}) for one in "ab"]}
    assert outcome(looked_for({**HIGH, "combine": combine}, files)) == found


def test_a_metric_that_was_beyond_its_bound_with_the_failure_is_stronger_than_one_that_always_was() -> None:
    def at(values: dict[int, float]) -> float:
        return strength(looked_for(HIGH, {SERIES: [series(CPU, values)], ENTRIES: CALM_THEN_FAILING}))

    assert at(flat(0.95, 39, 60)) == 1.0
    assert at(flat(0.95)) == 0.5
    assert at(flat(0.95, 5, 20)) == 0.4
    assert at(flat(0.95, 50, 60)) == 0.4


def test_calm_counts_from_the_onset_on() -> None:
    calm: JsonObject = {"detector": "metric", "metric": CPU, "resource": "service", "below": 0.3, "points": 5}
    busy_now = {SERIES: [series(CPU, flat(0.1) | flat(0.8, 38, 60))], ENTRIES: CALM_THEN_FAILING}
    calm_now = {SERIES: [series(CPU, flat(0.8) | flat(0.1, 38, 60))], ENTRIES: CALM_THEN_FAILING}
    assert (outcome(looked_for(calm, busy_now)), outcome(looked_for(calm, calm_now))) == ("absent", "present")


@pytest.mark.parametrize(
    "values, found",
    [
        (flat(40.0) | flat(1.0, 39, 60), "present"),
        (flat(40.0) | flat(30.0, 39, 60), "absent"),
        (flat(1.0) | flat(0.0, 39, 60), "absent"),
        (flat(1.0, 39, 60), "unknown"),
    ],
    ids=["to hardly any", "a little", "from next to nothing", "no calm before"],
)
def test_a_metric_falls_to_a_share_of_the_calm_before(values: dict[int, float], found: str) -> None:
    fall: JsonObject = {"detector": "metric", "metric": CPU, "resource": "service", "fall": 0.25}
    assert metric(values, fall, *CALM_THEN_FAILING) == found


# --- limits


INSTANCES: JsonObject = {
    "detector": "metric",
    "metric": "run.googleapis.com/container/instance_count",
    "resource": "service",
    "of": "max-instances",
    "above": 0.95,
}


@pytest.mark.parametrize("count, found", [(10.0, "present"), (5.0, "absent")])
def test_a_count_is_measured_against_the_configured_limit(count: float, found: str) -> None:
    files: Files = {
        SERVICES: [service(scaling={"maxInstanceCount": 10})],
        SERIES: [series("run.googleapis.com/container/instance_count", flat(count))],
    }
    assert outcome(looked_for(INSTANCES, files)) == found


def test_without_the_configuration_a_limit_is_not_guessed() -> None:
    files: Files = {SERVICES: b"oops", SERIES: [series("run.googleapis.com/container/instance_count", flat(10.0))]}
    finding = looked_for(INSTANCES, files)
    assert (outcome(finding), told(finding)) == ("unknown", "the limit of api is not known")


def database_series(value: float, name: str = "demo-staging:orders") -> JsonObject:
    resource: JsonObject = {"type": "cloudsql_database", "labels": {"database_id": name}}
    return series("cloudsql.googleapis.com/database/postgresql/num_backends", flat(value), resource=resource)


CONNECTIONS: JsonObject = {
    "detector": "metric",
    "metric": "cloudsql.googleapis.com/database/postgresql/num_backends",
    "resource": "database",
    "of": "max-connections",
    "above": 0.9,
}


@pytest.mark.parametrize("used, found", [(24.0, "present"), (10.0, "absent")])
def test_connections_are_measured_against_the_databases_own_maximum(used: float, found: str) -> None:
    database: JsonObject = {"name": "orders", "databaseVersion": "POSTGRES_15", "settings": {"tier": "db-f1-micro"}}
    files: Files = {
        SERVICES: [service(env={"DB": "demo-staging:us-central1:orders"})],
        DATABASES: [database],
        SERIES: [database_series(used), database_series(999, "demo-staging:other")],
    }
    assert outcome(looked_for(CONNECTIONS, files)) == found


@pytest.mark.parametrize("used, found", [(3.0, "present"), (2.0, "absent")])
def test_a_connectors_instances_are_measured_against_its_maximum(used: float, found: str) -> None:
    resource: JsonObject = {"type": "vpc_access_connector", "labels": {"connector_name": "staging"}}
    signal: JsonObject = {
        "detector": "metric",
        "metric": "vpcaccess.googleapis.com/connector/instances",
        "resource": "connector",
        "of": "connector-max-instances",
        "above": 1.0,
    }
    files: Files = {
        SERVICES: [service(vpcAccess={"connector": f"{PARENT}/connectors/staging"})],
        CONNECTORS: [{"name": f"{PARENT}/connectors/staging", "maxInstances": 3}],
        SERIES: [series("vpcaccess.googleapis.com/connector/instances", flat(used), resource=resource)],
    }
    assert outcome(looked_for(signal, files)) == found


def test_a_service_without_a_connector_has_no_connector_at_its_limit() -> None:
    signal: JsonObject = {"detector": "metric", "metric": "m", "resource": "connector", "above": 1.0}
    assert outcome(looked_for(signal, {SERIES: []})) == "absent"


# --- rises


RISE: JsonObject = {"detector": "metric", "metric": "latency", "resource": "service", "rise": 3.0}


def test_a_metric_that_rises_with_the_failure_is_present() -> None:
    assert metric(flat(1.0) | flat(5.0, 40, 60), RISE, *CALM_THEN_FAILING) == "present"


def test_a_metric_that_stays_as_it_was_is_absent() -> None:
    assert metric(flat(1.0) | {50: 9.0}, RISE, *CALM_THEN_FAILING) == "absent"


def test_without_a_calm_stretch_a_rise_is_unknown() -> None:
    assert metric(flat(5.0, 38, 60), RISE, *CALM_THEN_FAILING) == "unknown"


def test_without_a_failure_a_rise_is_unknown() -> None:
    assert metric(flat(1.0) | flat(5.0, 40, 60), RISE) == "unknown"


@pytest.mark.parametrize("values, baseline", [([1.05] * 5, [1.0] * 9), ([0.0] * 5, [0.0] * 9)])
def test_a_tiny_wiggle_of_a_flat_series_is_no_rise(values: list[float], baseline: list[float]) -> None:
    assert robust_score(values, baseline) < 1


@pytest.mark.parametrize(
    "version, count, found",
    [("MYSQL_8_4", 250.0, "present"), ("MYSQL_8_4", 40.0, "absent"), ("POSTGRES_16", 250.0, "absent")],
)
def test_a_metric_of_one_engine_says_nothing_of_another(version: str, count: float, found: str) -> None:
    flags: JsonObject = {"databaseFlags": [{"name": "max_connections", "value": "250"}]}
    labels: JsonObject = {"database_id": "demo-staging:orders"}
    metric_type = "cloudsql.googleapis.com/database/network/connections"
    resource: JsonObject = {"type": "cloudsql_database", "labels": labels}
    files: Files = {
        SERVICES: [service(env={"DB": "demo-staging:us-central1:orders"})],
        DATABASES: [{"name": "orders", "databaseVersion": version, "settings": flags}],
        SERIES: [series(metric_type, flat(count), resource=resource)],
    }
    full: JsonObject = {
        "detector": "metric",
        "metric": metric_type,
        "resource": "database",
        "of": "max-connections",
        "above": 0.95,
    }
    assert outcome(looked_for(full, files)) == found
