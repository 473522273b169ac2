"""How big a service is: its limits as numbers that can be compared, whatever units they are written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gcpdiag.model.json import Json, JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.remediate.limits import DEFAULT_CPU, DEFAULT_MEMORY, DEFAULT_MOST_INSTANCES

MEMORY, CPU, CONCURRENCY = "memory", "CPU", "concurrency"
MAX_INSTANCES, MIN_INSTANCES = "max instances", "min instances"

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One limit: its number (bytes, CPUs, requests, instances), and how people write it.

    ``least`` is what growth is measured from where the number is smaller, as with no instances at all.
    """

    number: float
    text: str
    least: float = 0

    def times(self, factor: float) -> str:
        """Return what the limit may grow to, as people write it."""
        number = max(self.number, self.least) * factor
        found = _QUANTITY.fullmatch(self.text)
        unit = found[2] or "" if found else ""
        return f"{number / (_UNITS | _BINARY)[unit]:g}{unit}"


def sizes_of(service: JsonObject) -> Mapping[str, Size]:
    """Return a service's limits by name; memory and CPU are those of each container."""
    template = object_at(service, "template")
    containers = objects_at(template, "containers")
    found: dict[str, Size] = {}
    for place, container in enumerate(containers):
        of = f" of {text_at(container, 'name') or place}" if len(containers) > 1 else ""
        limits = object_at(container, "resources.limits")
        found[f"{MEMORY}{of}"] = _quantity(text_at(limits, "memory") or DEFAULT_MEMORY)
        found[f"{CPU}{of}"] = _quantity(text_at(limits, "cpu") or DEFAULT_CPU)
    if concurrency := number_at(template, "maxInstanceRequestConcurrency"):
        found[CONCURRENCY] = _count(concurrency)
    both = (object_at(service, "scaling"), object_at(template, "scaling"))
    highest = [most for one in both if (most := number_at(one, "maxInstanceCount"))]
    found[MAX_INSTANCES] = _count(min(highest, default=DEFAULT_MOST_INSTANCES))
    found[MIN_INSTANCES] = _count(max(number_at(one, "minInstanceCount") or 0 for one in both), least=1)
    return found


def grows(before: JsonObject, after: JsonObject, kind: str) -> bool:
    """Tell whether a limit of a kind (such as ``memory``, of any container) is higher after."""
    return _moves(before, after, kind, 1)


def shrinks(before: JsonObject, after: JsonObject, kind: str) -> bool:
    """Tell whether a limit of a kind is lower after."""
    return _moves(before, after, kind, -1)


def _moves(before: JsonObject, after: JsonObject, kind: str, sign: int) -> bool:
    sizes, later = sizes_of(before), sizes_of(after)
    return any(
        (later[label].number - size.number) * sign > 0
        for label, size in sizes.items()
        if label.split(" of ")[0] == kind and label in later
    )


def _quantity(text: str) -> Size:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return Size(number=0, text=text)
    return Size(number=float(found[1]) * (_UNITS | _BINARY)[found[2] or ""], text=text)


def _count(number: Json, *, least: float = 0) -> Size:
    value = float(number) if isinstance(number, int | float) else 0.0
    return Size(number=value, text=f"{value:g}", least=least)
