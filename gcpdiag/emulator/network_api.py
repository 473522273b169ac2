"""Compute Engine v1: the load balancer and the network, by scope; and Serverless VPC Access v1 connectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from gcpdiag.emulator.list_filter import parse_list_filter
from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.rest import Request, Route, invalid, not_found
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, text_at

_LINK = "https://www.googleapis.com/compute/v1/"
_MOST = 500
_SCOPE = re.compile(r"(?:^|/)((?:regions|zones)/[^/]+)(?:/|$)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection of Compute: its name in paths, its source, and where its resources may lie."""

    collection: str
    source: str
    singular: str
    scopes: tuple[str, ...] = ("global", "regions")
    aggregated: str = ""

    @property
    def aggregated_kind(self) -> str:
        """The ``kind`` of the aggregated list."""
        return f"compute#{self.aggregated or self.singular}AggregatedList"


KINDS = (
    Kind("forwardingRules", "compute.forwarding_rules", "forwardingRule"),
    Kind("targetHttpProxies", "compute.target_proxies", "targetHttpProxy"),
    Kind("targetHttpsProxies", "compute.target_proxies", "targetHttpsProxy"),
    Kind("urlMaps", "compute.url_maps", "urlMap", aggregated="urlMaps"),
    Kind("backendServices", "compute.backend_services", "backendService"),
    Kind(
        "networkEndpointGroups",
        "compute.network_endpoint_groups",
        "networkEndpointGroup",
        ("global", "regions", "zones"),
    ),
    Kind("sslCertificates", "compute.ssl_certificates", "sslCertificate"),
    Kind("subnetworks", "compute.subnetworks", "subnetwork", ("regions",)),
    Kind("routers", "compute.routers", "router", ("regions",)),
    Kind("addresses", "compute.addresses", "address"),
    Kind("firewalls", "compute.firewalls", "firewall", ("global",)),
    Kind("routes", "compute.routes", "route", ("global",)),
)
_KIND = {kind.collection: kind for kind in KINDS}


def scope_of(resource: JsonObject) -> str:
    """Return where a resource lies: ``global``, ``regions/R`` or ``zones/Z``; its own fields tell."""
    for key in ("selfLink", "region", "zone"):
        if found := _SCOPE.search(text_at(resource, key)):
            return found[1]
    return f"regions/{region}" if (region := text_at(resource, "region")) else "global"


