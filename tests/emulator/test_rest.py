"""Routes by host and path, and errors as Google writes them."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.rest import ApiError, Request, Route, RouteTable, api_of

ROUTES = (
    Route("GET", "run", r"/v1/projects/(?P<project>[^/]+)/locations", lambda *_: {"api": "run"}),
    Route("GET", "redis", r"/v1/projects/(?P<project>[^/]+)/locations", lambda *_: {"api": "redis"}),
    Route("POST", "", r"/_emulator/reset", lambda *_: {}),
)


@pytest.mark.parametrize(
    "host, api",
    [
        ("run.googleapis.com", "run"),
        ("us-central1-run.googleapis.com", "run"),
        ("US-CENTRAL1-RUN.googleapis.com:443", "run"),
        ("compute.googleapis.com", "compute"),
        ("www.googleapis.com", "compute"),
        ("127.0.0.1:18080", ""),
        ("localhost", ""),
    ],
)
def test_the_host_tells_the_api(host: str, api: str) -> None:
    assert api_of(host) == api


@pytest.mark.parametrize("host, api", [("redis.googleapis.com", "redis"), ("127.0.0.1:1", "run")])
def test_a_path_that_several_apis_have_goes_to_the_one_of_the_host(host: str, api: str) -> None:
    route, captured = RouteTable(ROUTES).find(Request("GET", host, "/v1/projects/p/locations"))

    assert (route.api, dict(captured)) == (api, {"project": "p"})


def test_the_emulators_own_routes_are_on_every_host() -> None:
    route, _ = RouteTable(ROUTES).find(Request("POST", "redis.googleapis.com", "/_emulator/reset"))

    assert route.pattern == r"/_emulator/reset"


@pytest.mark.parametrize(
    "method, host, path",
    [
        ("GET", "logging.googleapis.com", "/v1/projects/p/locations"),
        ("DELETE", "run.googleapis.com", "/v1/projects/p/locations"),
        ("GET", "run.googleapis.com", "/v1/projects/p/locations/more"),
    ],
)
def test_what_has_no_route_is_not_found(method: str, host: str, path: str) -> None:
    with pytest.raises(ApiError) as refused:
        RouteTable(ROUTES).find(Request(method, host, path))
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")


def test_an_error_has_code_message_status_reason_and_details() -> None:
    assert ApiError(403, message="No.", details=[{"@type": "t"}]).to_json() == {
        "error": {
            "code": 403,
            "message": "No.",
            "errors": [{"message": "No.", "domain": "global", "reason": "forbidden"}],
            "status": "PERMISSION_DENIED",
            "details": [{"@type": "t"}],
        }
    }


def test_a_parameter_that_is_no_number_is_refused() -> None:
    with pytest.raises(ApiError):
        Request("GET", "h", "/", {"pageSize": ["many"]}).number("pageSize")
