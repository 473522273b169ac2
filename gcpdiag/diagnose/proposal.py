"""Values that a step proposes: the next one up or down from what a service has, within what Cloud Run allows.

Limits and legal values are from Cloud Run's documentation of memory limits, CPU and concurrency. At most a doubling is
proposed, which the guards of gcpdiag's own actions ask for as well.
"""

from __future__ import annotations

import re

from gcpdiag.model.json import number_at, object_at
from gcpdiag.model.resource import ServiceRef
from gcpdiag.signals.change import main_container
from gcpdiag.signals.estate import Estate

_MEMORY = ((512, "512Mi"), (1024, "1Gi"), (2048, "2Gi"), (4096, "4Gi"), (8192, "8Gi"), (16384, "16Gi"), (32768, "32Gi"))
_DEFAULT_MEMORY = 512  # MiB
_CPUS = (1, 2, 4, 6, 8)
_MOST_CONCURRENCY = 1000
_UNITS = {"": 1 / (1 << 20), "k": 1000 / (1 << 20), "Ki": 1 / 1024, "M": 1e6 / (1 << 20), "Mi": 1.0}
_UNITS |= {"G": 1e9 / (1 << 20), "Gi": 1024.0}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([KMG]i|[kMG])?")


def proposed_values(estate: Estate, service: ServiceRef) -> dict[str, str]:
    """Return what the placeholders ``memory_more``, ``cpu_more``, ``concurrency_…`` and ``instances_…`` stand for.

    None of them where the service's configuration is not known, and none that would not be a change.
    """
    if not estate.configuration(service):
        return {}
    concurrency, instances = int(estate.concurrency(service)), int(estate.max_instances(service))
    values = {
        "memory_more": _more_memory(estate.memory_limit(service)),
        "cpu_more": _more_cpu(estate, service),
        "concurrency_more": _changed(concurrency, min(_MOST_CONCURRENCY, 2 * concurrency)),
        "concurrency_less": _changed(concurrency, max(1, concurrency // 2)),
        "instances_more": _changed(instances, 2 * instances),
        "instances_less": _changed(instances, max(1, instances // 2)),
    }
    return {name: value for name, value in values.items() if value}


def _changed(now: int, then: int) -> str:
    return str(then) if then != now else ""


def _more_memory(limit: str) -> str:
    now = _mebibytes(limit) if limit else _DEFAULT_MEMORY
    return next((text for size, text in _MEMORY if now is not None and now < size <= 2 * max(now, 256)), "")


def _mebibytes(quantity: str) -> float | None:
    found = _QUANTITY.fullmatch(quantity)
    return float(found.group(1)) * _UNITS[found.group(2) or ""] if found else None


def _more_cpu(estate: Estate, service: ServiceRef) -> str:
    limits = object_at(main_container(estate.configuration(service)), "resources.limits")
    told = str(limits.get("cpu") or "1")
    now = (number_at({"m": told[:-1]}, "m") or 0) / 1000 if told.endswith("m") else number_at({"cpu": told}, "cpu")
    return next((str(one) for one in _CPUS if now and now < one <= 2 * max(now, 0.5)), "")
