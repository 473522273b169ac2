"""Log signatures: present, absent, unknown, and how strong."""

from __future__ import annotations

import pytest

from gcpdiag.model.finding import Present, Unknown
from gcpdiag.model.json import Json, JsonObject
from tests.making import ENTRIES, SERIES, SERVICES, Files, audit, entry, request, requests, series, service, system
from tests.signals.making import CALM_THEN_FAILING, WEB, looked_for, outcome, strength, told

POOL: JsonObject = {"detector": "log", "logs": ["app"], "any": ["pool exhausted"]}
CUT: dict[str, Json] = {"source": "logging.entries", "status": "ok", "truncated": True}
DENIED: dict[str, Json] = {"source": "logging.entries", "status": "denied"}


def pool(*entries: JsonObject, head: list[Json] | None = None, **signal: Json) -> str:
    return outcome(looked_for({**POOL, **signal}, {ENTRIES: list(entries)}, sources=head or []))


def test_a_match_is_present() -> None:
    assert pool(entry("the pool exhausted")) == "present"


def test_a_log_without_a_match_is_absent() -> None:
    assert pool(entry("all well")) == "absent"


def test_without_any_entry_of_its_log_it_is_unknown() -> None:
    assert pool(request(200)) == "unknown"


def test_another_services_match_is_not_this_ones() -> None:
    assert pool(entry("pool exhausted", service="web"), entry("all well")) == "absent"


def test_a_log_that_was_cut_off_proves_no_absence() -> None:
    assert pool(entry("all well"), head=[CUT]) == "unknown"


def test_a_log_that_was_cut_off_still_proves_presence() -> None:
    assert pool(entry("pool exhausted"), head=[CUT]) == "present"


def test_a_damaged_log_proves_no_absence() -> None:
    assert outcome(looked_for(POOL, {ENTRIES: b"oops\n" + b"{}"})) == "unknown"


def test_a_denied_log_names_the_permission_and_the_fix() -> None:
    found = looked_for(POOL, {}, sources=[DENIED])
    assert isinstance(found, Unknown)
    assert (found.gap.permission, found.gap.source) == ("logging.logEntries.list", "logging.entries")
    assert "--role=roles/logging.viewer" in found.gap.fix


def test_a_bundle_without_a_log_says_that_it_was_not_collected() -> None:
    assert "not collected" in told(looked_for(POOL, {}))


def test_any_log_of_the_service_proves_that_its_system_log_is_covered() -> None:
    killed: JsonObject = {"detector": "log", "logs": ["system"], "any": ["Memory limit"]}
    assert outcome(looked_for(killed, {ENTRIES: [entry("all well")]})) == "absent"


@pytest.mark.parametrize("count, expected", [(1, 0.5), (2, 0.75), (3, 1.0), (50, 1.0)])
def test_few_matches_are_weaker(count: int, expected: float) -> None:
    assert strength(looked_for(POOL, {ENTRIES: [entry("pool exhausted")] * count})) == expected


@pytest.mark.parametrize(
    "minutes, timely",
    [
        (range(38, 60), True),
        (range(40, 60), True),
        (range(2, 12), False),
        (range(60), False),
        (range(55, 60), False),
    ],
    ids=["a little before the onset", "with the failure", "over before it", "all the time", "long after the onset"],
)
def test_matches_that_do_not_come_with_the_failure_are_weaker(minutes: range, *, timely: bool) -> None:
    entries = [*CALM_THEN_FAILING, *(entry("pool exhausted", minute=minute + 0.5) for minute in minutes)]
    assert (strength(looked_for(POOL, {ENTRIES: entries})) == 1.0) is timely


def test_evidence_tells_count_place_time_and_a_link() -> None:
    entries = [entry("pool exhausted, password=hunter2", minute=minute, instance=f"i{minute}") for minute in (30, 31)]
    found = looked_for(POOL, {ENTRIES: entries})
    assert isinstance(found, Present)
    [evidence] = found.evidence
    assert (evidence.count, evidence.text) == (2, "2 × in api on 2 instances: pool exhausted, password=[redacted]")
    assert evidence.link.startswith("https://console.cloud.google.com/logs/query;query=")


def test_a_database_log_counts_for_the_services_that_use_it() -> None:
    full: JsonObject = {"detector": "log", "logs": ["database"], "any": ["too many clients"]}
    labels: JsonObject = {"database_id": "demo-staging:orders"}
    database: JsonObject = {
        **entry("FATAL: sorry, too many clients already"),
        "logName": "projects/p/logs/cloudsql.googleapis.com%2Fpostgres.log",
        "resource": {"type": "cloudsql_database", "labels": labels},
    }
    services = [
        service(env={"DB": "demo-staging:us-central1:orders"}),
        service("web", env={"DB": "demo-staging:us-central1:other"}),
    ]
    files = {ENTRIES: [database], SERVICES: services}
    assert (outcome(looked_for(full, files)), outcome(looked_for(full, files, at=WEB))) == ("present", "unknown")


