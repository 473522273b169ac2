"""What applying a plan takes besides the plan: who wants it and how, and what it is done with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.remediate.guard import NO_OVERRIDES, Overrides
from gcpdiag.remediate.journal import Journal
from gcpdiag.remediate.lease import LocalLocks
from gcpdiag.remediate.policy import DEFAULT, Policy
from gcpdiag.remediate.rollout import PATIENCE, Clock
from gcpdiag.remediate.settle import ServiceWriter

Verification = Callable[[], bool | None]
"""Tells whether the service has recovered; None when it is too early to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants a plan applied, and how. ``digest`` is the plan's as it was promised; ``undoes`` names a change."""

    digest: str
    actor: str
    host: str
    run: str
    policy: Policy = DEFAULT
    overrides: Overrides = NO_OVERRIDES
    production: bool = False
    confirmed: str = ""
    diagnosis: Diagnosis | None = None
    max_connections: int | None = None
    undoes: str = ""
    verify: Verification | None = None
    auto_rollback: bool = True
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What applying needs besides the plan: the door to Google, journal and locks, the time, and who listens."""

    writer: ServiceWriter
    journal: Journal
    locks: LocalLocks
    clock: Clock
    on_progress: Callable[[str], None] = lambda _: None
