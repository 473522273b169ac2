"""What a check-up found: who asks, what they may see, and whether that is enough for a diagnosis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from shlex import quote
from typing import Literal

from gcpdiag.collect.installation import Installation
from gcpdiag.collect.limiter import LOG_READS_A_MINUTE
from gcpdiag.collect.permission import Need, Permission, smallest_roles
from gcpdiag.errors import GcpdiagError
from gcpdiag.gcp.failure import Failure, FailureKind

Grant = Literal["granted", "missing", "unknown"]
ApiSwitch = Literal["on", "off", "unknown"]
CallerKind = Literal["user", "service-account", "workload", "token", "nobody"]
Readiness = Literal["ready", "partial", "unverified", "blocked"]

# A refusal of the question itself that says nothing about the answer: triage asks other APIs, at another time.
_SAYS_NOTHING: frozenset[FailureKind] = frozenset({"disabled", "quota", "rejected"})
_IN_SHORT: dict[FailureKind, str] = {"timeout": "no answer in time", "unavailable": "Google cannot be reached"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A setting and where it was taken from; both empty where nobody gave one."""

    value: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: ``account`` and where its name is known from, and where the credentials are; never a token."""

    kind: CallerKind = "nobody"
    account: Told = field(default_factory=Told)
    credentials: str = ""
    quota_project: str = ""

    @property
    def member(self) -> str:
        """The caller as IAM policies name it; in capitals what is not known."""
        name = self.account.value
        if name.endswith(".gserviceaccount.com"):
            return f"serviceAccount:{name}"
        if name:
            return f"user:{name}"
        if self.kind == "service-account":
            return "serviceAccount:YOUR_SERVICE_ACCOUNT"
        return "YOUR_PRINCIPAL" if self.kind == "workload" else "user:YOUR_ACCOUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API that triage reads, such as ``run.googleapis.com``."""

    name: str
    switch: ApiSwitch


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A permission, and whether the caller has it on the project."""

    permission: Permission
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReads:
    """How many log reads the busiest recent minute had, and until when that is known; None: nobody can tell."""

    used: int | None = None
    until: datetime | None = None

    @property
    def left(self) -> int | None:
        """How many more that minute would have had room for."""
        return None if self.used is None else max(0, LOG_READS_A_MINUTE - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether triage can work; ``without`` is what it would not see, ``unsure`` what it may not see."""

    readiness: Readiness
    without: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything that a check-up found; ``obstacle`` is what kept it from asking Google at all."""

    installation: Installation
    caller: Caller = field(default_factory=Caller)
    emulator: str = ""
    project: Told = field(default_factory=Told)
    region: Told = field(default_factory=Told)
    apis: tuple[Api, ...] = ()
    apis_failure: Failure | None = None
    holdings: tuple[Holding, ...] = ()
    holdings_failure: Failure | None = None
    log_reads: LogReads = field(default_factory=LogReads)
    obstacle: GcpdiagError | None = None

    def held(self, need: Need, grant: Grant) -> tuple[Permission, ...]:
        """Return the permissions of a group that are granted, missing or unknown."""
        return tuple(one.permission for one in self.holdings if (one.permission.need, one.grant) == (need, grant))

    def to_grant(self, need: Need) -> tuple[Permission, ...]:
        """Return the permissions of a group to be granted: what is missing, and what a project cannot tell of."""
        asked = self.held(need, "unknown") if self.holdings_failure is None else ()
        return (*self.held(need, "missing"), *(one for one in asked if one.on_account))

    def apis_that_are(self, switch: ApiSwitch) -> tuple[str, ...]:
        """Return the APIs that are on, off or unknown."""
        return tuple(one.name for one in self.apis if one.switch == switch)

    @property
    def verdict(self) -> Verdict:
        """Whether triage can work with all that."""
        if self.obstacle is not None:
            return Verdict(readiness="blocked", reason=self.obstacle.problem)
        if self._is_out_of_sight:
            return Verdict(readiness="blocked", reason=f"nothing can be read in project {self._hidden_project}")
        return self._verdict_of_sources()

    @property
    def _hidden_project(self) -> str:
        failure = self.holdings_failure
        if failure is None or failure.kind in {"denied", "not-found"}:
            return f"{self.project.value}: it does not exist, or you may not see it"
        return f"{self.project.value}: {_IN_SHORT.get(failure.kind, failure.text)}"

    @property
    def _is_out_of_sight(self) -> bool:
        """Neither question about the project was answered, in a way that leaves little hope for others."""
        failure = self.holdings_failure
        return failure is not None and failure.kind not in _SAYS_NOTHING and self.apis_failure is not None

    def _verdict_of_sources(self) -> Verdict:
        off = set(self.apis_that_are("off"))
        wanted = [one for one in self.holdings if one.permission.need == "triage"]
        without = tuple(_lost(one, off) for one in wanted if one.grant == "missing" or one.permission.api in off)
        unsure = tuple(
            one.permission.purpose for one in wanted if one.grant == "unknown" and one.permission.api not in off
        )
        if len(without) == len(wanted):
            denied = any(one.grant == "missing" for one in wanted)
            reason = "none of its permissions is granted" if denied else "the APIs that it reads are off"
            return Verdict(readiness="blocked", without=without, reason=f"{reason} on project {self.project.value}")
        if len(unsure) == len(wanted):
            return Verdict(readiness="unverified", unsure=unsure, reason="which permissions you have is not known")
        unknown_apis = "which APIs are on is not known" if self.apis_that_are("unknown") else ""
        if without or unsure or unknown_apis:
            return Verdict(readiness="partial", without=without, unsure=unsure, reason=unknown_apis)
        return Verdict(readiness="ready")


def _lost(holding: Holding, off: set[str]) -> str:
    purpose = holding.permission.purpose
    return f"{purpose} (API off)" if holding.permission.api in off else purpose


def enable_command(api: str, project: str) -> str:
    """Return the command that turns an API on."""
    return f"gcloud services enable {quote(api)} --project={quote(project)}"


def grant_command(permission: Permission, caller: Caller, project: str) -> str:
    """Return the command that grants the smallest predefined role with a permission, where it belongs."""
    if permission.on_account:
        return (
            "gcloud iam service-accounts add-iam-policy-binding RUNTIME_SERVICE_ACCOUNT"
            f" --project={quote(project)} --member={quote(caller.member)} --role={permission.role}"
        )
    return _bind_command(permission.role, caller, project)


def grant_commands(permissions: Iterable[Permission], caller: Caller, project: str) -> tuple[str, ...]:
    """Return the fewest commands that grant all of these permissions by predefined roles."""
    wanted = tuple(permissions)
    on_project = tuple(one for one in wanted if not one.on_account)
    commands = [_bind_command(role, caller, project) for role in smallest_roles(on_project)]
    return (*commands, *(grant_command(one, caller, project) for one in wanted if one.on_account))


def _bind_command(role: str, caller: Caller, project: str) -> str:
    return f"gcloud projects add-iam-policy-binding {quote(project)} --member={quote(caller.member)} --role={role}"
