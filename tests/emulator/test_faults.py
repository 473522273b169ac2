"""Faults: how they are asked for, whom they strike, and what they answer."""

from __future__ import annotations

from contextlib import suppress

import pytest

from gcpdiag.bundle.format import PROBES, SOURCES
from gcpdiag.emulator.faults import KINDS, Fault, FaultPlan, parse_fault
from gcpdiag.emulator.rest import ApiError, Request
from gcpdiag.emulator.serve import ROUTES
from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject, text_at
from tests.emulator.asking import backend_of, get, refusal
from tests.making import CONNECTORS, PARENT, PROJECT, SERVICES, service

PATH = f"/v1/{PARENT}/connectors"
CONNECTOR: JsonObject = {"name": f"{PARENT}/connectors/c"}
ROUTERS = f"/compute/v1/projects/{PROJECT}/aggregated/routers"


@pytest.mark.parametrize(
    "text, fault",
    [
        ("logging.entries=503:2", Fault("logging.entries", "503", 2)),
        ("vpcaccess.connectors=denied", Fault("vpcaccess.connectors", "denied")),
        ("*=hang:1", Fault("*", "hang", 1)),
    ],
)
def test_a_fault_is_a_source_a_kind_and_a_count(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text, told",
    [
        ("logs=503", "logging.entries"),
        ("503", "Sources: "),
        ("probes.results=503", "Sources: "),
        ("logging.entries=broken", "Kinds: denied, disabled, 429"),
        ("logging.entries", "Kinds: "),
        ("logging.entries=503:0", "number of calls"),
        ("logging.entries=503:x", "number of calls"),
        ("logging.entries=503:", "number of calls"),
    ],
)
def test_what_is_no_fault_is_wrong_usage_that_names_what_there_is(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_fault(text)


def test_a_counted_fault_strikes_the_first_calls_only() -> None:
    plan = FaultPlan([Fault("a", "503", 2), Fault("*", "hang", 1)])

    assert [plan.strike(source) for source in ("a", "b", "a", "a", "b")] == ["503", "hang", "503", "", ""]


@pytest.mark.parametrize("source", [one for one in SOURCES if one != PROBES])
def test_every_source_has_a_route_that_its_fault_strikes(source: str) -> None:
    assert any(route.source == source for route in ROUTES)


@pytest.mark.parametrize(
    "kind, code, status",
    [
        ("denied", 403, "PERMISSION_DENIED"),
        ("disabled", 403, "PERMISSION_DENIED"),
        ("429", 429, "RESOURCE_EXHAUSTED"),
        ("500", 500, "INTERNAL"),
        ("503", 503, "UNAVAILABLE"),
    ],
)
def test_a_refusing_fault_answers_as_google_refuses(kind: str, code: int, status: str) -> None:
    error = refusal(backend_of({}, faults=[f"vpcaccess.connectors={kind}"]), PATH)

    assert (error.code, error.status) == (code, status)


def test_a_denied_call_of_one_resource_names_the_permission_to_get_it() -> None:
    error = refusal(backend_of({}, faults=["vpcaccess.connectors=denied"]), f"{PATH}/c")

    assert "Permission 'vpcaccess.connectors.get' denied" in error.message


def test_computes_quota_is_a_403_with_a_reason() -> None:
    error = refusal(backend_of({}, faults=["compute.routers=429"]), ROUTERS)

    assert (error.code, error.reason) == (403, "rateLimitExceeded")


def test_a_fault_spares_other_sources_and_ends_after_its_count() -> None:
    backend = backend_of({CONNECTORS: [CONNECTOR]}, faults=["vpcaccess.connectors=503:1"])

    assert get(backend, ROUTERS)
    assert refusal(backend, PATH).code == 503
    assert get(backend, PATH) == {"connectors": [CONNECTOR]}


def test_a_star_strikes_every_call() -> None:
    backend = backend_of({}, faults=["*=500"])

    assert [refusal(backend, path).code for path in (PATH, ROUTERS, "/v1/projects")] == [500, 500, 500]


def test_a_reset_lets_a_counted_fault_strike_again() -> None:
    backend = backend_of({}, faults=["*=500:1"])
    refusal(backend, PATH)

    backend.reset()

    assert refusal(backend, PATH).code == 500


@pytest.mark.parametrize("kind", KINDS[-4:])
def test_other_faults_change_how_the_answer_goes_out(kind: str) -> None:
    backend = backend_of({CONNECTORS: [CONNECTOR]}, faults=[f"vpcaccess.connectors={kind}"])

    outcome = backend.respond(Request("GET", "h", PATH))

    assert (outcome.manner, outcome.answer) == (kind, {} if kind == "hang" else {"connectors": [CONNECTOR]})


@pytest.mark.parametrize("kind, changed", [("cut", True), ("malformed", True), ("hang", False), ("503", False)])
def test_a_write_whose_answer_is_lost_has_been_done(kind: str, *, changed: bool) -> None:
    backend = backend_of({SERVICES: [service()]}, faults=[f"run.services={kind}"])
    path = f"/v2/{PARENT}/services/api"
    body: JsonObject = {"name": f"{PARENT}/services/api", "labels": {"a": "b"}}

    with suppress(ApiError):
        backend.respond(Request("PATCH", "h", path, {"updateMask": ["labels"]}, body))

    assert (backend.state.listed("run.services")[0].get("labels") == {"a": "b"}) == changed


def test_an_error_is_cut_like_any_other_answer() -> None:
    backend = backend_of({}, faults=["*=cut"])

    outcome = backend.respond(Request("GET", "h", f"{PATH}/nobody"))

    assert (outcome.manner, text_at(outcome.answer, "error.status")) == ("cut", "NOT_FOUND")
