"""Reading bundles: whole, in part, and with files that are broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gcpdiag.bundle.read import Bundle, bundle_of
from gcpdiag.errors import BundleError
from gcpdiag.model.json import JsonObject, text_at
from tests.making import (
    CONNECTORS,
    DATABASES,
    END,
    ENTRIES,
    ROUTERS,
    SERIES,
    SERVICES,
    START,
    bundle,
    entry,
    jsonl,
    moment,
    series,
    service,
)

HEAD: JsonObject = {"format": "gcpdiag-bundle", "version": 1, "project": "p"}


def without_window(files: dict[str, bytes], **more: str) -> Bundle:
    return bundle_of({"manifest.json": json.dumps({**HEAD, **more}).encode(), **files})


def names_in(told: Bundle, source: str) -> list[str] | None:
    found = told.resources(source)
    return None if found is None else [text_at(one, "name") for one in found]


def problems_of(told: Bundle) -> list[str]:
    return [str(one) for one in told.problems.problems()]


# --- the window


def test_the_window_is_the_manifests() -> None:
    told = bundle({}).window
    assert (told.start, told.end) == (START, END)


def test_a_missing_window_is_the_hour_before_the_newest_entry() -> None:
    told = without_window({ENTRIES: jsonl(entry("b", minute=50), entry("a", minute=10))}).window
    newest = START + timedelta(minutes=50)
    assert (told.end - newest, told.length) == (timedelta(seconds=1), timedelta(hours=1))


def test_a_point_may_be_newer_than_every_entry() -> None:
    files = {ENTRIES: jsonl(entry("a", minute=10)), SERIES: jsonl(series("m", {55: 1.0, 20: 1.0}))}
    assert without_window(files).window.end - START == timedelta(minutes=55, seconds=1)


def test_an_entry_with_a_receive_time_alone_tells_the_window_as_well() -> None:
    late = {**entry("a"), "timestamp": None, "receiveTimestamp": moment(40)}
    assert without_window({ENTRIES: jsonl(late)}).window.end - START == timedelta(minutes=40, seconds=1)


def test_without_any_record_the_window_ends_when_the_bundle_was_collected() -> None:
    told = without_window({}, collected_at="2025-09-15T20:26:03Z").window
    assert told.end == datetime(2025, 9, 15, 20, 26, 4, tzinfo=UTC)


@pytest.mark.parametrize("collected", [{}, {"collected_at": "0001-01-01T00:00:00+14:00"}])
def test_without_any_time_there_is_no_window(collected: dict[str, str]) -> None:
    with pytest.raises(BundleError, match="no window, no log entry and no metric point"):
        _ = without_window({}, **collected).window


# --- what was collected


def test_a_file_that_is_not_there_was_not_collected() -> None:
    coverage = bundle({}).coverage("run.services")
    assert (coverage.state, coverage.complete) == ("skipped", False)


def test_a_file_that_is_there_counts_as_collected() -> None:
    assert bundle({SERVICES: []}).coverage("run.services").complete


def test_a_file_that_the_manifest_lists_and_that_is_missing_is_an_error() -> None:
    told = bundle({}, sources=[{"source": "run.services", "status": "ok"}]).coverage("run.services")
    assert (told.state, told.reason) == ("error", "the manifest lists run/services.json, and the file is missing")


@pytest.mark.parametrize(
    "status, reason",
    [
        ("denied", "permission denied"),
        ("disabled", "the API is disabled in this project"),
        ("error", "the call failed"),
        ("skipped", "not collected"),
    ],
)
def test_a_source_that_gave_no_answer_says_why(status: str, reason: str) -> None:
    told = bundle({}, sources=[{"source": "run.services", "status": status}]).coverage("run.services")
    assert (told.state, told.reason, told.answered) == (status, reason, False)


def test_a_denied_source_names_the_permission() -> None:
    denied: JsonObject = {"source": "vpcaccess.connectors", "status": "denied", "error": "403 Permission denied"}
    told = bundle({}, sources=[denied]).coverage("vpcaccess.connectors")
    assert (told.permission, told.reason) == ("vpcaccess.connectors.list", "403 Permission denied")


def test_a_truncated_source_answered_but_is_not_complete() -> None:
    cut: JsonObject = {"source": "logging.entries", "status": "ok", "truncated": True}
    told = bundle({ENTRIES: [entry("a")]}, sources=[cut]).coverage("logging.entries")
    assert (told.answered, told.complete) == (True, False)


# --- resources


@pytest.mark.parametrize(
    "content",
    [
        [{"name": "a"}, {"name": "b"}],
        {"services": [{"name": "a"}, {"name": "b"}], "nextPageToken": ""},
        {"items": [{"name": "a"}, {"name": "b"}], "kind": "compute#routerList", "id": "x"},
    ],
)
def test_lists_are_read_bare_and_as_the_api_answers(content: object) -> None:
    assert names_in(bundle({SERVICES: json.dumps(content).encode()}), "run.services") == ["a", "b"]


def test_an_aggregated_list_is_read_scope_by_scope() -> None:
    content = {
        "kind": "compute#routerAggregatedList",
        "items": {
            "regions/europe-west1": {"warning": {"code": "NO_RESULTS_ON_PAGE", "data": [{"key": "scope"}]}},
            "regions/us-central1": {"routers": [{"name": "a"}, {"name": "b"}]},
            "regions/us-east1": {"routers": [{"name": "c"}]},
        },
    }
    assert names_in(bundle({ROUTERS: json.dumps(content, indent=2).encode()}), "compute.routers") == ["a", "b", "c"]


def test_a_single_resource_is_a_list_of_one() -> None:
    content = json.dumps({"name": "c", "connectedProjects": ["p"], "state": "READY"}, indent=2).encode()
    assert names_in(bundle({CONNECTORS: content}), "vpcaccess.connectors") == ["c"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"kind": "sql#instancesList"}', b'{"items": []}', b'{"unreachable": ["europe-west1"]}'],
)
def test_an_empty_answer_says_that_there_is_none(content: bytes) -> None:
    assert bundle({DATABASES: content}).resources("sqladmin.instances") == ()


def test_an_absent_file_says_nothing() -> None:
    assert bundle({}).resources("sqladmin.instances") is None


@pytest.mark.parametrize("content", [b"oops", b"7", b'[{"name": oops}]', b"[" * 100_000, b"\x00\x00", b"[null]"])
def test_a_file_of_which_nothing_can_be_read_says_nothing(content: bytes) -> None:
    told = bundle({SERVICES: content})
    assert (told.resources("run.services"), len(problems_of(told))) == (None, 1)


def test_what_is_not_broken_in_a_file_is_used() -> None:
    content = b'[\n  {\n    "name": "a"\n  },\n  {\n    "name": oops\n  },\n  {\n    "name": "c"\n  }\n]\n'
    told = bundle({SERVICES: content})
    assert names_in(told, "run.services") == ["a", "c"]
    assert problems_of(told) == ["run/services.json:5: malformed JSON: Expecting value"]


def test_knative_services_become_v2_in_the_bundles_region() -> None:
    knative: JsonObject = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "api"}}
    told = bundle({SERVICES: [knative, service("web")]})
    assert names_in(told, "run.services") == [
        "projects/demo-staging/locations/us-central1/services/api",
        "projects/demo-staging/locations/us-central1/services/web",
    ]


# --- entries and series


def test_malformed_lines_are_reported_once_and_the_rest_is_used() -> None:
    lines = jsonl(entry("a")) + b"oops\n" + jsonl(entry("b")) + b'{"textPayload": "no time"}\n' + jsonl(entry("c"))
    told = bundle({ENTRIES: lines})
    for _ in range(2):
        assert [one.text_payload for one in told.entries()] == ["a", "b", "c"]
    assert [(one.path, one.line) for one in told.problems.problems()] == [(ENTRIES, 2), (ENTRIES, 4)]


def test_an_array_of_entries_that_gcloud_printed_is_read() -> None:
    told = bundle({ENTRIES: json.dumps([entry("a"), entry("b")], indent=2).encode("utf-16")})
    assert [one.text_payload for one in told.entries()] == ["a", "b"]


def test_malformed_series_are_reported_and_the_rest_is_used() -> None:
    lines = jsonl(series("m", {1: 1.0})) + b'{"points": []}\n' + jsonl(series("n", {1: 1.0}))
    told = bundle({SERIES: lines})
    assert [one.metric.type for one in told.series()] == ["m", "n"]
    assert problems_of(told) == [f"{SERIES}:2: not a time series: a time series without metric.type"]


def test_absent_files_have_no_entries_and_no_series() -> None:
    told = bundle({})
    assert (list(told.entries()), list(told.series()), problems_of(told)) == ([], [], [])


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe\x00", b'"\x00"', b"x" * (9 << 20), b"\x1b[31mred"]
)
def test_hostile_lines_cost_nothing_but_themselves(line: bytes) -> None:
    told = bundle({ENTRIES: jsonl(entry("a")) + line + b"\n" + jsonl(entry("b"))})
    assert [one.text_payload for one in told.entries()] == ["a", "b"]
    assert len(problems_of(told)) == 1
