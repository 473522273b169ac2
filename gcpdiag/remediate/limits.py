"""Which combinations of CPU, memory, concurrency and instances Cloud Run takes, checked before anything is asked.

Sources: https://docs.cloud.google.com/run/docs/configuring/services/memory-limits and /cpu, and the discovery document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gcpdiag.errors import UsageError

DEFAULT_CPU, DEFAULT_MEMORY = "1", "512Mi"
DEFAULT_CONCURRENCY = 80
DEFAULT_MOST_INSTANCES = 100
WHOLE_CPUS = (1, 2, 4, 6, 8)
_SMALLEST_CPU = 0.08  # unverified
_MOST_CONCURRENCY = 1000

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}
_MI, _GI = 2**20, 2**30
# The most memory below a number of CPUs, and the least from one on.
_MOST_BELOW = (
    (0.167, 128 * _MI),
    (0.333, 256 * _MI),
    (0.583, 512 * _MI),
    (1, _GI),
    (2, 4 * _GI),
    (4, 8 * _GI),
    (6, 16 * _GI),
    (8, 24 * _GI),
)
_MOST = 32 * _GI
_LEAST_FROM = ((6, 4 * _GI), (4, 2 * _GI))
_LEAST_FIRST_GENERATION, _LEAST_SECOND_GENERATION = 128 * _MI, 512 * _MI


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one instance shall have: CPU and memory as Kubernetes quantities, requests at once, and the generation."""

    cpu: str = DEFAULT_CPU
    memory: str = DEFAULT_MEMORY
    concurrency: int = DEFAULT_CONCURRENCY
    second_generation: bool = False

    @property
    def cpus(self) -> float:
        """The CPU limit; UsageError when it is no quantity."""
        return quantity(self.cpu, "--cpu", "Write it as 1, 2, 4, 6 or 8, or as a part of one such as 0.5")

    @property
    def bytes(self) -> float:
        """The memory limit; UsageError when it is no quantity."""
        return quantity(self.memory, "--memory", "Write it as 512Mi or 2Gi")


def quantity(text: str, option: str, hint: str) -> float:
    """Return a Kubernetes quantity as a number; UsageError for none."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise UsageError(f"{option} {text} is not a quantity", hint=hint)
    return float(found[1]) * _UNITS[found[2] or ""]


def require_legal(wanted: Resources) -> None:
    """Raise UsageError, with the combinations that are legal, for one that Cloud Run would refuse."""
    cpus, memory = wanted.cpus, wanted.bytes
    if not (cpus in WHOLE_CPUS or _SMALLEST_CPU <= cpus < 1):
        raise UsageError(
            f"Cloud Run has no instances with {cpus:g} CPU",
            hint=f"Give 1, 2, 4, 6 or 8, or a part of one CPU from {_SMALLEST_CPU} on",
        )
    least, most = memory_bounds(cpus, second_generation=wanted.second_generation)
    if not least <= memory <= most:
        raise UsageError(
            f"{cpus:g} CPU cannot have {wanted.memory} of memory",
            cause=f"{cpus:g} CPU takes {shown(least)} to {shown(most)}",
            hint=_legal_cpus(wanted),
        )
    if not 1 <= wanted.concurrency <= _MOST_CONCURRENCY:
        raise UsageError(
            f"an instance cannot serve {wanted.concurrency} requests at once",
            hint=f"Give --concurrency from 1 to {_MOST_CONCURRENCY}",
        )
    if cpus < 1 and wanted.concurrency > 1:
        raise UsageError(
            f"{cpus:g} CPU cannot serve {wanted.concurrency} requests at once",
            cause="less than one CPU serves one request at a time",
            hint="Give --concurrency 1 as well, or --cpu 1 or more",
        )


def require_possible(*, cpu: str, memory: str, concurrency: int | None) -> None:
    """Raise UsageError for limits that no service could have, whatever else it has; empty ones are not asked for.

    This needs no question to Google; ``require_legal`` is for the limits and the service together.
    """
    asked = Resources(cpu=cpu or DEFAULT_CPU, memory=memory or DEFAULT_MEMORY, concurrency=concurrency or 1)
    if memory and not cpu and not _fitting(asked):
        raise UsageError(f"no instance has {memory} of memory", hint=_legal_cpus(asked))
    least = memory_bounds(asked.cpus, second_generation=False)[0]
    free = not memory or not cpu  # the service may have what makes it legal
    require_legal(
        replace(asked, memory=shown(least) if free else memory, concurrency=1 if concurrency is None else concurrency)
    )


def require_legal_instances(low: int, high: int) -> None:
    """Raise UsageError for bounds of the number of instances that exclude each other."""
    if low < 0:
        raise UsageError(f"there cannot be {low} instances", hint="Give --min-instances 0 or more")
    if high < 1:
        raise UsageError(f"at most {high} instances would serve nobody", hint="Give --max-instances 1 or more")
    if low > high:
        raise UsageError(
            f"at least {low} and at most {high} instances exclude each other",
            hint=f"Give --min-instances from 0 to {high}, or --max-instances {low} or more",
        )


def memory_bounds(cpus: float, *, second_generation: bool) -> tuple[int, int]:
    """Return the least and the most memory, in bytes, for a number of CPUs."""
    small = _LEAST_SECOND_GENERATION if second_generation else _LEAST_FIRST_GENERATION
    least = next((memory for from_cpu, memory in _LEAST_FROM if cpus >= from_cpu), small)
    most = next((memory for below_cpu, memory in _MOST_BELOW if cpus < below_cpu), _MOST)
    return least, max(least, most)


def shown(memory: float) -> str:
    """Return a number of bytes as Cloud Run writes it."""
    return f"{memory / _GI:g}Gi" if memory >= _GI else f"{memory / _MI:g}Mi"


def _fitting(wanted: Resources) -> list[str]:
    """Return the whole numbers of CPUs that take that much memory."""
    bounds = {one: memory_bounds(one, second_generation=wanted.second_generation) for one in WHOLE_CPUS}
    return [str(one) for one, (least, most) in bounds.items() if least <= wanted.bytes <= most]


def _legal_cpus(wanted: Resources) -> str:
    """Return which numbers of CPUs take that much memory, and the bounds of all when none does."""
    fitting = _fitting(wanted)
    if fitting:
        more = f" (or {', '.join(fitting[1:])})" if fitting[1:] else ""
        return f"Give --cpu {fitting[0]}{more} with --memory {wanted.memory}"
    bounds = {one: memory_bounds(one, second_generation=wanted.second_generation) for one in WHOLE_CPUS}
    legal = "; ".join(f"{one} CPU {shown(least)} to {shown(most)}" for one, (least, most) in bounds.items())
    return f"Legal are: {legal}"
