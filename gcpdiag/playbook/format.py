"""What a playbook may say: the cause, what is seen when it holds, what it is confused with, what to do; and its tests.

A file holds several YAML documents: the first is the cause, every further one is a test.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.signals.definition import SignalDefinition

Likelihood = Literal["always", "usually", "often", "sometimes", "rarely"]
Prior = Literal["common", "occasional", "rare"]
Risk = Literal["low", "medium", "high"]

PROBABILITY: dict[Likelihood, float] = {
    "always": 0.97,
    "usually": 0.85,
    "often": 0.60,
    "sometimes": 0.30,
    "rarely": 0.10,
}
PRIOR: dict[Prior, float] = {"common": 0.15, "occasional": 0.08, "rare": 0.03}
PLACEHOLDERS = frozenset(
    {
        "evidence",
        "service",
        "region",
        "project",
        "resource",
        "connector",
        "network",
        "revision",
        "memory",
        "max_instances",
        # What a step proposes: the next value up or down that Cloud Run allows.
        "memory_more",
        "cpu_more",
        "concurrency_more",
        "concurrency_less",
        "instances_more",
        "instances_less",
    }
)


class ExpectedFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How likely a signal is present when the cause holds.

    ``specific`` marks what may name the cause; symptoms that many causes share never can. Findings of one ``group``
    are different looks of the same thing: the second counts half, the third a quarter, and while one is present the
    absence of the others says nothing.
    """

    signal: str
    likelihood: Likelihood
    specific: bool = False
    group: str = ""


class Remediation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step to take, safest first; the command may have placeholders.

    ``when`` names a signal that must be present, ``unless`` one that must not be.
    """

    command: str
    risk: Risk
    why: str
    when: str = ""
    unless: str = ""


class Playbook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cause.

    ``explains`` are causes whose findings it leaves, too. ``passed_on`` says that callers show it when a service that
    they call fails: where that service fails for a cause of its own, this one is an effect.
    """

    id: str
    title: str
    summary: str
    explanation: str
    findings: list[ExpectedFinding]
    prior: Prior = "occasional"
    explains: list[str] = []
    passed_on: bool = False
    look_alikes: list[str] = []
    remediation: list[Remediation] = []
    verification: list[str] = []
    signals: dict[str, SignalDefinition] = {}

    @property
    def category(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/", 1)[0]


class TrafficLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests every minute from ``start`` on, as request log entries; ``text`` is what the platform says of them."""

    service: str = "api"
    start: str = "+0m"
    end: str = "+60m"
    per_minute: int = 6
    status: int = 200
    text: str = ""
    latency: str = "0.120s"
    revision: str = ""


class EntryLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log entry, perhaps many times; anything of a raw LogEntry may be given in ``entry``."""

    log: str
    at: str
    service: str = "api"
    every: str = "30s"
    times: int = 1
    severity: str = ""
    text: str = ""
    json: JsonObject | None = None
    instance: str = ""
    revision: str = ""
    entry: JsonObject = {}


class SeriesLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time series with a point a minute, written short: ``0.3x20 0.98x40`` is twenty points, then forty."""

    metric: str
    values: str
    resource: str = "cloud_run_revision"
    of: str = "api"
    labels: dict[str, str] = {}
    distribution: bool = False


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the diagnosis must say: its status, the first cause, causes (not) named, sources that are gaps."""

    status: Literal["incident", "healthy", "inconclusive"] | None = None
    first: str = ""
    named: list[str] = []
    unnamed: list[str] = []
    ruled_out: list[str] = []
    warned: list[str] = []
    gaps: list[str] = []


class PlaybookTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A small bundle of raw API answers and what must come of it.

    The window is one hour; ``+20m`` is twenty minutes into it, ``-3h`` three hours before it begins.
    """

    test: str
    expect: Expectation
    traffic: list[TrafficLine] = []
    entries: list[EntryLine] = []
    series: list[SeriesLine] = []
    resources: dict[str, list[Json]] = {}
    denied: list[str] = []