def aggregated_list(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the resources of every scope, keyed by scope; a scope with none on this page says so."""
    kind = _KIND[captured["collection"]]
    page, token = _page(state, request, kind, _selected(state, request, kind))
    regions = [f"regions/{region}" for region in state.regions] if "regions" in kind.scopes else []
    scopes = ["global"] if "global" in kind.scopes else []
    items: JsonObject = {scope: _nothing(scope) for scope in chain(scopes, regions)}
    for scope in {scope_of(one): None for one in page}:
        inside: list[Json] = [one for one in page if scope_of(one) == scope]
        items[scope] = {kind.collection: inside}
    path = f"projects/{state.project}/aggregated/{kind.collection}"
    answer: JsonObject = {"kind": kind.aggregated_kind, "id": path, "items": items, "selfLink": f"{_LINK}{path}"}
    return {**answer, **({"nextPageToken": token} if token else {})}


def scoped_list(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the resources of one scope."""
    kind, scope = _kind_in(captured), captured["scope"]
    found = [one for one in _selected(state, request, kind) if scope_of(one) == scope]
    page, token = _page(state, request, kind, found, scope)
    path = f"projects/{state.project}/{scope}/{kind.collection}"
    answer: JsonObject = {"kind": f"compute#{kind.singular}List", "id": path, "selfLink": f"{_LINK}{path}"}
    if page:
        answer["items"] = list(page)
    return {**answer, **({"nextPageToken": token} if token else {})}


def get_resource(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with one resource, by its name or its id."""
    kind, scope, name = _kind_in(captured), captured["scope"], captured["name"]
    for one in _of_kind(state, kind):
        if scope_of(one) == scope and name in (text_at(one, "name"), text_at(one, "id")):
            return one
    raise not_found(f"The resource 'projects/{state.project}/{scope}/{kind.collection}/{name}' was not found")


def get_health(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer that nothing is known: serverless backends have no health checks, and a bundle records no others."""
    get_resource(state, request, {**captured, "collection": "backendServices"})
    if not text_at(request.body, "group"):
        raise invalid("Invalid value for field 'resource.group': ''. The group must be given.")  # unverified wording
    return {"kind": "compute#backendServiceGroupHealth", "healthStatus": []}


def router_status(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with a router's status; a bundle records its configuration, and no mapping of NAT."""
    router = get_resource(state, request, {**captured, "collection": "routers"})
    return {"kind": "compute#routerStatusResponse", "result": {"network": text_at(router, "network")}}


def get_project(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the project as Compute knows it."""
    link = f"{_LINK}projects/{state.project}"
    return {"kind": "compute#project", "id": state.project_number, "name": state.project, "selfLink": link}


def _kind_in(captured: Mapping[str, str]) -> Kind:
    kind = _KIND[captured["collection"]]
    if captured["scope"].partition("/")[0] not in kind.scopes:
        raise not_found(f"There are no {captured['scope']} {kind.collection}")
    return kind


def _of_kind(state: State, kind: Kind) -> list[JsonObject]:
    found = state.listed(kind.source)
    if kind.source != "compute.target_proxies":
        return found
    return [one for one in found if _proxy_collection(one) == kind.collection]


def _proxy_collection(proxy: JsonObject) -> str:
    """Return whether a target proxy is one of HTTP or of HTTPS: one file of a bundle has both."""
    told = text_at(proxy, "selfLink") + text_at(proxy, "kind").replace(
        "compute#targetHttpsProxy", "/targetHttpsProxies/"
    )
    secure = "/targetHttpsProxies/" in told or any(
        proxy.get(key) for key in ("sslCertificates", "certificateMap", "sslPolicy")
    )
    return "targetHttpsProxies" if secure else "targetHttpProxies"


def _selected(state: State, request: Request, kind: Kind) -> list[JsonObject]:
    found = _of_kind(state, kind)
    if request.text("filter").strip():
        matches = parse_list_filter(request.text("filter"))
        found = [one for one in found if matches(one)]
    match request.text("orderBy"):
        case "":
            return found
        case "name":
            return sorted(found, key=lambda one: text_at(one, "name"))
        case "creationTimestamp desc":
            return sorted(found, key=lambda one: text_at(one, "creationTimestamp"), reverse=True)
        case order:
            raise invalid(f"Invalid value for field 'orderBy': '{order}'.")  # unverified wording


def _page(
    state: State, request: Request, kind: Kind, found: list[JsonObject], scope: str = ""
) -> tuple[list[JsonObject], str]:
    asked = request.number("maxResults")
    if not 0 <= asked <= _MOST:
        raise invalid(
            f"Invalid value for field 'maxResults': '{asked}'. Must be between 0 and {_MOST}, inclusive."
        )  # unverified wording
    query = f"{state.project} {kind.collection} {scope} {request.text('filter')} {request.text('orderBy')}"
    size = page_size(asked, default=_MOST, most=_MOST)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=query)
    return list(page), token


def _nothing(scope: str) -> JsonObject:
    return {
        "warning": {
            "code": "NO_RESULTS_ON_PAGE",
            "message": f"There are no results for scope '{scope}' on this page.",
            "data": [{"key": "scope", "value": scope}],
        }
    }


def list_connectors(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the connectors of a region (``-``: of all of them)."""
    parent = f"projects/{state.project}/locations/{captured['location']}/"
    found = [
        one
        for one in state.listed("vpcaccess.connectors")
        if captured["location"] == "-" or text_at(one, "name").startswith(parent)
    ]
    size = page_size(request.number("pageSize"), default=_MOST, most=_MOST)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=parent)
    answer: JsonObject = {"connectors": list(page)} if page else {}
    return {**answer, **({"nextPageToken": token} if token else {})}


def get_connector(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with one connector."""
    name = f"projects/{state.project}/locations/{captured['location']}/connectors/{captured['name']}"
    for one in state.listed("vpcaccess.connectors"):
        if text_at(one, "name") == name:
            return one
    raise not_found(f"Resource '{name}' was not found")


_PROJECT = r"/compute/v1/projects/(?P<project>[^/]+)"
_IN_SCOPE = rf"{_PROJECT}/(?P<scope>global|regions/[^/]+|zones/[^/]+)"
_CONNECTORS = r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/connectors"


def _routes_of(kind: Kind) -> list[Route]:
    named = rf"(?P<collection>{kind.collection})"
    get = f"compute.{kind.collection}.get"
    routes = [
        Route("GET", "compute", rf"{_IN_SCOPE}/{named}", scoped_list, kind.source),
        Route("GET", "compute", rf"{_IN_SCOPE}/{named}/(?P<name>[^/]+)", get_resource, kind.source, permission=get),
    ]
    if kind.scopes != ("global",):
        routes.append(Route("GET", "compute", rf"{_PROJECT}/aggregated/{named}", aggregated_list, kind.source))
    return routes


ROUTES = (
    Route("GET", "compute", _PROJECT, get_project),
    *(route for kind in KINDS for route in _routes_of(kind)),
    Route(
        "POST",
        "compute",
        rf"{_IN_SCOPE}/backendServices/(?P<name>[^/]+)/getHealth",
        get_health,
        "compute.backend_services",
        permission="compute.backendServices.get",
    ),
    Route(
        "GET",
        "compute",
        rf"{_IN_SCOPE}/routers/(?P<name>[^/]+)/getRouterStatus",
        router_status,
        "compute.routers",
        permission="compute.routers.get",
    ),
    Route("GET", "vpcaccess", _CONNECTORS, list_connectors, "vpcaccess.connectors"),
    Route(
        "GET",
        "vpcaccess",
        rf"{_CONNECTORS}/(?P<name>[^/]+)",
        get_connector,
        "vpcaccess.connectors",
        permission="vpcaccess.connectors.get",
    ),
)
