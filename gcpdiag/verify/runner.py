"""Probing many targets side by side: each has its own verdict, and none waits for another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from gcpdiag.bundle.redact import one_line
from gcpdiag.errors import GcpdiagError
from gcpdiag.model.probe import Measure, Origin, ProbeResult
from gcpdiag.verify.attempt import Attempt, MissingExtraError, ProbeFailure, failure_of
from gcpdiag.verify.credential import Vault, hidden
from gcpdiag.verify.probe_clickhouse import probe_clickhouse
from gcpdiag.verify.probe_http import IdentityToken, probe_http
from gcpdiag.verify.probe_postgresql import probe_postgresql
from gcpdiag.verify.probe_redis import probe_redis
from gcpdiag.verify.probe_tcp import probe_tcp
from gcpdiag.verify.probe_websocket import probe_websocket
from gcpdiag.verify.target import (
    ClickHouseTarget,
    HttpTarget,
    PostgresqlTarget,
    RedisTarget,
    Target,
    TcpTarget,
    WebSocketTarget,
)

DEADLINE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprobed:
    """A target that could not be probed for a reason of our own side: a library or a credential is missing."""

    target: Target
    reason: str


Probed: TypeAlias = ProbeResult | Unprobed


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """Probes targets; every one of them has until ``deadline``, and all begin at once."""

    vault: Vault = field(default_factory=Vault)
    identity: IdentityToken | None = None
    origin: Origin = ""
    deadline: timedelta = DEADLINE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic

    def probe_all(self, targets: Sequence[Target]) -> list[Probed]:
        """Return what became of each target, in their order."""
        return asyncio.run(self._all(targets))

    async def _all(self, targets: Sequence[Target]) -> list[Probed]:
        return list(await asyncio.gather(*(self.probe(one) for one in targets)))

    async def probe(self, target: Target) -> Probed:
        """Return what one target answered, or how far the probe came."""
        attempt = Attempt(deadline=self.deadline, monotonic=self.monotonic)
        at = self.now()
        clock = asyncio.timeout(self.deadline.total_seconds())
        try:
            async with clock:
                await self._ask(target, attempt)
        except (MissingExtraError, GcpdiagError) as error:
            return Unprobed(target=target, reason=hidden(str(error), tuple(attempt.secrets)))
        except Exception as error:  # noqa: BLE001 - a probe ends in a verdict, whatever a library raises
            failure = attempt.late() if clock.expired() else failure_of(error, attempt.stage)
            return self._result(target, attempt, at, failure)
        return self._result(target, attempt, at, None)

    async def _ask(self, target: Target, attempt: Attempt) -> None:
        match target:
            case HttpTarget():
                await probe_http(target, attempt, self.vault, self.identity, self.now())
            case WebSocketTarget():
                await probe_websocket(target, attempt, self.vault, self.identity)
            case TcpTarget():
                await probe_tcp(target, attempt, self.now())
            case PostgresqlTarget():
                await probe_postgresql(target, attempt, self.vault)
            case RedisTarget():
                await probe_redis(target, attempt, self.vault)
            case ClickHouseTarget():
                await probe_clickhouse(target, attempt, self.vault)

    def _result(self, target: Target, attempt: Attempt, at: datetime, failure: ProbeFailure | None) -> ProbeResult:
        secrets = tuple(attempt.secrets)

        def told(text: str) -> str:
            return one_line(hidden(text, secrets), limit=300)

        return ProbeResult(
            target=target.shown,
            kind=target.kind,
            at=at,
            failed_at=failure.stage if failure else None,
            error=told(failure.text) or failure.stage if failure else "",
            status=(failure.status if failure else None) or attempt.status,
            latency=max(attempt.latencies, default=None),
            origin=self.origin,
            measures=tuple(Measure(name=one.name, value=told(one.value)) for one in attempt.measures),
            notes=tuple(told(one) for one in attempt.notes),
        )
