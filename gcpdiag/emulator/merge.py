"""A change made to a partial view of a document, carried over to the whole document."""

from __future__ import annotations

from gcpdiag.model.json import Json, JsonObject


def merged(stored: Json, before: Json, after: Json) -> Json:
    """Return the stored value with what changed from ``before`` to ``after``, two views of it; None is absent.

    What the views do not show stays as it is stored. Elements of lists are matched by their ``name`` where all
    have one, else by their place if the lists are of one length, else the list is replaced.
    """
    if before == after:
        return stored
    if isinstance(stored, dict) and isinstance(after, dict):
        return merged_object(stored, before if isinstance(before, dict) else {}, after)
    if isinstance(stored, list) and isinstance(after, list):
        return _merged_list(stored, before if isinstance(before, list) else [], after)
    return after


def merged_object(stored: JsonObject, before: JsonObject, after: JsonObject) -> JsonObject:
    """Return the stored object with what changed between the two views of it."""
    keys = dict.fromkeys((*stored, *after))
    values = ((key, merged(stored.get(key), before.get(key), after.get(key))) for key in keys)
    return {key: value for key, value in values if value is not None}


def _merged_list(stored: list[Json], before: list[Json], after: list[Json]) -> list[Json]:
    by_name = [_by_name(one) for one in (stored, before, after)]
    if all(named is not None for named in by_name):
        return _merged_named(*(named or {} for named in by_name))
    if len(stored) == len(before) == len(after):
        return [merged(*three) for three in zip(stored, before, after, strict=True)]
    return after


def _merged_named(stored: JsonObject, before: JsonObject, after: JsonObject) -> list[Json]:
    kept = [value for name, value in stored.items() if name not in before and name not in after]
    return [merged(stored.get(name), before.get(name), value) for name, value in after.items()] + kept


def _by_name(elements: list[Json]) -> JsonObject | None:
    """Return the elements by their names, or None when one has none or two share one."""
    named: JsonObject = {}
    for element in elements:
        name = element.get("name") if isinstance(element, dict) else None
        if not isinstance(name, str) or not name or name in named:
            return None
        named[name] = element
    return named
