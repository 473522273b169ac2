"""Probing from an instance that has just started, whose way into the VPC may open a moment later."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from gcpdiag.model.probe import ProbeResult
from gcpdiag.verify.runner import Probed
from gcpdiag.verify.target import Target

PAUSE = 5.0
"""Seconds between two attempts."""


class Probing(Protocol):
    """What probes targets side by side; ``gcpdiag.verify.runner.Prober`` is one."""

    def probe_all(self, targets: Sequence[Target]) -> list[Probed]:
        """Return what became of each target, in their order."""
        ...


def probe_settled(
    prober: Probing,
    targets: Sequence[Target],
    *,
    settle: timedelta,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Probed]:
    """Return what became of each target, in their order; who was not reached is tried again until ``settle`` is over.

    With direct VPC egress a new instance may take a minute and more to connect (Cloud Run's documentation of it), so
    that a failure by name or TCP proves nothing before.
    """
    until = monotonic() + settle.total_seconds()
    found = prober.probe_all(targets)
    while monotonic() + PAUSE <= until and any(_is_unreached(one) for one in found):
        sleep(PAUSE)
        places = [place for place, one in enumerate(found) if _is_unreached(one)]
        again = prober.probe_all([targets[place] for place in places])
        for place, one in zip(places, again, strict=True):
            found[place] = one
    return found


def _is_unreached(probed: Probed) -> bool:
    return isinstance(probed, ProbeResult) and not probed.reached("tcp")
