"""Error texts that no signature knows, masked to templates and counted: shown to a person, never weighed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.resource import ServiceRef

_MAX_TEMPLATES = 2000
_MASKS = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "<id>"),
    (re.compile(r"\d+(?:[.:,]\d+)*"), "<n>"),
    (re.compile(r"'[^']{1,80}'|\"[^\"]{1,80}\""), "<text>"),
)


@dataclass(slots=True)
class _Count:
    count: int = 0
    first: float = float("inf")


@dataclass(slots=True)
class TemplateCount:
    """Counts by service and template; past a limit only templates that are known already go on counting."""

    counts: dict[tuple[str, str, str], _Count] = field(default_factory=dict)

    def add(self, text: str, at: float, service: ServiceRef | None) -> None:
        """Count an error text."""
        key = (service.name if service else "", service.region if service else "", template_of(text))
        found = self.counts.get(key)
        if found is None:
            if len(self.counts) >= _MAX_TEMPLATES:
                return
            found = self.counts[key] = _Count()
        found.count += 1
        found.first = min(found.first, at)

    def most(self, limit: int) -> list[tuple[str, int, float, ServiceRef | None]]:
        """Return ``(template, count, first at, service)`` of the most frequent ones."""
        ranked = sorted(self.counts.items(), key=lambda one: (-one[1].count, one[0]))[:limit]
        return [
            (template, found.count, found.first, ServiceRef(name=name, region=region) if name else None)
            for (name, region, template), found in ranked
        ]


def template_of(text: str) -> str:
    """Return the most telling line with ids, numbers and quoted texts masked: the last of a traceback, else the first."""
    lines = [line for line in text[:8000].splitlines() if line.strip()] or [""]
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    for pattern, mask in _MASKS:
        line = pattern.sub(mask, line)
    return one_line(line, limit=160)