def test_a_failed_call_in_the_audit_log_is_found() -> None:
    missing: JsonObject = {"detector": "log", "logs": ["audit"], "any": ["Image .* not found"]}
    failed = audit(
        "google.cloud.run.v1.Services.ReplaceService", {"status": {"code": 5, "message": "Image 'x' not found"}}
    )
    assert outcome(looked_for(missing, {ENTRIES: [failed]})) == "present"


PORT: JsonObject = {**POOL, "any": [r"listening on (?P<port>\d+)"], "other_port": True}


@pytest.mark.parametrize("port, found", [("3000", "present"), ("8080", "absent")])
def test_another_port_than_the_containers_is_present(port: str, found: str) -> None:
    assert outcome(looked_for(PORT, {ENTRIES: [entry(f"listening on {port}")]})) == found


def test_without_its_configuration_a_port_is_neither_right_nor_wrong() -> None:
    files: Files = {SERVICES: b"oops", ENTRIES: [entry("listening on 3000")]}
    assert outcome(looked_for(PORT, files)) == "unknown"


# --- requests


def asked(*entries: JsonObject, **signal: Json) -> str:
    return outcome(looked_for({"detector": "requests", **signal}, {ENTRIES: list(entries)}))


def test_enough_failures_with_a_status_are_present() -> None:
    assert asked(*requests(504, range(20)), *requests(500, range(20)), status=[504]) == "present"


def test_too_small_a_share_is_absent() -> None:
    assert asked(*requests(504, range(2)), *requests(500, range(40)), status=[504]) == "absent"


def test_failures_at_the_services_own_timeout_are_found_whatever_it_is() -> None:
    slow = [request(504, minute=minute, latency="60.01s") for minute in range(20)]
    files = {ENTRIES: slow, SERVICES: [service(timeout="60s")]}
    signal: JsonObject = {"detector": "requests", "at_timeout": True}
    assert outcome(looked_for(signal, files)) == "present"
    assert outcome(looked_for(signal, {**files, SERVICES: [service(timeout="300s")]})) == "absent"


def test_a_failure_with_the_status_and_at_the_timeout_counts_once() -> None:
    slow = [request(504, minute=minute, latency="60.01s") for minute in range(20)]
    files = {ENTRIES: slow, SERVICES: [service(timeout="60s")]}
    found = looked_for({"detector": "requests", "at_timeout": True, "status": [504]}, files)
    assert isinstance(found, Present)
    assert found.evidence[0].count == 20


@pytest.mark.parametrize(
    "signal, expected",
    [({"status": [504]}, "present"), ({"status": [500]}, "absent"), ({"by_application": True}, "unknown")],
)
def test_where_the_log_could_not_be_read_metrics_tell_the_status(signal: JsonObject, expected: str) -> None:
    labels: JsonObject = {"response_code": "504", "response_code_class": "5xx"}
    counted = series("run.googleapis.com/request_count", dict.fromkeys(range(11, 61), 9.0), labels=labels)
    finding = looked_for({"detector": "requests", **signal}, {SERIES: [counted]}, sources=[DENIED])
    assert outcome(finding) == expected


def test_where_metrics_count_no_failure_the_application_answered_none() -> None:
    labels: JsonObject = {"response_code": "200", "response_code_class": "2xx"}
    counted = series("run.googleapis.com/request_count", dict.fromkeys(range(11, 61), 9.0), labels=labels)
    finding = looked_for({"detector": "requests", "by_application": True}, {SERIES: [counted]}, sources=[DENIED])
    assert outcome(finding) == "absent"


def test_without_a_request_log_nothing_is_known_of_requests() -> None:
    assert asked(system("started"), status=[504]) == "unknown"


@pytest.mark.parametrize("truncated, expected", [(True, 1.0), (False, 0.3)])
def test_matches_that_begin_where_cut_off_logs_begin_may_be_as_old_as_the_failure(
    *, truncated: bool, expected: float
) -> None:
    # Metrics see the failure from minute 10 on; of the logs only what came after minute 40 is left.
    counted: JsonObject = {
        **series("run.googleapis.com/request_count", dict.fromkeys(range(11, 61), 9.0)),
        "metric": {"type": "run.googleapis.com/request_count", "labels": {"response_code_class": "5xx"}},
    }
    answered: JsonObject = {
        **series("run.googleapis.com/request_count", dict.fromkeys(range(1, 11), 9.0)),
        "metric": {"type": "run.googleapis.com/request_count", "labels": {"response_code_class": "2xx"}},
    }
    entries = [entry("pool exhausted", minute=40 + minute / 2) for minute in range(30)]
    source: Json = {"source": "logging.entries", "status": "ok", "truncated": truncated}

    found = looked_for(POOL, {ENTRIES: entries, SERIES: [counted, answered]}, sources=[source])

    assert strength(found) == pytest.approx(expected)
