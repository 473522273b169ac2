"""A door to Google that fails as doors do: before the server has acted, or after it, when nobody hears the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from gcpdiag.gcp.failure import CallError, Failure, FailureKind
from gcpdiag.model.json import JsonObject
from gcpdiag.remediate.settle import ServiceWriter

REFUSALS: tuple[FailureKind, ...] = ("denied", "conflict", "quota", "rejected")
LOSSES: tuple[FailureKind, ...] = ("timeout", "unavailable", "malformed")


@dataclass(frozen=True)
class Strike:
    """What strikes a call: a kind of failure, and whether the server acts before it is told."""

    kind: FailureKind
    has_acted: bool = False


def failing(kind: FailureKind) -> CallError:
    return CallError(Failure(kind=kind, text=f"{kind} for the test"))


class FaultyWriter:
    """A writer whose updates, and reads, fail as a test says; it counts what the server has taken."""

    def __init__(
        self,
        inner: ServiceWriter,
        *,
        on_update: Callable[[Sequence[str]], Strike | None] = lambda _: None,
        on_read: Callable[[], Strike | None] = lambda: None,
        on_operation: Callable[[], Strike | None] = lambda: None,
    ) -> None:
        self.inner = inner
        self.on_update = on_update
        self.on_read = on_read
        self.on_operation = on_operation
        self.sent: list[tuple[str, ...]] = []
        self.taken: list[tuple[str, ...]] = []

    def get_service(self, name: str) -> JsonObject:
        self._strike(self.on_read())
        return self.inner.get_service(name)

    def list_revisions(self, service: str) -> list[JsonObject]:
        self._strike(self.on_read())
        return self.inner.list_revisions(service)

    def get_operation(self, name: str) -> JsonObject:
        self._strike(self.on_read() or self.on_operation())
        return self.inner.get_operation(name)

    def wait_operation(self, name: str, *, timeout: float) -> JsonObject:
        self._strike(self.on_read() or self.on_operation())
        return self.inner.wait_operation(name, timeout=timeout)

    def update_service(
        self, service: JsonObject, update_mask: Sequence[str], *, validate_only: bool, timeout: float
    ) -> JsonObject:
        strike = self.on_update(update_mask)
        self.sent.append(tuple(update_mask))
        if strike is not None and not strike.has_acted:
            raise failing(strike.kind)
        answer = self.inner.update_service(service, update_mask, validate_only=validate_only, timeout=timeout)
        self.taken.append(tuple(update_mask))
        self._strike(strike)
        return answer

    def steps_taken(self) -> int:
        """How often the server took something that is not a lease."""
        return sum(mask != ("annotations",) for mask in self.taken)

    def steps_sent(self) -> int:
        return sum(mask != ("annotations",) for mask in self.sent)

    @staticmethod
    def _strike(strike: Strike | None) -> None:
        if strike is not None:
            raise failing(strike.kind)


def on_the_step(strike: Strike) -> Callable[[Sequence[str]], Strike | None]:
    """Strike the step, and leave leases alone."""
    return lambda mask: strike if tuple(mask) != ("annotations",) else None


def on_leases(strike: Strike) -> Callable[[Sequence[str]], Strike | None]:
    return lambda mask: strike if tuple(mask) == ("annotations",) else None


def at_random(random: Random, share: float) -> Callable[[Sequence[str]], Strike | None]:
    """Strike a share of all updates in any way."""

    def strike(_mask: Sequence[str]) -> Strike | None:
        if random.random() >= share:
            return None
        if random.random() < 0.4:
            return Strike(random.choice(REFUSALS))
        return Strike(random.choice(LOSSES), has_acted=random.random() < 0.5)

    return strike


def reads_at_random(random: Random, share: float) -> Callable[[], Strike | None]:
    return lambda: Strike(random.choice(LOSSES)) if random.random() < share else None
