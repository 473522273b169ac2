"""Error texts that no signature knows, masked to templates and counted: shown to a person, never weighed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.resource import ServiceRef

_MAX_TEMPLATES = 2000
_MAX_TEXT, _MAX_LINE = 8000, 240  # characters
_MASKS = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "<id>"),
    (re.compile(r"\d+(?:[.:,]\d+)*"), "<n>"),
    (re.compile(r"'[^']{1,80}'|\"[^\"]{1,80}\""), "<text>"),
)


@dataclass(slots=True)
class _Count:
    count: int = 0
    first: tuple[float, str] = (float("inf"), "")


@dataclass(slots=True)
class TemplateCount:
    """Counts by service and template; past a limit only templates that are known already go on counting."""

    counts: dict[tuple[str, str, str], _Count] = field(default_factory=dict)

    def add(self, text: str, at: float, service: ServiceRef | None) -> None:
        """Count an error text."""
        line = _telling_line(text)
        key = (service.name if service else "", service.region if service else "", _masked(line))
        found = self.counts.get(key)
        if found is None:
            if len(self.counts) >= _MAX_TEMPLATES:
                return
            found = self.counts[key] = _Count()
        found.count += 1
        found.first = min(found.first, (at, line))

    def most(self, limit: int) -> list[tuple[str, int, float, ServiceRef | None]]:
        """Return ``(template, count, first at, service)`` of the most frequent ones, fit to be shown.

        A secret must be seen whole to be known as one, so the first line is redacted before it is masked.
        """
        ranked = sorted(self.counts.items(), key=lambda one: (-one[1].count, one[0]))[:limit]
        return [
            (
                _masked(one_line(found.first[1], limit=160)),
                found.count,
                found.first[0],
                ServiceRef(name=name, region=region) if name else None,
            )
            for (name, region, _), found in ranked
        ]


def template_of(text: str) -> str:
    """Return the text's most telling line with ids, numbers and quoted texts masked; not yet fit to be shown."""
    return _masked(_telling_line(text))


def _telling_line(text: str) -> str:
    """Return a traceback's last line, or the first line of anything else."""
    head = text[:_MAX_TEXT].strip()
    line = head.rsplit("\n", 1)[-1] if head.startswith("Traceback") else head.split("\n", 1)[0]
    return line[:_MAX_LINE]


def _masked(line: str) -> str:
    """Return the line with ids, numbers and quoted texts masked."""
    for pattern, mask in _MASKS:
        line = pattern.sub(mask, line)
    return line
