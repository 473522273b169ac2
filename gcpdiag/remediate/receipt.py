"""What a change did: before, after, operation, verdicts; the answer of ``apply`` and ``undo``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.plan import FieldDiff
from gcpdiag.remediate.guard import Verdict

RECEIPT_SCHEMA = "gcpdiag.receipt/v1"

ReceiptOutcome = Literal["applied", "failed", "pending", "not-applied", "unknown", "rolled-back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How an application of a plan ended.

    ``applied``: the change is in effect. ``failed``: it was made, and did not become ready. ``pending``: it still
    rolls out. ``not-applied``: the server did not take it, and nothing was changed. ``unknown``: nobody could see.
    ``rolled-back``: it was made, and taken back. ``problems`` are what else a person should know.
    """

    run: str
    plan: str
    digest: str
    kind: str
    target: str
    outcome: ReceiptOutcome
    message: str
    diff: tuple[FieldDiff, ...] = ()
    operation: str = ""
    revision: str = ""
    serving: str = ""
    verdicts: tuple[Verdict, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The command's exit code (contract section 4): 0 is done, 1 that the action failed."""
        return 0 if self.outcome == "applied" else 1

    @property
    def has_changed(self) -> bool:
        """The service is not, or may not be, as it was."""
        return self.outcome not in ("not-applied", "rolled-back")

    def to_json(self) -> JsonObject:
        """Return it as ``--output json`` prints it, and as the journal ends a run with it."""
        diff: list[Json] = [{"path": one.path, "before": one.before, "after": one.after} for one in self.diff]
        return {
            "schema": RECEIPT_SCHEMA,
            "run": self.run,
            "plan": self.plan,
            "digest": self.digest,
            "kind": self.kind,
            "target": self.target,
            "outcome": self.outcome,
            "message": self.message,
            "changed": diff if self.has_changed else [],
            "operation": self.operation,
            "revision": self.revision,
            "serving": self.serving,
            "guards": [one.to_json() for one in self.verdicts],
            "problems": [*self.problems],
        }


def refusal_to_json(plan: str, target: str, verdicts: tuple[Verdict, ...], message: str) -> JsonObject:
    """Return what ``--output json`` prints when nothing was changed because something refused."""
    return {
        "schema": RECEIPT_SCHEMA,
        "run": "",
        "plan": plan,
        "target": target,
        "outcome": "refused",
        "message": message,
        "changed": [],
        "guards": [one.to_json() for one in verdicts],
        "problems": [],
    }
