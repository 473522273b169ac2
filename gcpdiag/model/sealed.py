"""Services without the values of their environment variables: plans, journals and reports hold those alone.

A value is sealed where a plan is made, and taken from the service as it stands at the moment of sending. No step of
ours changes a variable, so that nothing is lost; and no password is ever written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at

SEALED = "(kept out of plans: taken from the service when it is sent)"
"""Stands in the place of a value."""


OPEN_VARIABLES = frozenset({"GCPDIAG_TARGETS"})
"""Variables that gcpdiag itself sets, and that hold no secret: plans show them."""


def sealed(document: JsonObject) -> JsonObject:
    """Return a copy of a service or revision, every environment variable's value sealed; doing it again is the same."""
    return {key: _sealed(key, value) for key, value in document.items()}


def has_seals(document: Json) -> bool:
    """Tell whether anything in a document is sealed, and so must not be sent."""
    if isinstance(document, dict):
        return any(has_seals(one) for one in document.values())
    if isinstance(document, list):
        return any(has_seals(one) for one in document)
    return document == SEALED


def unsealed(document: JsonObject, service: JsonObject) -> JsonObject:
    """Return a sealed service with the values of the service as it stands.

    KeyError names the variables that the service does not have.
    """
    known = dict(_values(objects_at(service, "template.containers")))
    containers = objects_at(document, "template.containers")
    missing = [
        variable
        for container in _names(containers)
        for variable in _sealed_variables(container[1])
        if (container[0], variable) not in known
    ]
    if missing:
        raise KeyError(", ".join(dict.fromkeys(missing)))
    if not containers:
        return document
    opened: list[Json] = [_opened(name, container, known) for name, container in _names(containers)]
    return {**document, "template": {**object_at(document, "template"), "containers": opened}}


def _sealed(key: str, value: Json) -> Json:
    if isinstance(value, dict):
        return sealed(value)
    if isinstance(value, list):
        return [_variable(one) if key == "env" else _sealed("", one) for one in value]
    return value


def _variable(variable: Json) -> Json:
    """Return a variable without its value; an empty one is no secret, and a reference to a secret stays."""
    if isinstance(variable, dict) and variable.get("value") and variable.get("name") not in OPEN_VARIABLES:
        return {**variable, "value": SEALED}
    return variable


def _names(containers: Sequence[JsonObject]) -> list[tuple[str, JsonObject]]:
    """Return each container under its name, or under its place where it has none."""
    return [(text_at(one, "name") or f"#{place}", one) for place, one in enumerate(containers)]


def _values(containers: Sequence[JsonObject]) -> Iterator[tuple[tuple[str, str], Json]]:
    for name, container in _names(containers):
        for variable in objects_at(container, "env"):
            if "value" in variable:
                yield (name, text_at(variable, "name")), variable["value"]


def _sealed_variables(container: JsonObject) -> list[str]:
    return [text_at(one, "name") for one in objects_at(container, "env") if one.get("value") == SEALED]


def _opened(name: str, container: JsonObject, known: dict[tuple[str, str], Json]) -> JsonObject:
    if not objects_at(container, "env"):
        return container
    variables: list[Json] = [
        {**one, "value": known[name, text_at(one, "name")]} if one.get("value") == SEALED else one
        for one in objects_at(container, "env")
    ]
    return {**container, "env": variables}
