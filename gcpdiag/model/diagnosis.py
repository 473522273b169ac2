"""The answer: what is wrong, how sure, on what grounds, and what could not be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from gcpdiag.model.finding import Evidence, Gap
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window

Status = Literal["healthy", "incident", "inconclusive"]
ServiceHealth = Literal["failing", "recovered", "healthy", "unknown"]
Verdict = Literal["confirmed", "contributing", "ruled out", "out of sight", "no sign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """What users of one service saw in the window; counts are None where nobody counted."""

    service: ServiceRef
    health: ServiceHealth
    requests: int | None = None
    errors: int | None = None
    onset: datetime | None = None
    last_error_at: datetime | None = None
    older_than_window: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One line of the reckoning: how many decibans a finding (with its title) adds to or takes from a cause."""

    signal: str
    title: str = ""
    decibans: float
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A command or a step to take, its risk (``low``, ``medium``, ``high``), and why it helps."""

    command: str
    risk: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCause:
    """A root cause, a contributing effect of one, or a warning.

    ``prior`` plus the weights of ``evidence`` and ``contradicting`` is ``score``, all in decibans;
    ``confidence`` is the probability that this cause is true.
    """

    id: str
    title: str
    summary: str
    service: ServiceRef | None
    resource: str
    confidence: float
    prior: float
    evidence: tuple[Weight, ...]
    contradicting: tuple[Weight, ...] = ()
    remediation: tuple[Remedy, ...] = ()
    mistaken_for: tuple[RuledOut, ...] = ()
    verification: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    """Arithmetic that bears on the cause, a line for each sum."""
    because_of: str = ""

    @property
    def category(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/", 1)[0]

    @property
    def score(self) -> float:
        """Prior plus every printed weight, in decibans."""
        return self.prior + sum(line.decibans for line in (*self.evidence, *self.contradicting))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """A cause that it is not, and the finding that says so."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """What can be said about one category of causes as a whole."""

    category: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something that happened; ``kind`` is a word such as ``deploy``, ``onset`` or ``evidence``."""

    at: datetime
    kind: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A cause that was weighed but not named, with its probability."""

    id: str
    title: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexplainedError:
    """An error text that no signature knows, masked to its template."""

    template: str
    count: int
    first_at: datetime
    service: ServiceRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything a report needs; the order of every tuple is the order to print."""

    project: str
    window: Window
    status: Status
    summary: str
    services: tuple[ServiceState, ...]
    root_causes: tuple[NamedCause, ...]
    contributing: tuple[NamedCause, ...] = ()
    warnings: tuple[NamedCause, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    gaps: tuple[Gap, ...] = ()
    timeline: tuple[TimelineEvent, ...] = ()
    unexplained: tuple[UnexplainedError, ...] = ()
    next_check: str = ""
    log_entries: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    """How many calls to Google each source took; empty for a bundle from disk."""
    duration: timedelta | None = None
    """How long a live run took; None for a bundle from disk, whose diagnosis is the same to the byte every time."""
    problems: tuple[str, ...] = field(default=())
