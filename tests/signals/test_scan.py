"""One pass over the entries: kinds of logs, what matches, what is counted, and that order does not matter."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import ItemsView
from dataclasses import fields
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.signals.scan import LogScan, kind_of
from gcpdiag.signals.tally import Tally
from gcpdiag.signals.traffic import Traffic
from tests.making import ENTRIES, audit, entry, jsonl, request, requests, system
from tests.signals.making import API, WEB, read_entry, seen_in

POOL: JsonObject = {"detector": "log", "logs": ["app"], "any": ["pool exhausted"]}
QUIET: JsonObject = {**POOL, "severity": "quiet"}
SIGNALS: dict[str, JsonObject] = {
    "pool": POOL,
    "quiet": QUIET,
    "redis": {**POOL, "any": ["ECONNREFUSED (?P<ip>[0-9.]+)"], "destination": "private"},
    "port": {**POOL, "any": [r"listening on (?P<port>\d+)"], "other_port": True, "unless": ["ignored"]},
    "killed": {"detector": "log", "logs": ["system"], "any": ["Memory limit of .* exceeded"]},
    "denied": {"detector": "log", "logs": ["audit"], "any": ["PERMISSION_DENIED"]},
    "fatal": {"detector": "log", "logs": ["database"], "any": ["too many clients"]},
}


def scanned(*entries: JsonObject) -> LogScan:
    return seen_in({ENTRIES: list(entries)}, SIGNALS).scan


def matched(*entries: JsonObject) -> dict[str, int]:
    return {signal: tally.count for (signal, _), tally in scanned(*entries).matches.items()}


def of(log: str, resource: str = "", **more: Json) -> JsonObject:
    named: JsonObject = {"logName": f"projects/p/logs/{log}"} if log else {}
    return {"timestamp": "2025-09-15T20:00:00Z", "resource": {"type": resource, "labels": {}}, **named, **more}


@pytest.mark.parametrize(
    "document, kind",
    [
        (of("run.googleapis.com%2Frequests", "cloud_run_revision"), "request"),
        (of("run.googleapis.com%2Fstdout", "cloud_run_revision"), "app"),
        (of("run.googleapis.com%2Fstderr", "cloud_run_revision"), "app"),
        (of("run.googleapis.com%2Fvarlog%2Fsystem", "cloud_run_revision"), "system"),
        (of("run.googleapis.com/varlog/system", "cloud_run_revision"), "system"),
        (of("cloudaudit.googleapis.com%2Factivity", "cloud_run_revision"), "audit"),
        (of("cloudaudit.googleapis.com%2Fsystem_event", "cloud_run_revision"), "audit"),
        (of("requests", "http_load_balancer"), "load-balancer"),
        (of("cloudsql.googleapis.com%2Fpostgres.log", "cloudsql_database"), "database"),
        (of("my-own-log", "global"), "app"),
        (of("", httpRequest={"status": 503}), "request"),
        (of("", protoPayload={"methodName": "x"}), "audit"),
        (of("", textPayload="boom"), "any"),
        (of("", "http_load_balancer", httpRequest={"status": 503}), "load-balancer"),
        (of("", "cloudsql_database", textPayload="FATAL"), "database"),
    ],
)
def test_the_kind_of_a_log_is_told_by_name_resource_or_payload(document: JsonObject, kind: str) -> None:
    assert kind_of(read_entry(document)) == kind


def test_a_match_is_counted_for_its_service() -> None:
    told = scanned(entry("pool exhausted"), entry("pool exhausted", service="web"), entry("all well"))
    assert {subject: tally.count for (signal, subject), tally in told.matches.items() if signal == "pool"} == {
        API: 1,
        WEB: 1,
    }


def test_a_signature_is_looked_for_in_its_own_logs_only() -> None:
    assert matched(system("pool exhausted"), entry("Memory limit of 512 MiB exceeded")) == {}


def test_an_entry_without_a_log_name_may_be_of_any_log() -> None:
    nameless = {key: value for key, value in entry("pool exhausted").items() if key != "logName"}
    assert matched(nameless)["pool"] == 1


@pytest.mark.parametrize(
    "document, found",
    [
        (entry("pool exhausted"), {"pool": 1, "quiet": 1}),
        (entry("pool exhausted", severity="ERROR"), {"pool": 1, "quiet": 1}),
        (entry("pool exhausted", severity="INFO"), {"quiet": 1}),
        (entry("INFO pool exhausted"), {"quiet": 1}),
        (entry({"message": "pool exhausted", "level": "debug"}), {"quiet": 1}),
        (entry({"message": "x", "error": "pool exhausted"}, severity="INFO"), {"quiet": 1}),
        (entry({"message": "pool exhausted", "level": "error"}), {"pool": 1, "quiet": 1}),
    ],
)
def test_what_an_entry_calls_harmless_matches_quiet_signals_only(document: JsonObject, found: dict[str, int]) -> None:
    assert matched(document) == found


def test_a_quiet_signal_is_found_over_a_line_break_of_a_structured_entry() -> None:
    assert matched(entry({"message": "pool\nexhausted"}, severity="INFO")) == {"quiet": 1}


def test_an_exception_to_a_signature_keeps_it_from_matching() -> None:
    assert matched(entry("listening on 3000"), entry("ignored: listening on 3000")) == {"port": 1}


def test_a_signature_with_a_destination_looks_at_the_address() -> None:
    assert matched(entry("ECONNREFUSED 10.0.0.3:6379"), entry("ECONNREFUSED 203.0.113.7:443")) == {"redis": 1}


def test_ports_that_a_signature_captured_are_counted() -> None:
    told = scanned(entry("listening on 3000"), entry("listening on 3000"), entry("listening on 8080"))
    assert told.matches["port", API].ports == {"3000": 2, "8080": 1}


def test_what_came_before_the_window_does_not_match_and_counts_no_request() -> None:
    told = scanned(entry("pool exhausted", minute=-5), request(503, minute=-5, text="boom"))
    assert told.matches == {}
    assert sum(traffic.requests for traffic in told.traffic.values()) == 0


def test_changes_are_taken_from_before_the_window_too() -> None:
    assert len(scanned(audit("google.cloud.run.v1.Services.ReplaceService", minute=-600)).changes) == 1


def test_requests_are_counted_with_status_revision_and_latency() -> None:
    told = scanned(*requests(200, range(5)), request(503, latency="299.6s", text="boom", revision="api-00002-xyz"))
    traffic = told.traffic[API]
    assert (traffic.requests, traffic.errors, traffic.statuses) == (6, 1, {200: 5, 503: 1})
    assert (traffic.error_seconds, traffic.revisions["api-00002-xyz"].errors) == ({(503, 300): 1}, 1)


@pytest.mark.parametrize(
    "status, text, failed", [(500, "", 1), (429, "no available instance", 1), (429, "", 0), (404, "", 0)]
)
def test_a_request_failed_when_the_platform_or_the_service_did(status: int, text: str, failed: int) -> None:
    assert scanned(request(status, text=text)).traffic[API].errors == failed


@pytest.mark.parametrize("latency", ["nan", "inf", "-inf", "1e999s", "soon", "", "s"])
def test_a_latency_that_is_no_duration_counts_as_none(latency: str) -> None:
    assert scanned(request(503, latency=latency, text="boom")).traffic[API].error_seconds == {(503, 0): 1}


def test_load_balancer_requests_are_counted_apart() -> None:
    labels: JsonObject = {"backend_service_name": "backend"}
    resource: JsonObject = {"type": "http_load_balancer", "labels": labels}
    told = scanned({**request(502, text="x"), "resource": resource})
    assert (told.traffic, told.balancer_traffic["backend"].errors) == ({}, 1)


def test_errors_that_no_signature_knows_are_kept_as_templates() -> None:
    told = scanned(*(entry(f"order {number} is strange", severity="ERROR") for number in (17, 4711)))
    assert [(text, count) for text, count, _, _ in told.unexplained.most(5)] == [("order <n> is strange", 2)]


@pytest.mark.parametrize(
    "payload", [b'{"message": "caf\xe9 pool exhausted"}', b'{"message": 1e999}', b"[" * 900 + b"]" * 900, b'"\\ud800"']
)
def test_a_hostile_payload_does_not_end_the_scan(payload: bytes) -> None:
    line = jsonl(entry({})).replace(b'"jsonPayload": {}', b'"jsonPayload": ' + payload)
    seen_in({ENTRIES: line + jsonl(audit("x")).replace(b'"x"', payload)}, SIGNALS)


def test_a_deploy_nested_deeper_than_google_can_answer_is_passed_over() -> None:
    deep: Json = "x"
    for _ in range(400):
        deep = {"a": [deep]}
    container: JsonObject = {"image": "i", "ports": deep}
    asked: JsonObject = {"request": {"service": {"template": {"containers": [container]}}}}
    method = "google.cloud.run.v2.Services.UpdateService"
    assert scanned(audit(method, asked), audit(method, asked, minute=21)).changes == []


# --- laws


def deploy(image: str, *, minute: float) -> JsonObject:
    template: JsonObject = {"containers": [{"image": image, "ports": [{"containerPort": 8080}]}]}
    return audit(
        "google.cloud.run.v2.Services.UpdateService", {"request": {"service": {"template": template}}}, minute=minute
    )


MINUTES = st.integers(-3, 8).map(float)
ANY_ENTRY = st.one_of(
    st.builds(
        entry,
        st.sampled_from(["pool exhausted", "ECONNREFUSED 10.0.0.3:6379", "listening on 3000", "odd 7"]),
        minute=MINUTES,
        severity=st.sampled_from(["", "INFO", "ERROR"]),
        service=st.sampled_from(["api", "web"]),
        instance=st.sampled_from(["", "i1", "i2"]),
    ),
    st.builds(request, st.sampled_from([200, 429, 503]), minute=MINUTES, text=st.sampled_from(["", "boom"])),
    st.builds(system, st.just("Memory limit of 512 MiB exceeded"), minute=MINUTES),
    st.builds(deploy, st.sampled_from(["one", "two"]), minute=MINUTES),
)


def comparable(told: LogScan) -> str:
    """Everything that detectors read, as text in a fixed order."""
    parts = [
        sorted((str(key), in_order(tally)) for key, tally in told.matches.items()),
        sorted((str(key), in_order(one)) for key, one in told.traffic.items()),
        sorted((str(key), str(one)) for key, one in told.seen.items()),
        [str(one) for one in told.changes],
        told.unexplained.most(100),
        told.entries,
    ]
    return json.dumps(parts, default=str)


def in_order(counted: Tally | Traffic) -> str:
    values = {one.name: getattr(counted, one.name) for one in fields(counted)}
    pairs = {name: one.items() if isinstance(one, dict) else one for name, one in values.items()}
    unordered = (set, ItemsView)
    return str([(name, sorted(one, key=str) if isinstance(one, unordered) else one) for name, one in pairs.items()])


@given(st.lists(ANY_ENTRY, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_entries_makes_no_difference(entries: list[JsonObject], random: Random) -> None:
    shuffled = random.sample(entries, len(entries))
    assert comparable(scanned(*shuffled)) == comparable(scanned(*entries))


@given(st.lists(ANY_ENTRY, max_size=12), st.integers(0, 12))
def test_a_part_and_the_rest_count_what_the_whole_does(entries: list[JsonObject], cut: int) -> None:
    whole, parts = scanned(*entries), [scanned(*entries[:cut]), scanned(*entries[cut:])]
    for key, tally in whole.matches.items():
        found = [one.matches[key] for one in parts if key in one.matches]
        assert tally.count == sum(one.count for one in found)
        assert tally.sample == min((one.first, one.sample) for one in found)[1]
    for subject, traffic in whole.traffic.items():
        counted = [one.traffic[subject] for one in parts if subject in one.traffic]
        assert traffic.errors == sum(one.errors for one in counted)
        assert traffic.ok_minutes == sum((one.ok_minutes for one in counted), start=Counter())
    assert len(whole.changes) == sum(len(one.changes) for one in parts)


@given(st.lists(ANY_ENTRY, max_size=8))
def test_lines_and_an_array_of_them_are_scanned_alike(entries: list[JsonObject]) -> None:
    array = json.dumps(entries, indent=2).encode()
    assert comparable(seen_in({ENTRIES: array}, SIGNALS).scan) == comparable(scanned(*entries))
