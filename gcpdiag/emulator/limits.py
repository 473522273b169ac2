"""What Cloud Run refuses: combinations of CPU, memory, concurrency, instances and traffic that are not allowed.

Sources: https://docs.cloud.google.com/run/docs/configuring/services/memory-limits and /cpu, and the discovery document.
Error texts are as seen in public reports where no comment says otherwise.
"""

from __future__ import annotations

import re

from gcpdiag.emulator.annotation import user_keys
from gcpdiag.emulator.container import ingress_of
from gcpdiag.emulator.rest import invalid
from gcpdiag.model.json import JsonObject, number_at, object_at, objects_at, text_at

DEFAULT_CPU, DEFAULT_MEMORY = "1", "512Mi"
DEFAULT_CONCURRENCY = 80
_MOST_CONCURRENCY = 1000
_LONGEST_TIMEOUT = 3600  # seconds
_ALL = 100  # percent
_WHOLE_CPUS = (1, 2, 4, 6, 8)
_SMALLEST_CPU = 0.08  # unverified

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_MI, _GI = 2**20, 2**30
# The most memory for a CPU limit up to the first number, and the least from it on.
_MOST_MEMORY = (
    (0.167, 128 * _MI),
    (0.333, 256 * _MI),
    (0.583, 512 * _MI),
    (1, _GI),
    (2, 4 * _GI),
    (4, 8 * _GI),
    (6, 16 * _GI),
    (8, 24 * _GI),
)
_LEAST_MEMORY = ((6, 4 * _GI), (4, 2 * _GI))


def check_service(service: JsonObject, stored: JsonObject, *, prefix: str = "template.") -> None:
    """Raise ApiError 400 for a service that Cloud Run would refuse in the place of the stored one.

    ``prefix`` leads the fields in messages.
    """
    template = object_at(service, "template")
    containers = objects_at(template, "containers")
    if not containers or not all(text_at(one, "image") for one in containers):
        raise invalid(f"{prefix}containers: must have an image.")  # unverified wording
    for place, container in enumerate(containers):
        _check_memory(container, template, f"{prefix}containers[{place}].resources.limits")
    _check_concurrency(template, prefix)
    _check_timeout(template, prefix)
    for scaling in (object_at(service, "scaling"), object_at(template, "scaling")):
        _check_scaling(scaling)
    _check_names(service, stored)
    _check_names(template, object_at(stored, "template"))
    _check_traffic(service)


def cpu_of(container: JsonObject) -> float:
    """Return a container's CPU limit."""
    return _quantity(text_at(container, "resources.limits.cpu") or DEFAULT_CPU, "cpu")


def _check_memory(container: JsonObject, template: JsonObject, path: str) -> None:
    cpu = cpu_of(container)
    told = text_at(container, "resources.limits.memory") or DEFAULT_MEMORY
    if not (cpu in _WHOLE_CPUS or _SMALLEST_CPU <= cpu < 1):
        raise invalid(f"{path}.cpu: Invalid value specified for cpu. {cpu:g} is not supported.")  # unverified wording
    small = 512 if template.get("executionEnvironment") == "EXECUTION_ENVIRONMENT_GEN2" else 128
    least = next((memory for from_cpu, memory in _LEAST_MEMORY if cpu >= from_cpu), small * _MI)
    most = next((memory for below_cpu, memory in _MOST_MEMORY if cpu < below_cpu), 32 * _GI)
    if not least <= _quantity(told, "memory") <= max(most, least):
        raise invalid(
            f"{path}.memory: Invalid value specified for memory. For {cpu:.1f} CPU, memory must be between "
            f"{_shown(least)} and {_shown(most)} inclusive.\n"
            "For more troubleshooting guidance, see https://cloud.google.com/run/docs/configuring/memory-limits"
        )


def _check_concurrency(template: JsonObject, prefix: str) -> None:
    concurrency = number_at(template, "maxInstanceRequestConcurrency") or 0
    if not 0 <= concurrency <= _MOST_CONCURRENCY:  # 0 asks for the default
        raise invalid(f"{prefix}containerConcurrency: must be between 1 and {_MOST_CONCURRENCY}.")  # unverified wording
    if concurrency > 1 and cpu_of(ingress_of(objects_at(template, "containers"))) < 1:
        raise invalid(
            f"{prefix}containers.resources.limits.cpu: Invalid value specified for cpu. "
            "Total cpu < 1 is not supported with concurrency > 1."
        )


def _check_timeout(template: JsonObject, prefix: str) -> None:
    told = text_at(template, "timeout")
    seconds = number_at({"seconds": told.removesuffix("s")}, "seconds") if told else 1
    if seconds is None or not 0 < seconds <= _LONGEST_TIMEOUT:
        raise invalid(f"{prefix}timeout: must be between 1 and {_LONGEST_TIMEOUT} seconds.")  # unverified wording


def _check_scaling(scaling: JsonObject) -> None:
    low, high = number_at(scaling, "minInstanceCount") or 0, number_at(scaling, "maxInstanceCount")
    if low < 0 or (high is not None and high < 0):
        raise invalid("Instance counts must not be negative.")  # unverified wording
    if high and low > high:
        raise invalid(f"maxScale={high:g} is less than minScale={low:g}")  # Knative's wording


def _check_names(labelled: JsonObject, stored: JsonObject) -> None:
    """Refuse new names of the system's; a bundle of Knative resources has some already."""
    for kind in ("labels", "annotations"):
        new = object_at(labelled, kind).keys() - object_at(stored, kind).keys()
        for key in sorted(new - user_keys(labelled.get(kind)).keys()):
            raise invalid(f"System {kind} are not supported in v2: '{key}'.")  # unverified wording


def _check_traffic(service: JsonObject) -> None:
    targets = objects_at(service, "traffic")
    percents = [number_at(one, "percent") or 0 for one in targets]
    if targets and (sum(percents) != _ALL or min(percents) < 0):
        raise invalid(
            f"Traffic targets must sum to {_ALL} percent, and sum to {sum(percents):g}."
        )  # unverified wording
    tags = [tag for one in targets if (tag := text_at(one, "tag"))]
    if len(tags) != len(set(tags)):
        raise invalid("Traffic tags must be unique.")  # unverified wording


def _quantity(text: str, kind: str) -> float:
    """Return a Kubernetes quantity as a number of bytes or CPUs; ApiError 400 for none."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise invalid(f"Invalid value specified for {kind}: '{text}'.")  # unverified wording
    unit = found[2] or ""
    return float(found[1]) * (_BINARY[unit] if unit in _BINARY else _UNITS[unit])


def _shown(memory: int) -> str:
    return f"{memory // _GI}Gi" if memory % _GI == 0 else f"{memory // _MI}Mi"
