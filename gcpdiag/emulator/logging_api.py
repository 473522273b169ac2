"""Cloud Logging v2: entries and the names of logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.emulator.log_filter import FilterError, parse_log_filter
from gcpdiag.emulator.paging import Mark, mark_of, page_of, page_size, token_of
from gcpdiag.emulator.refusal import other_project
from gcpdiag.emulator.rest import Request, Route, invalid
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, number_at, text_at, texts_at
from gcpdiag.model.window import in_utc

_DEFAULT_SIZE, _MOST = 50, 1000
_ORDERS = {"": False, "timestamp": False, "timestamp asc": False, "timestamp desc": True}
_PROJECT = re.compile(r"projects/([^/]+)(?:/locations/[^/]+/buckets/[^/]+/views/[^/]+)?")


def list_entries(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``entries:list``: the entries that match, in order of their time, a page at a time."""
    _check_parents(state, texts_at(request.body, "resourceNames") + texts_at(request.body, "projectIds"))
    matches = _filter_of(text_at(request.body, "filter"))
    newest_first = _order_of(text_at(request.body, "orderBy"))
    size = _size_of(request.body)
    query = f"{text_at(request.body, 'filter')}\n{newest_first}"
    mark = mark_of(text_at(request.body, "pageToken"), query)
    with state.lock:  # what is appended while somebody turns pages is not on them
        entries = state.entries()[: mark.length]
    entries = sorted(entries, key=order_of, reverse=newest_first)
    found: list[Json] = []
    for position in range(mark.position, len(entries)):
        if matches(entries[position]):
            if len(found) == size:
                return {"entries": found, "nextPageToken": token_of(Mark(position, len(entries)), query)}
            found.append(entries[position])
    return {"entries": found} if found else {}


def list_logs(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer with the names of the logs that have entries."""
    names = sorted({text_at(one, "logName") for one in state.listed(LOG_ENTRIES)} - {""})
    size = page_size(request.number("pageSize"), default=_DEFAULT_SIZE, most=_MOST)
    page, token = page_of(names, size=size, token=request.text("pageToken"), query="logs")
    return {"logNames": list(page), **({"nextPageToken": token} if token else {})}


def order_of(entry: JsonObject) -> tuple[str, str, str]:
    """Return what orders entries: their time, then their insert id."""
    told = text_at(entry, "timestamp") or text_at(entry, "receiveTimestamp")
    if not told.endswith("Z"):
        try:
            told = in_utc(datetime.fromisoformat(told)).isoformat().replace("+00:00", "Z")
        except ValueError:
            told = ""
    seconds, _, fraction = told.removesuffix("Z").partition(".")
    return seconds, fraction.rstrip("0"), text_at(entry, "insertId")


def _filter_of(text: str) -> Callable[[JsonObject], bool]:
    if not text.strip():
        return lambda _: True
    try:
        return parse_log_filter(text).matches
    except FilterError as error:
        raise invalid(str(error)) from error


def _order_of(text: str) -> bool:
    try:
        return _ORDERS[" ".join(text.split())]
    except KeyError as error:
        raise invalid(f"Unsupported value for 'order_by': \"{text}\"") from error  # unverified wording


def _size_of(body: JsonObject) -> int:
    asked = int(number_at(body, "pageSize") or 0)
    if not 0 <= asked <= _MOST:
        raise invalid(f"page_size must be between 0 and {_MOST}")  # unverified wording
    return asked or _DEFAULT_SIZE


def _check_parents(state: State, names: list[str]) -> None:
    if not names:
        raise invalid("One or more parent resources must be specified in resource_names.")  # unverified wording
    for name in names:
        found = _PROJECT.fullmatch(name)
        project = found[1] if found else name
        if project not in (state.project, state.project_number):
            raise other_project(project, "logging")


ROUTES = (
    Route("POST", "logging", r"/v2/entries:list", list_entries, LOG_ENTRIES),
    Route(
        "GET",
        "logging",
        r"/v2/projects/(?P<project>[^/]+)/logs",
        list_logs,
        LOG_ENTRIES,
        permission="logging.logs.list",
    ),
)
