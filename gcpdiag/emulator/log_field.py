"""Where the fields of a log entry stand, and of what type they are (Logging API v2, ``LogEntry``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from gcpdiag.emulator.query_syntax import FilterError, Path, place
from gcpdiag.model.json import Json, JsonObject


class Kind(Enum):
    """How a field's values are compared."""

    TEXT = auto()
    NUMBER = auto()
    BOOL = auto()
    SEVERITY = auto()
    DURATION = auto()
    TIME = auto()
    LABEL = auto()  # text that may be missing: the value of a map's key
    STRUCT = auto()  # whatever JSON holds, at or below jsonPayload
    MESSAGE = auto()  # the same below protoPayload, where fields have types that JSON does not tell
    GROUP = auto()  # a message or a map as a whole


MAY_BE_MISSING: Final = frozenset({Kind.LABEL, Kind.STRUCT, Kind.MESSAGE, Kind.GROUP})
"""Comparisons with a missing field of these kinds fail; every other field then has the default value of its type."""

_Node: TypeAlias = "Kind | dict[str, _Node]"

_STRUCT, _MESSAGE, _MAP = Kind.STRUCT, Kind.MESSAGE, Kind.LABEL
_APP: Final[_Node] = {
    "application": {"container": Kind.TEXT, "location": Kind.TEXT, "id": Kind.TEXT},
    "service": {"id": Kind.TEXT, "environmentType": Kind.TEXT, "criticalityType": Kind.TEXT},
    "workload": {"id": Kind.TEXT, "environmentType": Kind.TEXT, "criticalityType": Kind.TEXT},
}
_ENTRY: Final[dict[str, _Node]] = {
    "logName": Kind.TEXT,
    "resource": {"type": Kind.TEXT, "labels": _MAP},
    "timestamp": Kind.TIME,
    "receiveTimestamp": Kind.TIME,
    "severity": Kind.SEVERITY,
    "insertId": Kind.TEXT,
    "labels": _MAP,
    "textPayload": Kind.TEXT,
    "jsonPayload": _STRUCT,
    "protoPayload": _MESSAGE,
    "httpRequest": {
        "requestMethod": Kind.TEXT,
        "requestUrl": Kind.TEXT,
        "requestSize": Kind.NUMBER,
        "status": Kind.NUMBER,
        "responseSize": Kind.NUMBER,
        "userAgent": Kind.TEXT,
        "remoteIp": Kind.TEXT,
        "serverIp": Kind.TEXT,
        "referer": Kind.TEXT,
        "latency": Kind.DURATION,
        "cacheLookup": Kind.BOOL,
        "cacheHit": Kind.BOOL,
        "cacheValidatedWithOriginServer": Kind.BOOL,
        "cacheFillBytes": Kind.NUMBER,
        "protocol": Kind.TEXT,
    },
    "operation": {"id": Kind.TEXT, "producer": Kind.TEXT, "first": Kind.BOOL, "last": Kind.BOOL},
    "trace": Kind.TEXT,
    "spanId": Kind.TEXT,
    "traceSampled": Kind.BOOL,
    "sourceLocation": {"file": Kind.TEXT, "line": Kind.NUMBER, "function": Kind.TEXT},
    "split": {"uid": Kind.TEXT, "index": Kind.NUMBER, "totalSplits": Kind.NUMBER},
    "metadata": {"systemLabels": _STRUCT, "userLabels": _MAP},
    "errorGroups": {"id": Kind.TEXT},
    "apphub": _APP,
    "apphubSource": _APP,
    "apphubDestination": _APP,
    "otel": _STRUCT,
}


class Missing(Enum):
    """What stands where an entry has no such field; JSON's null is a value of its own."""

    MISSING = auto()


MISSING: Final = Missing.MISSING
Found: TypeAlias = "Json | Missing"
Reader: TypeAlias = Callable[[JsonObject], Found]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of log entries: its kind, and how to read it; an array on the way gives all its elements."""

    path: Path
    kind: Kind
    read: Reader
    is_container: bool  # a map, a struct or a message as a whole


def field_of(path: Path, text: str) -> Field:
    """Return the field that a path names; FilterError when log entries have none such."""
    steps: list[str] = []
    here: _Node = _ENTRY
    for index, step in enumerate(path.steps):
        if isinstance(here, dict):
            name = _named(here, step)
            if name is None:
                raise _undefined(path, text)
            here = here[name]
            steps.append(name)
        elif here in (_STRUCT, _MESSAGE, _MAP):
            rest = (*steps, *path.steps[index:])
            if here is _MAP and len(rest) > index + 1:  # the keys of a map are quoted when dots stand in them
                raise _undefined(path, text)
            return Field(path, here, _loose(rest, index) if here is _MESSAGE else _exact(rest), is_container=False)
        else:
            raise _undefined(path, text)
    kind = Kind.GROUP if isinstance(here, dict) or here in (_STRUCT, _MESSAGE, _MAP) else here
    return Field(path, kind, _exact(tuple(steps)), is_container=kind is Kind.GROUP)


def _named(fields: dict[str, _Node], step: str) -> str | None:
    """Return the JSON name of a message's field; letter case and underscores do not matter there."""
    wanted = _plain(step)
    for name in fields:
        # ``resource.label.x`` is an old spelling of ``resource.labels.x`` that the API still takes (unverified).
        if _plain(name) == wanted or (name == "labels" and wanted == "label"):
            return name
    return None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _undefined(path: Path, text: str) -> FilterError:
    # Documented as "an error that is detected before the query is used"; the wording is unverified.
    return FilterError(f"Unparseable filter: Field not found: '{path.text}' at {place(text, path.offset)}")


def _exact(steps: tuple[str, ...]) -> Reader:
    if len(steps) == 1:
        only = steps[0]
        return lambda entry: entry.get(only, MISSING)

    def read(entry: JsonObject) -> Found:
        here: Found = entry
        for depth, step in enumerate(steps):
            if isinstance(here, dict):
                here = here.get(step, MISSING)
            elif isinstance(here, list):
                rest = _exact(steps[depth:])
                return _each(here, rest)
            else:
                return MISSING
        return here

    return read


def _each(elements: list[Json], rest: Reader) -> Found:
    found = [one for element in elements if isinstance(element, dict) for one in listed(rest(element))]
    return found or MISSING


def listed(found: Found) -> Iterator[Json]:
    """Yield a value, or each element of an array; nothing where the field is missing."""
    if isinstance(found, list):
        for one in found:
            yield from listed(one)
    elif not isinstance(found, Missing):
        yield found


def _loose(steps: tuple[str, ...], fixed: int) -> Reader:
    """Return a reader that takes fields of a message in any spelling, as the API does below protoPayload."""
    exact = _exact(steps)

    def read(entry: JsonObject) -> Found:
        found = exact(entry)
        return found if found is not MISSING else _spelled(entry, steps, fixed)

    return read


def _spelled(here: Json, steps: tuple[str, ...], fixed: int) -> Found:
    """Return what stands at a path whose first ``fixed`` steps are exact and whose others are in any spelling."""
    if not steps:
        return here
    if isinstance(here, list):
        return _each(here, lambda element: _spelled(element, steps, fixed))
    if not isinstance(here, dict):
        return MISSING
    name = steps[0] if fixed > 0 else next((key for key in here if _plain(key) == _plain(steps[0])), None)
    if name is None or name not in here:
        return MISSING
    return _spelled(here[name], steps[1:], fixed - 1)


def leaves(value: Found) -> Iterator[Json]:
    """Yield every scalar inside a value."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif not isinstance(value, Missing):
        yield value
