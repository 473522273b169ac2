"""Names of cloud resources."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ServiceRef:
    """One Cloud Run service in one region (``region`` is empty when no source told it)."""

    name: str
    region: str

    def __str__(self) -> str:
        return self.name


def last_segment(name: str) -> str:
    """Return the short name of a resource path: ``projects/p/locations/r/connectors/c`` gives ``c``."""
    return name.rstrip("/").rsplit("/", 1)[-1]


def location_of(name: str) -> str:
    """Return the location in a resource path (``locations/`` or ``regions/``), or an empty text."""
    steps = name.split("/")
    for before, after in pairwise(steps):
        if before in {"locations", "regions"}:
            return after
    return ""
