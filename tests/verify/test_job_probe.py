"""An instance that has just started tries again what it cannot reach yet, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gcpdiag.model.probe import ProbeResult, ProbeStage
from gcpdiag.verify.address import Address
from gcpdiag.verify.job_probe import probe_settled
from gcpdiag.verify.runner import Probed, Unprobed
from gcpdiag.verify.target import Target, TcpTarget

TARGETS = tuple(TcpTarget(address=Address(f"10.0.0.{one}", 1)) for one in range(1, 4))
MINUTE = timedelta(minutes=1)


class Network:
    """A network that opens after some seconds, in a time that passes with each probe and pause alone."""

    def __init__(self, *, opens: float, failing: dict[Target, ProbeStage] | None = None) -> None:
        self.time = 0.0
        self.asked: list[int] = []
        self._opens = opens
        self._failing = failing or {}

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def probe_all(self, targets: Sequence[Target]) -> list[Probed]:
        self.asked.append(len(targets))
        self.time += 1
        return [self._result(one) for one in targets]

    def _result(self, target: Target) -> Probed:
        stage = "tcp" if self.time < self._opens else self._failing.get(target)
        told = "no" if stage else ""
        return ProbeResult(
            target=target.shown, kind="tcp", at=datetime(2030, 1, 1, tzinfo=UTC), failed_at=stage, error=told
        )


def settled(network: Network, settle: timedelta) -> list[bool]:
    found = probe_settled(network, TARGETS, settle=settle, monotonic=network.monotonic, sleep=network.sleep)
    return [isinstance(one, ProbeResult) and one.passed for one in found]


def test_a_way_that_opens_late_is_waited_for() -> None:
    network = Network(opens=30)

    assert settled(network, MINUTE) == [True] * 3
    assert network.time < 45


def test_a_way_that_never_opens_fails_when_the_time_is_over() -> None:
    network = Network(opens=1000)

    assert settled(network, MINUTE) == [False] * 3
    assert network.time <= 62


def test_only_what_was_not_reached_is_tried_again() -> None:
    network = Network(opens=0, failing={TARGETS[0]: "name", TARGETS[1]: "authentication"})

    assert settled(network, timedelta(seconds=6)) == [False, False, True]
    assert network.asked == [3, 1]


def test_without_time_to_settle_everything_is_tried_once() -> None:
    network = Network(opens=30)
    settled(network, timedelta())

    assert network.asked == [3]


def test_what_cannot_be_probed_is_not_waited_for() -> None:
    class Unable(Network):
        def _result(self, target: Target) -> Probed:
            return Unprobed(target=target, reason="there is no client library")

    network = Unable(opens=0)

    assert settled(network, MINUTE) == [False] * 3
    assert network.asked == [3]
