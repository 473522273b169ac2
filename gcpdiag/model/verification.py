"""Whether a service is back: criteria, each with its verdict and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gcpdiag.model.probe import Measure, ProbeResult

CriterionVerdict = Literal["met", "not met", "too early", "unknown"]
Outcome = Literal["met", "not met", "undecided", "nothing probed"]
CriterionGroup = Literal["health", "websocket", "dependency", "traffic", "platform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of the checklist.

    ``title`` is what must hold, ``subject`` of what (a target or a service), ``text`` what was seen, with numbers.
    ``at`` is when it will be worth asking again, where it is too early.
    """

    group: CriterionGroup
    title: str
    subject: str
    verdict: CriterionVerdict
    text: str
    notes: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All criteria in the order to print, and the probes that some of them stand on."""

    at: datetime
    criteria: tuple[Criterion, ...]
    probes: tuple[ProbeResult, ...] = ()
    project: str = ""
    since: datetime | None = None

    @property
    def outcome(self) -> Outcome:
        """Return ``met`` only if every criterion is; one that is not met decides, one that is unknown leaves open."""
        verdicts = {one.verdict for one in self.criteria}
        if not self.criteria:
            return "nothing probed"
        if "not met" in verdicts:
            return "not met"
        return "met" if verdicts == {"met"} else "undecided"

    def counted(self, verdict: CriterionVerdict) -> int:
        """Return how many criteria have this verdict."""
        return sum(one.verdict == verdict for one in self.criteria)
