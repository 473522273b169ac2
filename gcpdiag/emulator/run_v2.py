"""Cloud Run Admin API v2 over REST: services, revisions, operations, and updates of services."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gcpdiag.emulator import plan
from gcpdiag.emulator.enum_number import with_names
from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.progress import REVISIONS, SERVICES, operation_at, operations_of
from gcpdiag.emulator.rest import ApiError, Request, Route, invalid, not_found
from gcpdiag.emulator.rollout import (
    MUTABLE,
    get_revision,
    get_service,
    list_revisions,
    list_services,
    update_service,
)
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, field_at, object_at, text_at

_DEFAULT_SIZE, _MOST = 100, 100  # unverified: the discovery document names neither
_SNAKE = re.compile(r"_([a-z0-9])")


def answer_services(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``services.list``."""
    return _page(list_services(state, captured["region"]), request, "services")


def answer_service(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``services.get``."""
    return get_service(state, _service_name(state, captured))


def answer_revisions(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``services.revisions.list``; the service ``-`` stands for all of the region."""
    return _page(list_revisions(state, _service_name(state, captured)), request, "revisions")


def answer_revision(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``services.revisions.get``."""
    return get_revision(state, f"{_service_name(state, captured)}/revisions/{captured['revision']}")


def answer_patch(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``services.patch`` with the operation of the update."""
    name = _service_name(state, captured)
    if request.text("allowMissing").lower() == "true":
        get_service_or_unimplemented(state, name)
    mask = request.text("updateMask")
    body = object_at({"service": with_names(request.body)}, "service")
    with state.lock:
        return update_service(
            state,
            patched(get_service(state, name), body, mask.split(",") if mask else ()),
            validate_only=request.text("validateOnly").lower() == "true",
            force_new_revision=request.text("forceNewRevision").lower() == "true",
            update_mask=mask,
        )


def get_service_or_unimplemented(state: State, name: str) -> JsonObject:
    """Return a service, or raise ApiError 501: the emulator creates none."""
    try:
        return get_service(state, name)
    except ApiError as error:
        raise ApiError(501, "UNIMPLEMENTED", "The emulator creates no services.") from error


def patched(stored: JsonObject, body: JsonObject, mask: Sequence[str]) -> JsonObject:
    """Return the service that a patch asks for; without a mask every field that a user may set is replaced.

    Paths of the mask are written in either case. Raises ApiError 400 for one that is no field of a user's.
    """
    paths = [_SNAKE.sub(lambda found: found[1].upper(), path.strip()) for path in mask if path.strip()]
    kept: JsonObject = {"name": stored["name"], "etag": text_at(body, "etag")}
    if not paths or paths == ["*"]:
        return {**{key: body[key] for key in MUTABLE if key in body}, **kept}
    wanted: JsonObject = {key: stored[key] for key in MUTABLE if key in stored}
    for path in paths:
        steps = path.split(".")
        if steps == ["etag"]:
            continue
        if steps[0] not in MUTABLE:
            raise invalid(f"Invalid update_mask: '{path}' is not a field that can be updated.")  # unverified wording
        wanted = _with_field(wanted, steps, field_at(body, path))
    return {**wanted, **kept}


def answer_operations(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``operations.list``."""
    return _page(operations_of(state, _parent(state, captured)), request, "operations")


def answer_operation(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``operations.get``, and ``operations.wait`` too, which may answer before its time is over."""
    name = f"{_parent(state, captured)}/operations/{captured['operation']}"
    found = operation_at(state, name)
    if found is None:
        raise not_found(f"Operation '{name}' does not exist.")  # unverified wording
    return found


def _with_field(document: JsonObject, steps: list[str], value: Json) -> JsonObject:
    """Return the document with one field set, or left out where the value is None."""
    first, *rest = steps
    if rest:
        inner = document.get(first, {})
        if not isinstance(inner, dict):
            raise invalid(f"Invalid update_mask: '{first}' has no field '{rest[0]}'.")  # unverified wording
        value = _with_field(inner, rest, value)
    changed = dict(document)
    if value is None:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


def _page(found: list[JsonObject], request: Request, kind: str) -> JsonObject:
    size = page_size(request.number("pageSize"), default=_DEFAULT_SIZE, most=_MOST)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=request.path)
    return {kind: list(page), **({"nextPageToken": token} if token else {})}


def _parent(state: State, captured: Mapping[str, str]) -> str:
    return f"projects/{state.project}/locations/{captured['region']}"


def _service_name(state: State, captured: Mapping[str, str]) -> str:
    return f"{_parent(state, captured)}/services/{captured['service']}"


_LOCATION = r"/v2/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)"
_SERVICE = rf"{_LOCATION}/services/(?P<service>[^/:]+)"
_OPERATION = rf"{_LOCATION}/operations/(?P<operation>[^/:]+)"
_GET, _UPDATE = "run.services.get", "run.services.update"

ROUTES = (
    Route("GET", "run", rf"{_LOCATION}/services", answer_services, SERVICES),
    Route("GET", "run", _SERVICE, answer_service, SERVICES, permission=_GET),
    Route("PATCH", "run", _SERVICE, answer_patch, SERVICES, mutates=True, permission=_UPDATE),
    Route("GET", "run", rf"{_SERVICE}/revisions", answer_revisions, REVISIONS),
    Route(
        "GET",
        "run",
        rf"{_SERVICE}/revisions/(?P<revision>[^/:]+)",
        answer_revision,
        REVISIONS,
        permission="run.revisions.get",
    ),
    Route("GET", "run", rf"{_LOCATION}/operations", answer_operations, permission="run.operations.list"),
    Route("GET", "run", _OPERATION, answer_operation, permission="run.operations.get"),
    Route("POST", "run", rf"{_OPERATION}:wait", answer_operation, permission="run.operations.get"),
    *plan.ROUTES,
)
