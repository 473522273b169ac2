"""What a bundle holds and what it cannot tell, gathered for the detectors."""

from __future__ import annotations

import pytest

from gcpdiag.bundle.format import SOURCES
from gcpdiag.model.json import Json
from tests.making import ENTRIES, SERVICES, entry, jsonl, request, service
from tests.signals.making import API, WEB, seen_in


def test_every_source_of_the_contract_is_accounted_for() -> None:
    assert set(seen_in({}, {}).coverage) == set(SOURCES)


def test_a_whole_source_leaves_no_gap() -> None:
    assert seen_in({SERVICES: []}, {}).gap("run.services", "x") is None


def test_a_missing_source_is_a_gap_with_its_reason() -> None:
    gap = seen_in({}, {}).gap("run.services", "the port")
    assert gap is not None
    assert (gap.check, gap.reason, gap.source) == ("the port", "not collected", "run.services")


@pytest.mark.parametrize(
    "status, permission, fix",
    [
        ("denied", "vpcaccess.connectors.list", "--role=roles/vpcaccess.viewer"),
        ("disabled", "", "gcloud services enable vpcaccess.googleapis.com --project=demo-staging"),
        ("error", "", ""),
        ("skipped", "", ""),
    ],
)
def test_a_gap_says_what_would_close_it(status: str, permission: str, fix: str) -> None:
    told: dict[str, Json] = {"source": "vpcaccess.connectors", "status": status}
    gap = seen_in({}, {}, sources=[told]).gap("vpcaccess.connectors", "x")
    assert gap is not None
    assert gap.permission == permission
    assert fix in gap.fix


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"probes.results"}))
def test_every_denied_source_names_its_permission_and_a_role(source: str) -> None:
    gap = seen_in({}, {}, sources=[{"source": source, "status": "denied"}]).gap(source, "x")
    assert gap is not None
    assert gap.permission == SOURCES[source].permission
    assert SOURCES[source].role in gap.fix


def test_a_damaged_file_is_a_gap_that_names_the_line() -> None:
    gap = seen_in({ENTRIES: jsonl(entry("a")) + b"oops\n"}, {}).gap("logging.entries", "x")
    assert gap is not None
    assert seen_in({ENTRIES: b"oops\n"}, {}).coverage["logging.entries"].state == "error"


def test_a_hostile_project_stays_an_argument_of_the_fix() -> None:
    gap = seen_in({}, {}, project="x; rm -rf ~", sources=[{"source": "run.services", "status": "denied"}]).gap(
        "run.services", "x"
    )
    assert gap is not None
    assert "'x; rm -rf ~'" in gap.fix


def test_services_are_those_collected_logged_or_counted() -> None:
    told = seen_in({SERVICES: [service()], ENTRIES: [request(200, service="web"), entry("x", service="jobs")]}, {})
    assert {API, WEB} < set(told.states)
    assert len(told.states) == 3
