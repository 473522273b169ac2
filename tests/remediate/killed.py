"""Applies a plan in a process of its own, which kills itself at one of the points where it could be killed.

The points are before, within and after every line of the journal, and before and after everything that is sent.
Arguments: address of HTTP, of gRPC, the directory of the journal, and the number of the point (0: none; the points are
counted and printed).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator as Place
from gcpdiag.gcp.write import Writer
from gcpdiag.model.json import JsonObject
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.apply import apply_plan
from gcpdiag.remediate.journal import Journal
from gcpdiag.remediate.lease import LocalLocks
from gcpdiag.remediate.planning import plan_of
from gcpdiag.remediate.request import Request, Workshop
from tests.remediate.applying import ALICE, TARGET, Clock


class Wire:
    """Counts the points, and kills the process at one of them."""

    def __init__(self, fatal: int) -> None:
        self.passed = 0
        self._fatal = fatal

    @property
    def is_next(self) -> bool:
        return self.passed + 1 == self._fatal

    def reach(self) -> None:
        self.passed += 1
        if self.passed == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class FatalJournal(Journal):
    def __init__(self, path: Path, wire: Wire) -> None:
        super().__init__(path)
        self._wire = wire

    def append(self, event: str, run: str, content: JsonObject, *, at: datetime) -> None:
        self._wire.reach()
        size = self.path.stat().st_size if self.path.exists() else 0
        is_torn = self._wire.is_next
        super().append(event, run, content, at=at)
        if is_torn:
            os.truncate(self.path, (size + self.path.stat().st_size) // 2)
        self._wire.reach()
        self._wire.reach()


class FatalWriter(Writer):
    wire: Wire

    def update_service(
        self, service: JsonObject, update_mask: Sequence[str], *, validate_only: bool, timeout: float
    ) -> JsonObject:
        self.wire.reach()
        answer = super().update_service(service, update_mask, validate_only=validate_only, timeout=timeout)
        self.wire.reach()
        return answer


def main() -> None:
    http, grpc, directory, fatal = sys.argv[1:]
    wire, clock = Wire(int(fatal)), Clock()
    place = Place(http=http, grpc=grpc, project="demo-staging")
    with FatalWriter(anonymous_access(), place, monotonic=clock.monotonic, sleep=clock.sleep) as writer:
        writer.wire = wire
        wanted = replace(ScaleOptions(), memory="2Gi")
        step = plan_scale(writer.get_service(TARGET), writer.list_revisions(TARGET), wanted)
        plan = plan_of([step], ALICE, plan_id="p1", now=clock.now())
        workshop = Workshop(
            writer=writer,
            journal=FatalJournal(Path(directory) / "journal.jsonl", wire),
            locks=LocalLocks(Path(directory) / "locks"),
            clock=clock,
        )
        receipt = apply_plan(plan, workshop, Request(digest=plan.digest, actor="alice", host="desk", run="killed"))
    sys.stdout.write(f"{wire.passed} {receipt.outcome}\n")


if __name__ == "__main__":
    main()
