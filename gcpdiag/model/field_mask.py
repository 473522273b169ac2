"""Field masks of Google's APIs, ``template.vpc_access.egress``, over REST JSON, which writes camelCase."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gcpdiag.model.json import Json, JsonObject, field_at

_SNAKE = re.compile(r"_([a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiff:
    """One field of a resource that differs; None stands for a field that is not there."""

    path: str
    before: Json
    after: Json


def json_path(path: str) -> str:
    """Return the path of a mask as REST JSON spells it: ``template.vpc_access`` gives ``template.vpcAccess``."""
    return _SNAKE.sub(lambda found: found[1].upper(), path)


def masked(document: JsonObject, mask: Sequence[str]) -> JsonObject:
    """Return only the fields under a mask."""
    return with_fields({}, document, mask)


def with_fields(document: JsonObject, source: JsonObject, mask: Sequence[str]) -> JsonObject:
    """Return a document whose fields under a mask are those of another; what that has not, is left out."""
    for path in mask:
        steps = json_path(path).split(".")
        document = _with_field(document, steps, field_at(source, ".".join(steps)))
    return document


def differences(before: JsonObject, after: JsonObject, mask: Sequence[str]) -> tuple[FieldDiff, ...]:
    """Return each field under a mask that differs, down to single values; paths are those of REST JSON.

    Elements of two lists of one length are compared by their place; other lists differ as a whole. An empty object is
    the same as none.
    """
    paths = [json_path(one) for one in mask]
    return tuple(diff for path in paths for diff in _differences(path, field_at(before, path), field_at(after, path)))


def _with_field(document: JsonObject, steps: list[str], value: Json) -> JsonObject:
    first, *rest = steps
    changed = dict(document)
    if rest:
        inner = document.get(first)
        value = _with_field(inner if isinstance(inner, dict) else {}, rest, value)
        if not value and not isinstance(inner, dict):  # nothing to set in an object that is not there
            return changed
    if value is None:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


def _differences(path: str, before: Json, after: Json) -> Iterator[FieldDiff]:
    if before == after:
        return
    if isinstance(before, dict | None) and isinstance(after, dict | None):
        here, there = before or {}, after or {}
        for key in dict.fromkeys((*here, *there)):
            yield from _differences(f"{path}.{key}", here.get(key), there.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{place}]", one, other)
    else:
        yield FieldDiff(path=path, before=before, after=after)
