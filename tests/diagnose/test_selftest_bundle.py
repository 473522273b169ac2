"""What a playbook's test becomes: raw API answers, as Google's own types know them."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from google.cloud.audit.audit_log_pb2 import AuditLog
from google.cloud.logging_v2.types import LogEntry
from google.cloud.monitoring_v3 import TimeSeries
from google.cloud.run_v2 import Service
from google.cloud.vpcaccess_v1 import Connector
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.bundle.series import decode_series
from gcpdiag.diagnose.selftest_bundle import bundle_of_test, files_of_test
from gcpdiag.diagnose.selftest_entries import entries_of, merged
from gcpdiag.diagnose.selftest_series import kind_of, series_of
from gcpdiag.model.json import JsonObject, field_at, number_at, object_at, objects_at, text_at
from gcpdiag.playbook.format import EntryLine, Expectation, PlaybookTest, SeriesLine, TrafficLine
from gcpdiag.playbook.notation import END, START

MEMORY = "run.googleapis.com/container/memory/utilizations"
_RICH: dict[str, object] = {
    "test": "rich",
    "expect": {},
    "traffic": [
        {"end": "+20m"},
        {"start": "+20m", "status": 503, "text": "The request failed.", "revision": "api-00002-bbb"},
        {"start": "+30m", "end": "+31m", "status": 429, "latency": "0s", "service": "web"},
    ],
    "entries": [
        {"log": "varlog/system", "at": "+20m", "times": 3, "severity": "ERROR", "text": "killed"},
        {"log": "stdout", "at": "+1m", "json": {"message": "hello", "n": 3}, "instance": "one"},
        {"log": "stderr", "at": "-1m", "text": "[ERROR] no"},
        {
            "log": "cloudaudit/activity",
            "at": "-3h",
            "severity": "NOTICE",
            "entry": {
                "protoPayload": {
                    "methodName": "google.cloud.run.v2.Services.UpdateService",
                    "authenticationInfo": {"principalEmail": "someone@example.com"},
                }
            },
        },
        {"log": "cloudaudit/system_event", "at": "+20m", "severity": "ERROR", "text": "Ready: False"},
        {"log": "cloudsql/postgres", "at": "+5m", "service": "orders", "text": "FATAL: too many clients"},
        {
            "log": "loadbalancer",
            "at": "+6m",
            "json": {"statusDetails": "failed_to_pick_backend"},
            "entry": {"httpRequest": {"status": 502}},
        },
    ],
    "series": [
        {"metric": MEMORY, "values": "0.3x20 0.98x40", "distribution": True},
        {
            "metric": "run.googleapis.com/container/instance_count",
            "values": "9x60",
            "labels": {"state": "active"},
        },
        {
            "metric": "vpcaccess.googleapis.com/connector/cpu/utilizations",
            "values": "0.1 _x9 0x50",
            "resource": "vpc_access_connector",
            "of": "link",
        },
        {
            "metric": "cloudsql.googleapis.com/database/cpu/utilization",
            "values": "0.5x60",
            "resource": "cloudsql_database",
            "of": "orders",
        },
        {
            "metric": "cloudsql.googleapis.com/database/instance_state",
            "values": "1x60",
            "resource": "cloudsql_database",
            "of": "orders",
            "labels": {"state": "RUNNING"},
        },
        {
            "metric": "redis.googleapis.com/stats/reject_connections_count",
            "values": "0x60",
            "resource": "redis_instance",
            "of": "cache",
        },
    ],
    "resources": {
        "vpcaccess.connectors": [
            {"name": "projects/demo-project/locations/europe-west1/connectors/link", "state": "READY"}
        ],
        "redis.instances": [],
    },
    "denied": ["compute.routers"],
}


@pytest.fixture(name="rich", scope="module")
def _rich() -> dict[str, bytes]:
    return files_of_test(msgspec.convert(_RICH, PlaybookTest))


def read(files: dict[str, bytes], path: str) -> list[JsonObject]:
    """Return the records of one file."""
    if path.endswith(".jsonl"):
        return [object_at({"line": msgspec.json.decode(line)}, "line") for line in files[path].splitlines()]
    return objects_at({"list": msgspec.json.decode(files[path])}, "list")


def test_googles_own_types_accept_every_entry(rich: dict[str, bytes]) -> None:
    for entry in read(rich, "logging/entries.jsonl"):
        payload = object_at(entry, "protoPayload")
        plain = {key: value for key, value in entry.items() if key != "protoPayload"}
        ParseDict(plain, LogEntry.pb(LogEntry()))
        ParseDict({key: value for key, value in payload.items() if key != "@type"}, AuditLog())


def test_googles_own_types_accept_every_series_and_resource(rich: dict[str, bytes]) -> None:
    for series in read(rich, "monitoring/time_series.jsonl"):
        ParseDict(series, TimeSeries.pb(TimeSeries()))
    for service in read(rich, "run/services.json"):
        ParseDict(service, Service.pb(Service()))
    for connector in read(rich, "vpcaccess/connectors.json"):
        ParseDict(connector, Connector.pb(Connector()))


def test_entries_tell_their_log_and_resource(rich: dict[str, bytes]) -> None:
    told = Counter(
        (text_at(one, "logName").rsplit("/", 1)[-1], text_at(one, "resource.type"))
        for one in read(rich, "logging/entries.jsonl")
    )

    assert told == {
        ("run.googleapis.com%2Frequests", "cloud_run_revision"): 20 * 6 + 40 * 6 + 6,
        ("run.googleapis.com%2Fvarlog%2Fsystem", "cloud_run_revision"): 3,
        ("run.googleapis.com%2Fstdout", "cloud_run_revision"): 1,
        ("run.googleapis.com%2Fstderr", "cloud_run_revision"): 1,
        ("cloudaudit.googleapis.com%2Factivity", "cloud_run_revision"): 1,
        ("cloudaudit.googleapis.com%2Fsystem_event", "cloud_run_revision"): 1,
        ("cloudsql.googleapis.com%2Fpostgres.log", "cloudsql_database"): 1,
        ("requests", "http_load_balancer"): 1,
    }


def test_insert_ids_are_unique(rich: dict[str, bytes]) -> None:
    entries = read(rich, "logging/entries.jsonl")

    assert len({text_at(one, "insertId") for one in entries}) == len(entries)


def test_requests_are_spread_evenly_over_their_stretch() -> None:
    test = PlaybookTest(test="t", expect=Expectation(), traffic=[TrafficLine(end="+1m", per_minute=4)])

    times = [text_at(one, "timestamp")[11:19] for one in entries_of(test)]

    assert times == ["10:00:07", "10:00:22", "10:00:37", "10:00:52"]


@pytest.mark.parametrize("status, severity", [(200, "INFO"), (403, "WARNING"), (429, "WARNING"), (503, "ERROR")])
def test_a_request_has_the_severity_of_its_status(status: int, severity: str) -> None:
    test = PlaybookTest(test="t", expect=Expectation(), traffic=[TrafficLine(status=status)])

    assert {text_at(one, "severity") for one in entries_of(test)} == {severity}


def test_a_request_that_was_refused_at_once_reached_no_instance() -> None:
    test = PlaybookTest(test="t", expect=Expectation(), traffic=[TrafficLine(status=429, latency="0s", text="no")])

    assert "instanceId" not in object_at(entries_of(test)[0], "labels")


def test_an_audit_entry_says_its_text_in_its_status() -> None:
    line = EntryLine(log="cloudaudit/activity", at="+1m", text="denied")

    (entry,) = entries_of(PlaybookTest(test="t", expect=Expectation(), entries=[line]))

    assert text_at(entry, "protoPayload.status.message") == "denied"
    assert "textPayload" not in entry


def test_what_a_test_gives_of_an_entry_is_laid_over_it() -> None:
    patch: JsonObject = {"labels": {"instanceId": None, "k": "v"}, "severity": "ALERT"}
    line = EntryLine(log="stdout", at="+1m", text="hello", entry=patch)

    (entry,) = entries_of(PlaybookTest(test="t", expect=Expectation(), entries=[line]))

    assert object_at(entry, "labels") == {"container_name": "api-1", "k": "v"}
    assert (text_at(entry, "severity"), text_at(entry, "textPayload")) == ("ALERT", "hello")


def test_laying_over_leaves_the_original_alone() -> None:
    base: JsonObject = {"a": {"b": 1}}

    merged(base, {"a": {"b": 2}})

    assert base == {"a": {"b": 1}}


def test_points_come_newest_first_a_minute_each() -> None:
    series = series_of(SeriesLine(metric="run.googleapis.com/request_count", values="1 2 3"))

    points = objects_at(series, "points")

    assert [text_at(one, "value.int64Value") for one in points] == ["3", "2", "1"]
    assert [text_at(one, "interval.endTime")[11:16] for one in points] == ["10:03", "10:02", "10:01"]


def test_a_minute_without_a_point_has_none() -> None:
    series = series_of(SeriesLine(metric="a.googleapis.com/b", values="1 _x58 2"))

    assert [text_at(one, "interval.endTime")[11:16] for one in objects_at(series, "points")] == [
        "10:59",
        "10:00",
    ]


@pytest.mark.parametrize(
    "metric, kind",
    [
        ("run.googleapis.com/request_count", ("DELTA", "INT64")),
        ("run.googleapis.com/container/instance_count", ("GAUGE", "INT64")),
        (MEMORY, ("DELTA", "DISTRIBUTION")),
        ("vpcaccess.googleapis.com/connector/cpu/utilizations", ("GAUGE", "DISTRIBUTION")),
        ("cloudsql.googleapis.com/database/disk/utilization", ("GAUGE", "DOUBLE")),
        ("cloudsql.googleapis.com/database/instance_state", ("GAUGE", "BOOL")),
        ("redis.googleapis.com/clients/connected", ("GAUGE", "INT64")),
    ],
)
def test_a_metric_has_the_kind_of_googles_list(metric: str, kind: tuple[str, str]) -> None:
    assert kind_of(metric) == kind


@given(values=st.lists(st.floats(min_value=0, max_value=1e6, allow_subnormal=False), min_size=1, max_size=60))
def test_a_distributions_high_quantile_is_the_value(values: list[float]) -> None:
    line = SeriesLine(metric=MEMORY, values=" ".join(f"{one:.6f}" for one in values), distribution=True)

    series = decode_series(msgspec.json.encode(series_of(line)))

    told = [point.value.number(0.99) for point in reversed(series.points)]
    assert told == pytest.approx([round(one, 6) for one in values], rel=0.01, abs=1e-8)


def test_database_and_redis_series_name_their_instance(rich: dict[str, bytes]) -> None:
    labels = [object_at(one, "resource.labels") for one in read(rich, "monitoring/time_series.jsonl")]

    assert {str(one["database_id"]) for one in labels if "database_id" in one} == {"demo-project:orders"}
    assert {str(one["instance_id"]) for one in labels if "instance_id" in one} == {
        "projects/demo-project/locations/europe-west1/instances/cache"
    }


def test_a_plain_service_stands_for_every_service_that_is_named(rich: dict[str, bytes]) -> None:
    services = read(rich, "run/services.json")

    assert [text_at(one, "name").rsplit("/", 1)[-1] for one in services] == ["api", "web"]
    assert {number_at(one, "template.scaling.maxInstanceCount") for one in services} == {10.0}


def test_a_plain_service_serves_the_newest_revision_that_is_named(rich: dict[str, bytes]) -> None:
    api, _ = read(rich, "run/services.json")

    assert text_at(api, "latestReadyRevision").endswith("/api-00002-bbb")


def test_services_that_are_given_are_the_only_ones() -> None:
    test = PlaybookTest(test="t", expect=Expectation(), traffic=[TrafficLine()], resources={"run.services": []})

    assert bundle_of_test(test).resources("run.services") == ()


def test_logs_and_metrics_are_there_though_empty() -> None:
    bundle = bundle_of_test(PlaybookTest(test="t", expect=Expectation()))

    assert bundle.coverage("logging.entries").complete
    assert bundle.coverage("monitoring.time_series").complete


def test_a_denied_source_has_no_file_and_names_its_permission(rich: dict[str, bytes]) -> None:
    manifest = msgspec.json.decode(rich["manifest.json"])
    told = {text_at(one, "source"): one for one in objects_at(manifest, "sources")}

    assert "compute/routers.json" not in rich
    assert text_at(told["compute.routers"], "status") == "denied"
    assert text_at(told["compute.routers"], "permission") == "compute.routers.list"


def test_a_resource_list_that_is_not_given_is_not_collected(rich: dict[str, bytes]) -> None:
    assert "sqladmin/instances.json" not in rich
    assert read(rich, "redis/instances.json") == []


def test_the_window_is_always_the_same_hour(rich: dict[str, bytes]) -> None:
    manifest = msgspec.json.decode(rich["manifest.json"])

    assert field_at(manifest, "window.start") == "2026-03-03T10:00:00Z"
    assert START + timedelta(hours=1) == END
