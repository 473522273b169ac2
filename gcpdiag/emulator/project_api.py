"""The project itself: Resource Manager v1 and v3, Service Usage v1, Personalized Service Health v1."""

from __future__ import annotations

from collections.abc import Mapping

from gcpdiag.emulator.list_filter import parse_list_filter
from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.refusal import TITLES, denied_permissions, disabled_apis
from gcpdiag.emulator.rest import Request, Route, invalid, not_found
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, text_at, texts_at

_EVENTS = "servicehealth.events"
_DEFAULT_SERVICES, _MOST_SERVICES = 50, 200
_MOST_EVENTS = 100


def get_project_v1(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the project as Resource Manager v1 has it."""
    return {
        "projectNumber": state.project_number,
        "projectId": state.project,
        "lifecycleState": "ACTIVE",
        "name": state.project,
    }


def get_project_v3(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the project as Resource Manager v3 has it."""
    return {
        "name": f"projects/{state.project_number}",
        "projectId": state.project,
        "state": "ACTIVE",
        "displayName": state.project,
    }


def list_projects(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the one project that a caller can see (v1)."""
    project = get_project_v1(state, request, captured)
    told = request.text("filter")
    return {"projects": [project]} if not told.strip() or parse_list_filter(told)(project) else {}


def search_projects(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the one project that a caller can see (v3)."""
    project = get_project_v3(state, request, captured)
    told = request.text("query")
    return {"projects": [project]} if not told.strip() or parse_list_filter(told)(project) else {}


def test_permissions(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the permissions that the caller has: all, but those that the manifest says are missing."""
    denied = denied_permissions(state)
    granted: list[Json] = [one for one in texts_at(request.body, "permissions") if one not in denied]
    return {"permissions": granted} if granted else {}


def list_services(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the APIs of the project: enabled, or disabled where the manifest says so."""
    match request.text("filter").replace(" ", ""):
        case "":
            found = _services(state)
        case "state:ENABLED" | "state:DISABLED" as told:
            found = [one for one in _services(state) if one["state"] == told.removeprefix("state:")]
        case told:
            raise invalid(f"Invalid filter: {told}")  # unverified wording
    size = page_size(request.number("pageSize"), default=_DEFAULT_SERVICES, most=_MOST_SERVICES)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=request.text("filter"))
    return {"services": list(page), **({"nextPageToken": token} if token else {})}


def get_service(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with one API and whether it is enabled."""
    for one in _services(state):
        if text_at(one, "config.name") == captured["name"]:
            return one
    raise not_found(f"Service not found: {captured['name']}.")  # unverified wording


def _services(state: State) -> list[JsonObject]:
    disabled = disabled_apis(state)
    parent = f"projects/{state.project_number}"
    return [
        {
            "name": f"{parent}/services/{api}.googleapis.com",
            "config": {"name": f"{api}.googleapis.com", "title": title},
            "state": "DISABLED" if f"{api}.googleapis.com" in disabled else "ENABLED",
            "parent": parent,
        }
        for api, title in sorted(TITLES.items())
    ]


def list_events(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the events of Personalized Service Health; there are such of the location ``global`` alone."""
    told = request.text("filter")
    parent = f"projects/{state.project}/locations/{captured['location']}/"
    matches = parse_list_filter(told) if told.strip() else None
    found = [
        one
        for one in state.listed(_EVENTS)
        if text_at(one, "name").startswith(parent) and (matches is None or matches(one))
    ]
    size = page_size(request.number("pageSize"), default=_MOST_EVENTS, most=_MOST_EVENTS)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=f"{parent} {told}")
    answer: JsonObject = {"events": list(page)} if page else {}
    return {**answer, **({"nextPageToken": token} if token else {})}


def get_event(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with one event."""
    name = f"projects/{state.project}/locations/{captured['location']}/events/{captured['name']}"
    for one in state.listed(_EVENTS):
        if text_at(one, "name") == name:
            return one
    raise not_found(f"Resource '{name}' was not found")


_MANAGER = "cloudresourcemanager"
_NAMED = r"/projects/(?P<project>[^/:]+)"
_EVENT_LIST = rf"/v1{_NAMED}/locations/(?P<location>[^/]+)/events"
ROUTES = (
    Route("GET", _MANAGER, rf"/v1{_NAMED}", get_project_v1),
    Route("GET", _MANAGER, rf"/v3{_NAMED}", get_project_v3),
    Route("GET", _MANAGER, r"/v1/projects", list_projects),
    Route("GET", _MANAGER, r"/v3/projects:search", search_projects),
    Route("POST", _MANAGER, rf"/v[13]{_NAMED}:testIamPermissions", test_permissions),
    Route("GET", "serviceusage", rf"/v1{_NAMED}/services", list_services),
    Route("GET", "serviceusage", rf"/v1{_NAMED}/services/(?P<name>[^/]+)", get_service),
    Route("GET", "servicehealth", _EVENT_LIST, list_events, _EVENTS),
    Route(
        "GET",
        "servicehealth",
        rf"{_EVENT_LIST}/(?P<name>[^/]+)",
        get_event,
        _EVENTS,
        permission="servicehealth.events.get",
    ),
)
