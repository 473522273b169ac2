"""What a guard is: one precondition of a step, judged over a frozen situation, at plan time and again before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from gcpdiag.errors import UsageError
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.model.json import JsonObject
from gcpdiag.model.plan import Plan, Step
from gcpdiag.remediate.history import Change, OpenRun
from gcpdiag.remediate.lease import Lease
from gcpdiag.remediate.policy import DEFAULT, Policy
from gcpdiag.remediate.refusal import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a guard may know: the plan and its step, the target as it is now, and who wants it, when and how.

    ``service`` is None when it is gone. ``digest`` is the one that was promised (written in the file, shown to the
    person who agreed). ``etag`` and ``generation`` are what the target must have. ``run`` is the run that asks, so
    that its own lease does not stop it. ``confirmed`` is the service's name as a person typed it.
    """

    plan: Plan
    step: Step
    service: JsonObject | None
    etag: str
    generation: str
    digest: str
    now: datetime
    actor: str
    revisions: tuple[JsonObject, ...] = ()
    diagnosis: Diagnosis | None = None
    max_connections: int | None = None
    policy: Policy = DEFAULT
    history: tuple[Change, ...] = ()
    open_runs: tuple[OpenRun, ...] = ()
    local_lease: Lease | None = None
    run: str = ""
    production: bool = False
    confirmed: str = ""

    @property
    def is_undo(self) -> bool:
        """The step takes back one of ours, so what only limits new changes does not hold it up."""
        return self.step.kind == "undo"


@dataclass(frozen=True, slots=True)
class Passed:
    """The precondition holds."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not hold, and what to do about it."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell, and what would let somebody tell."""

    reason: str
    hint: str = ""


Judgement: TypeAlias = Passed | Refused | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One precondition; ``doc`` says what it asks. What cannot be known refuses, unless ``lets_unknown_pass``."""

    id: str
    title: str
    doc: str
    judge: Callable[[Situation], Judgement]
    can_be_overridden: bool = True
    lets_unknown_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A guard's judgement of one situation; ``override`` is the reason that somebody gave for going on all the same."""

    guard: str
    outcome: Literal["passed", "refused", "unknown"]
    reason: str
    hint: str = ""
    stops: bool = False
    override: str = ""

    def to_json(self) -> JsonObject:
        """Return it as the journal and ``--output json`` have it."""
        told: JsonObject = {"guard": self.guard, "outcome": self.outcome, "reason": self.reason}
        if self.hint:
            told["hint"] = self.hint
        return {**told, "override": self.override} if self.override else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Guards that may be passed this once, and why."""

    guards: tuple[str, ...] = ()
    reason: str = ""


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The closed set of guards, in the order to print."""

    guards: tuple[Guard, ...]
    by_id: Mapping[str, Guard] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {one.id: one for one in self.guards})

    def evaluate(self, situation: Situation, overrides: Overrides = NO_OVERRIDES) -> tuple[Verdict, ...]:
        """Return every guard's verdict: all of them, so that a person sees everything that stands in the way."""
        return tuple(_verdict(one, one.judge(situation), overrides) for one in self.guards)

    def require_overridable(self, overrides: Overrides) -> None:
        """Raise UsageError for an override without a reason, of no guard, or of one that cannot be overridden."""
        for name in overrides.guards:
            guard = self.by_id.get(name)
            if guard is None:
                raise UsageError(f"there is no guard {name!r}", hint=f"Guards: {', '.join(self.by_id)}")
            if not guard.can_be_overridden:
                raise UsageError(f"{name} cannot be overridden", hint="Make a new plan from the service as it is now")
        if overrides.guards and not overrides.reason.strip():
            raise UsageError("--override needs a reason", hint="Give --reason '...'; the journal keeps it")


class GuardsRefusedError(RefusedError):
    """Guards refused; nothing was changed. ``verdicts`` has all of them, those that passed too."""

    def __init__(self, verdicts: Iterable[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        failing = [one for one in self.verdicts if one.stops]
        lines = [f"  {one.guard}: {one.reason}" + (f"\n    {one.hint}" if one.hint else "") for one in failing]
        count = "a guard refuses" if len(failing) == 1 else f"{len(failing)} guards refuse"
        super().__init__("\n".join((f"{count}, and nothing was changed:", *lines)))


def _verdict(guard: Guard, judgement: Judgement, overrides: Overrides) -> Verdict:
    if isinstance(judgement, Passed):
        return Verdict(guard=guard.id, outcome="passed", reason=judgement.reason)
    is_unknown = isinstance(judgement, Unknown)
    override = overrides.reason if guard.can_be_overridden and guard.id in overrides.guards else ""
    return Verdict(
        guard=guard.id,
        outcome="unknown" if is_unknown else "refused",
        reason=judgement.reason,
        hint=judgement.hint,
        stops=not override and not (is_unknown and guard.lets_unknown_pass),
        override=override,
    )
