"""Whether a document has the fields, types and words of the format; every fault of it, not only the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args, get_origin

import msgspec

from gcpdiag.playbook.notation import nearest
from gcpdiag.playbook.position import Steps

FaultKind: TypeAlias = Literal["unknown field", "missing field", "wrong value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One value that the format does not know so."""

    kind: FaultKind
    steps: Steps
    text: str


def shape_faults(value: object, wanted: object, steps: Steps = ()) -> Iterator[Fault]:
    """Yield what of a value is not of the wanted type: a struct, a union of tagged ones, or a plain type."""
    structs = _structs(wanted)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if structs and isinstance(value, dict):
        yield from _struct_faults(value, structs, steps)
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from shape_faults(item, arguments[0], (*steps, index))
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from shape_faults(item, arguments[1], (*steps, str(key)))
    else:
        yield from _value_faults(value, wanted, steps)


def _structs(wanted: object) -> list[type[msgspec.Struct]]:
    parts = get_args(wanted) or (wanted,)
    if get_origin(wanted) in {list, dict}:
        return []
    return [one for one in parts if isinstance(one, type) and issubclass(one, msgspec.Struct)]


def _struct_faults(value: dict[object, object], structs: list[type[msgspec.Struct]], steps: Steps) -> Iterator[Fault]:
    struct = structs[0]
    tag_field = struct.__struct_config__.tag_field
    if tag_field:
        tagged = {str(one.__struct_config__.tag): one for one in structs}
        tag = value.get(tag_field)
        if not isinstance(tag, str) or tag not in tagged:
            yield _tag_fault(value, tag_field, tagged, steps)
            return
        struct = tagged[tag]
    fields = {one.encode_name: one for one in msgspec.structs.fields(struct)}
    known = {*fields, tag_field} if tag_field else set(fields)
    for key in value:
        if key not in known:
            text = f"there is no field {str(key)!r} here; {nearest(str(key), known)}"
            yield Fault(kind="unknown field", steps=(*steps, str(key)), text=text)
    for name, one in fields.items():
        if name in value:
            yield from shape_faults(value[name], one.type, (*steps, name))
        elif one.required:
            yield Fault(kind="missing field", steps=steps, text=f"the field {name!r} is missing")


def _tag_fault(
    value: dict[object, object], tag_field: str, tagged: dict[str, type[msgspec.Struct]], steps: Steps
) -> Fault:
    if tag_field not in value:
        told = f"the field {tag_field!r} is missing; known: {', '.join(sorted(tagged))}"
        return Fault(kind="missing field", steps=steps, text=told)
    tag = str(value[tag_field])
    told = f"there is no {tag_field} {tag!r}; {nearest(tag, tagged)}"
    return Fault(kind="wrong value", steps=(*steps, tag_field), text=told)


def _value_faults(value: object, wanted: object, steps: Steps) -> Iterator[Fault]:
    try:
        msgspec.convert(value, wanted)
    except (msgspec.ValidationError, RecursionError) as error:
        words = _words(wanted)
        if words and isinstance(value, str):
            told = f"{value!r} is not a word for this; {nearest(value, words)}"
        else:
            told = str(error).split(" - at ", 1)[0]
        yield Fault(kind="wrong value", steps=steps, text=told)


def _words(wanted: object) -> list[str]:
    """Return the words of a closed vocabulary, which may be optional."""
    if get_origin(wanted) is Literal:
        return [str(one) for one in get_args(wanted) if one]
    return [word for part in get_args(wanted) for word in _words(part)]
