"""What looking for one signal gave: present, absent, or unknown, each with its reason.

Absent is a claim ("looked, and there is none") and needs coverage; without it a finding is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gcpdiag.model.resource import ServiceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Records that a finding stands on, in one line of text with numbers.

    ``first_at`` and ``last_at`` are when the records were made, ``count`` how many there are,
    ``source`` the bundle source they come from, ``link`` a console page that shows them.
    """

    signal: str
    text: str
    source: str
    first_at: datetime | None = None
    last_at: datetime | None = None
    count: int | None = None
    service: ServiceRef | None = None
    resource: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What could not be looked at, why, and what would close it."""

    check: str
    reason: str
    source: str
    permission: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The signal is there; ``strength`` in (0, 1] says how much of it."""

    signal: str
    strength: float
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1 or not self.evidence:
            raise ValueError(f"{self.signal}: a present finding has strength in (0, 1] and evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The signal was looked for where it would be, and is not there; ``looked`` says where."""

    signal: str
    looked: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The signal could not be looked for."""

    signal: str
    gap: Gap


Finding: TypeAlias = Present | Absent | Unknown
