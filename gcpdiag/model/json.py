"""JSON documents as Google's APIs answer them, and typed ways to read a field out of one.

A path is dotted (``template.vpcAccess.egress``). Every reader tolerates a missing or mistyped field:
it returns the empty value of its type, since a bundle may come from anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from gcpdiag.model.window import in_utc

if TYPE_CHECKING:
    Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
    JsonObject: TypeAlias = "dict[str, Json]"
else:  # msgspec reads annotations at run time, and cannot resolve an alias that names itself
    Json = object
    JsonObject = dict[str, object]

DEEPEST = 100  # levels; protobuf takes no message nested deeper, so none of Google's answers is


def is_too_deep(document: Json) -> bool:
    """Tell whether a document is nested deeper than any answer of Google's can be."""
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(container: dict[str, Json] | list[Json]) -> Iterable[Json]:
    return container.values() if isinstance(container, dict) else container


def field_at(document: Json, path: str) -> Json:
    """Return what stands at a dotted path, or None."""
    here = document
    for step in path.split("."):
        if not isinstance(here, dict):
            return None
        here = here.get(step)
    return here


def object_at(document: Json, path: str) -> JsonObject:
    """Return the object at a path, or an empty one."""
    found = field_at(document, path)
    return found if isinstance(found, dict) else {}


def objects_at(document: Json, path: str) -> list[JsonObject]:
    """Return the objects of the list at a path; anything else in that list is left out."""
    found = field_at(document, path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text_at(document: Json, path: str) -> str:
    """Return the text at a path; numbers become text (``80.0`` is ``80``), everything else is empty."""
    found = field_at(document, path)
    if isinstance(found, float) and found.is_integer():  # audit payloads make every number a float
        return str(int(found))
    if isinstance(found, bool) or found is None:
        return ""
    return str(found) if isinstance(found, str | int | float) else ""


def number_at(document: Json, path: str) -> float | None:
    """Return the finite number at a path, or None; int64 fields arrive as text in REST JSON."""
    found = field_at(document, path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def texts_at(document: Json, path: str) -> list[str]:
    """Return the texts of the list at a path."""
    found = field_at(document, path)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def times_in(document: Json) -> Iterator[datetime]:
    """Yield every time in a document, however deep: the values of fields such as ``createTime``."""
    if isinstance(document, list):
        for one in document:
            yield from times_in(one)
    elif isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, str) and key.lower().endswith(("time", "timestamp")):
                yield from _time_of(value)
            else:
                yield from times_in(value)


def _time_of(text: str) -> Iterator[datetime]:
    try:
        yield in_utc(datetime.fromisoformat(text))
    except ValueError:
        return
