"""What a run writes into the journal: a line before and after everything that it sends."""

from __future__ import annotations

import os
from collections.abc import Iterable

from gcpdiag.model.field_mask import masked
from gcpdiag.model.json import Json, JsonObject, text_at
from gcpdiag.model.plan import Plan, Step
from gcpdiag.remediate.guard import Verdict
from gcpdiag.remediate.journal import JournalError
from gcpdiag.remediate.request import Request, Workshop


class Logbook:
    """The journal lines of one run.

    What has to stand there before something is sent raises JournalError when it cannot be written. What tells of
    something that has happened becomes a problem instead: a full disk must not hide it from the person.
    """

    def __init__(self, plan: Plan, workshop: Workshop, request: Request) -> None:
        self._plan = plan
        self._shop = workshop
        self._request = request
        self.problems: list[str] = []

    def started(self, verdicts: Iterable[Verdict]) -> None:
        """Write that the run begins, before its first call."""
        self._append("started", {**self._who(), "guards": _told(verdicts)})

    def refused(self, verdicts: Iterable[Verdict]) -> None:
        """Write that guards refused the plan; nothing was and will be sent."""
        self.note("refused", {**self._who(), "guards": _told(verdicts)})

    def intent(self, step: Step, number: int, service: JsonObject, verdicts: Iterable[Verdict], undoes: str) -> None:
        """Write what is about to be sent, and what it would replace."""
        content: JsonObject = {
            "step": number,
            "kind": step.kind,
            "target": step.target,
            "request": {"update_mask": [*step.update_mask], "etag": text_at(service, "etag")},
            "newest_revision": text_at(service, "latestCreatedRevision"),
            "before": masked(step.before, step.update_mask),
            "after": masked(step.after, step.update_mask),
            "guards": _told(verdicts),
            "undoes": undoes or self._request.undoes,
        }
        self._append("intent", content)

    def note(self, event: str, content: JsonObject) -> None:
        """Write about what has happened."""
        try:
            self._append(event, content)
        except JournalError as error:
            self.problems.append(f"{error}")

    def finished(self, result: str, message: str) -> None:
        """End the run, unless nobody knows how it ended: then it stays open for ``gcpdiag resume``."""
        if result != "unknown":
            self.note("finished", {"result": result, "message": message, "problems": [*self.problems]})

    def _append(self, event: str, content: JsonObject) -> None:
        self._shop.journal.append(event, self._request.run, content, at=self._shop.clock.now())

    def _who(self) -> JsonObject:
        plan, request = self._plan, self._request
        overrides: list[Json] = [{"guard": one, "reason": request.overrides.reason} for one in request.overrides.guards]
        return {
            "who": request.actor,
            "host": request.host,
            "pid": os.getpid(),
            "target": plan.steps[0].target,
            "plan": {"id": plan.id, "digest": plan.digest, "reason": plan.reason, "causes": [*plan.causes]},
            "policy": request.policy.origin,
            "overrides": overrides,
        }


def _told(verdicts: Iterable[Verdict]) -> list[Json]:
    return [one.to_json() for one in verdicts]
