"""Compute's scopes, pages and kinds, and VPC connectors."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.network_api import KINDS
from gcpdiag.emulator.rest import ApiError
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from tests.emulator.asking import backend_of, get, post, refusal
from tests.making import CONNECTORS, PARENT, PROJECT

BASE = f"/compute/v1/projects/{PROJECT}"
LINK = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}"


def backend_service(name: str, scope: str = "global") -> JsonObject:
    return {"name": name, "id": f"1{len(name)}", "selfLink": f"{LINK}/{scope}/backendServices/{name}"}


ALL = [backend_service("one"), backend_service("two"), backend_service("three", "regions/us-central1")]


def backend() -> Backend:
    return backend_of({"compute/backend_services.json": ALL})


def names(answer: JsonObject, field: str = "items") -> list[str]:
    return [text_at(one, "name") for one in objects_at(answer, field)]


def test_an_aggregated_list_is_keyed_by_scope() -> None:
    answer = get(backend(), f"{BASE}/aggregated/backendServices")

    assert text_at(answer, "kind") == "compute#backendServiceAggregatedList"
    items = object_at(answer, "items")
    assert list(items) == ["global", "regions/us-central1"]
    assert names(items, "global.backendServices") == ["one", "two"]


def test_a_scope_without_results_says_so() -> None:
    items = object_at(get(backend(), f"{BASE}/aggregated/backendServices", maxResults="2"), "items")

    warning = object_at(items["regions/us-central1"], "warning")
    assert warning["code"] == "NO_RESULTS_ON_PAGE"
    assert warning["message"] == "There are no results for scope 'regions/us-central1' on this page."


@pytest.mark.parametrize("size, pages", [("1", 3), ("2", 2), ("3", 1), ("0", 1), ("500", 1)])
def test_the_pages_of_an_aggregated_list_are_the_list(size: str, pages: int) -> None:
    own, seen, token, count = backend(), [], "", 0
    while count == 0 or token:
        answer = get(own, f"{BASE}/aggregated/backendServices", maxResults=size, pageToken=token)
        for scope in object_at(answer, "items").values():
            seen += objects_at(scope, "backendServices")
        token, count = text_at(answer, "nextPageToken"), count + 1
        assert count < 10

    assert (seen, count) == (ALL, pages)


@pytest.mark.parametrize(
    "asked",
    [
        {"maxResults": "501"},
        {"maxResults": "-1"},
        {"maxResults": "x"},
        {"filter": "a ~ b"},
        {"orderBy": "id"},
        {"pageToken": "zzz"},
    ],
)
def test_what_cannot_be_done_is_an_invalid_argument(asked: dict[str, str]) -> None:
    error = refusal(backend(), f"{BASE}/aggregated/backendServices", **asked)

    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")


def test_a_list_of_a_scope_has_its_resources_alone() -> None:
    assert names(get(backend(), f"{BASE}/global/backendServices")) == ["one", "two"]
    assert names(get(backend(), f"{BASE}/regions/us-central1/backendServices")) == ["three"]
    assert "items" not in get(backend(), f"{BASE}/regions/europe-west1/backendServices")


def test_one_resource_is_found_by_scope_and_name() -> None:
    assert get(backend(), f"{BASE}/regions/us-central1/backendServices/three") == ALL[2]
    missing = refusal(backend(), f"{BASE}/global/backendServices/three")
    assert missing.code == 404
    assert missing.message == f"The resource 'projects/{PROJECT}/global/backendServices/three' was not found"


def test_a_filter_and_an_order_apply_before_the_page() -> None:
    path = f"{BASE}/global/backendServices"

    assert names(get(backend(), path, filter="name eq t.*", maxResults="1")) == ["two"]
    assert names(get(backend(), path, orderBy="name")) == ["one", "two"]


def test_proxies_of_http_and_https_are_told_apart() -> None:
    proxies: list[JsonObject] = [
        {"name": "plain", "selfLink": f"{LINK}/global/targetHttpProxies/plain"},
        {"name": "linked", "selfLink": f"{LINK}/global/targetHttpsProxies/linked"},
        {"name": "kind", "kind": "compute#targetHttpsProxy"},
        {"name": "certified", "sslCertificates": [f"{LINK}/global/sslCertificates/c"]},
        {"name": "bare"},
    ]
    own = backend_of({"compute/target_proxies.json": proxies})

    assert names(get(own, f"{BASE}/global/targetHttpProxies")) == ["plain", "bare"]
    assert names(get(own, f"{BASE}/global/targetHttpsProxies")) == ["linked", "kind", "certified"]


def test_the_region_field_tells_the_scope_where_there_is_no_link() -> None:
    own = backend_of({"compute/routers.json": [{"name": "nat", "region": f"{LINK}/regions/asia-east1"}]})

    assert names(get(own, f"{BASE}/regions/asia-east1/routers")) == ["nat"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.collection)
def test_every_kind_has_a_list_and_is_empty_where_there_is_none(kind: object) -> None:
    [own] = [one for one in KINDS if one is kind]
    scope = own.scopes[0].replace("regions", "regions/us-central1")

    assert get(backend_of({}), f"{BASE}/{scope}/{own.collection}")["kind"] == f"compute#{own.singular}List"


@pytest.mark.parametrize(
    "path", ["aggregated/firewalls", "global/routers", "aggregated/everything", "global/urlMaps/x"]
)
def test_what_does_not_exist_is_not_found(path: str) -> None:
    assert refusal(backend_of({}), f"{BASE}/{path}").code == 404


def test_health_is_unknown_for_a_backend_service_that_exists() -> None:
    path = f"{BASE}/global/backendServices"

    answer = post(backend(), f"{path}/one/getHealth", {"group": "g"})

    assert answer == {"kind": "compute#backendServiceGroupHealth", "healthStatus": []}
    assert refusal(backend(), f"{path}/nobody/getHealth").code == 404


CONNECTOR: JsonObject = {"name": f"{PARENT}/connectors/c", "state": "READY"}


@pytest.mark.parametrize("region, found", [("us-central1", [CONNECTOR]), ("-", [CONNECTOR]), ("europe-west1", [])])
def test_connectors_are_listed_by_region(region: str, found: list[JsonObject]) -> None:
    answer = get(backend_of({CONNECTORS: [CONNECTOR]}), f"/v1/projects/{PROJECT}/locations/{region}/connectors")

    assert objects_at(answer, "connectors") == found


def test_one_connector_is_found_by_its_name() -> None:
    own = backend_of({CONNECTORS: [CONNECTOR]})

    assert get(own, f"/v1/{PARENT}/connectors/c") == CONNECTOR
    assert refusal(own, f"/v1/{PARENT}/connectors/other").code == 404


def test_the_newest_come_first_when_asked_for() -> None:
    dated = [{**backend_service("old"), "creationTimestamp": "1"}, {**backend_service("new"), "creationTimestamp": "2"}]
    own = backend_of({"compute/backend_services.json": dated})

    assert names(get(own, f"{BASE}/global/backendServices", orderBy="creationTimestamp desc")) == ["new", "old"]


def test_a_router_has_a_status_and_the_project_a_record() -> None:
    router: JsonObject = {
        "name": "nat",
        "region": f"{LINK}/regions/us-central1",
        "network": f"{LINK}/global/networks/n",
    }
    own = backend_of({"compute/routers.json": [router]})

    answer = get(own, f"{BASE}/regions/us-central1/routers/nat/getRouterStatus")

    assert answer["result"] == {"network": router["network"]}
    assert get(own, BASE)["name"] == PROJECT


def test_health_of_no_group_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        post(backend(), f"{BASE}/global/backendServices/one/getHealth", {})
    assert refused.value.code == 400
