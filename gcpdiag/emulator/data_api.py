"""Cloud SQL Admin (v1, and v1beta4 as gcloud calls it) and Memorystore for Redis v1."""

from __future__ import annotations

from collections.abc import Mapping

from gcpdiag.emulator.list_filter import parse_list_filter
from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.rest import ApiError, Request, Route, not_found
from gcpdiag.emulator.state import State
from gcpdiag.model.json import JsonObject, text_at

_SQL = "sqladmin.instances"
_REDIS = "redis.instances"
_DEFAULT_SQL, _MOST = 500, 1000


def list_sql(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the Cloud SQL instances."""
    told = request.text("filter")
    found = state.listed(_SQL)
    if told.strip():
        matches = parse_list_filter(told)
        found = [one for one in found if matches(one)]
    size = page_size(request.number("maxResults"), default=_DEFAULT_SQL, most=_MOST, name="maxResults")
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=told)
    answer: JsonObject = {"kind": "sql#instancesList", **({"items": list(page)} if page else {})}
    return {**answer, **({"nextPageToken": token} if token else {})}


def get_sql(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with one Cloud SQL instance."""
    for one in state.listed(_SQL):
        if text_at(one, "name") == captured["name"]:
            return one
    raise _no_instance()


def list_sql_operations(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer that an instance has no operations: a bundle records none."""
    if instance := request.text("instance"):
        get_sql(state, request, {**captured, "name": instance})
    return {"kind": "sql#operationsList"}


def get_sql_operation(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer that there is no such operation."""
    raise ApiError(404, "NOT_FOUND", "The Cloud SQL operation does not exist.", reason="operationDoesNotExist")


def list_redis(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer with the Redis instances of a region (``-``: of all of them)."""
    parent = f"projects/{state.project}/locations/{captured['location']}/"
    found = [
        one for one in state.listed(_REDIS) if captured["location"] == "-" or text_at(one, "name").startswith(parent)
    ]
    size = page_size(request.number("pageSize"), default=_MOST, most=_MOST)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=parent)
    answer: JsonObject = {"instances": list(page)} if page else {}
    return {**answer, **({"nextPageToken": token} if token else {})}


def get_redis(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with one Redis instance."""
    name = f"projects/{state.project}/locations/{captured['location']}/instances/{captured['name']}"
    for one in state.listed(_REDIS):
        if text_at(one, "name") == name:
            return one
    raise not_found(f"Resource '{name}' was not found")


def _no_instance() -> ApiError:
    # unverified wording
    return ApiError(404, "NOT_FOUND", "The Cloud SQL instance does not exist.", reason="instanceDoesNotExist")


_SQL_PROJECT = r"/(?:sql/)?v1(?:beta4)?/projects/(?P<project>[^/]+)"
_REDIS_LIST = r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/instances"
_GET = "cloudsql.instances.get"
ROUTES = (
    Route("GET", "sqladmin", rf"{_SQL_PROJECT}/instances", list_sql, _SQL),
    Route("GET", "sqladmin", rf"{_SQL_PROJECT}/instances/(?P<name>[^/]+)", get_sql, _SQL, permission=_GET),
    Route("GET", "sqladmin", rf"{_SQL_PROJECT}/operations", list_sql_operations, _SQL, permission=_GET),
    Route("GET", "sqladmin", rf"{_SQL_PROJECT}/operations/(?P<name>[^/]+)", get_sql_operation, _SQL, permission=_GET),
    Route("GET", "redis", _REDIS_LIST, list_redis, _REDIS),
    Route("GET", "redis", rf"{_REDIS_LIST}/(?P<name>[^/]+)", get_redis, _REDIS, permission="redis.instances.get"),
)
