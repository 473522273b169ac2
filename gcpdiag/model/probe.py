"""What one probe of one address saw, and how far it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

ProbeKind = Literal["http", "websocket", "tcp", "postgresql", "redis", "clickhouse"]
ProbeStage = Literal["name", "tcp", "tls", "protocol", "authentication", "capacity", "latency"]
Origin = Literal["inside", "outside", ""]

STAGES: tuple[ProbeStage, ...] = ("name", "tcp", "tls", "protocol", "authentication", "capacity", "latency")
"""In the order in which a probe comes by them: who fails at one has passed those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something that a probe read or reckoned, such as connections in use: its name, and the value as told."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The outcome of probing one target: passed, or failed at one stage and why.

    ``target`` is as it may be shown: without user, password or query. ``status`` is an HTTP status or a WebSocket
    close code. ``latency`` is that of the slowest answer that counted. ``origin`` says whether the probe ran inside
    the project's network. ``notes`` are remarks on a probe that passed, or on how it failed.
    """

    target: str
    kind: ProbeKind
    at: datetime
    failed_at: ProbeStage | None = None
    error: str = ""
    status: int | None = None
    latency: timedelta | None = None
    origin: Origin = ""
    measures: tuple[Measure, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if (self.failed_at is None) == bool(self.error):
            raise ValueError(f"{self.target}: a probe that failed says why, and one that passed does not")

    @property
    def passed(self) -> bool:
        """The target answered as it should."""
        return self.failed_at is None

    @property
    def latency_ms(self) -> float:
        """The latency in milliseconds, nothing where none was measured."""
        return self.latency / timedelta(milliseconds=1) if self.latency is not None else 0.0

    def reached(self, stage: ProbeStage) -> bool:
        """Tell whether the probe passed this stage, whatever came after it."""
        return self.failed_at is None or STAGES.index(self.failed_at) > STAGES.index(stage)


def milliseconds(length: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return round(length / timedelta(milliseconds=1))
