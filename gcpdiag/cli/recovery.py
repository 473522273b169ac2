"""What is wrong now, and whether it is over: a fresh diagnosis before a change, and the recovery check after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcpdiag.errors import GcpdiagError

if TYPE_CHECKING:
    from gcpdiag.bundle.read import Bundle
    from gcpdiag.gcp.access import AccessOptions
    from gcpdiag.model.diagnosis import Diagnosis
    from gcpdiag.model.plan import Plan
    from gcpdiag.model.verification import Verification
    from gcpdiag.remediate.rollout import Clock

_FILE = Path("gcpdiag.toml")
_WITHIN = timedelta(seconds=30)
_PATIENCE = 540.0  # seconds; records are decided about eight minutes after a change (delays of Logging, Monitoring)
_PAUSE = 20.0  # seconds between two checks


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A diagnosis made just now, and the connection limit of the database, where there is one that is known."""

    diagnosis: Diagnosis
    max_connections: int | None


def diagnose_now(plan: Plan, access: AccessOptions) -> Seen | None:
    """Return the diagnosis of the plan's service, or None, with the reason on standard error."""
    from gcpdiag.cli.options import library_of
    from gcpdiag.diagnose.engine import diagnose

    click.echo("gcpdiag: looking at what is wrong now", err=True)
    try:
        bundle = _collect(plan, access)
        diagnosis = diagnose(bundle, library_of(), services=(plan.steps[0].service,))
    except GcpdiagError as error:
        click.echo(f"gcpdiag: no diagnosis could be made: {error}", err=True)
        return None
    return Seen(diagnosis=diagnosis, max_connections=max_connections_in(bundle))


def max_connections_in(bundle: Bundle) -> int | None:
    """Return the connection limit of the project's database, if it has one that says so; of several, the lowest."""
    from gcpdiag.model.json import number_at, objects_at, text_at

    limits = [
        int(limit)
        for instance in bundle.resources("sqladmin.instances") or ()
        for flag in objects_at(instance, "settings.databaseFlags")
        if text_at(flag, "name") == "max_connections" and (limit := number_at(flag, "value"))
    ]
    return min(limits, default=None)


def verification_of(plan: Plan, access: AccessOptions, clock: Clock) -> Callable[[], bool | None]:
    """Return the recovery check of a plan's service: True when it is met, False when not, None when nobody can say."""

    def verify() -> bool | None:
        began = clock.now()
        verification = when_decided(lambda: _verified(plan, access, began), clock)
        _tell(verification)
        return {"met": True, "not met": False}.get(verification.outcome)

    return verify


def when_decided(check: Callable[[], Verification], clock: Clock) -> Verification:
    """Return the first verification that says yes or no, or the last one when the patience is over."""
    deadline = clock.monotonic() + _PATIENCE
    while True:
        verification = check()
        if verification.outcome in ("met", "not met") or clock.monotonic() + _PAUSE > deadline:
            return verification
        clock.sleep(_PAUSE)


def _verified(plan: Plan, access: AccessOptions, since: datetime) -> Verification:
    from gcpdiag.cli.options import library_of
    from gcpdiag.collect.scope import parse_duration
    from gcpdiag.verify.configuration import load_targets
    from gcpdiag.verify.discovery import find_targets
    from gcpdiag.verify.runner import Prober
    from gcpdiag.verify.verification import records_of, verify

    bundle = _collect(plan, access)
    service = plan.steps[0].service
    named = load_targets(_FILE, parse_duration) if _FILE.is_file() else []
    found = [one for one in find_targets(bundle, (service,)) if one.shown not in {told.shown for told in named}]
    records = records_of(bundle, library_of().catalogue, services=(service,), since=since)
    prober = Prober(identity=_identity(access), deadline=timedelta(seconds=10))
    return verify([*named, *found], prober, records=records, project=plan.project, since=since)


def _identity(access: AccessOptions) -> Callable[[str], Awaitable[str]]:
    from gcpdiag.verify.attempt import in_thread

    async def identity(audience: str) -> str:
        from gcpdiag.gcp.identity import fetch_identity_token

        return await in_thread(lambda: fetch_identity_token(audience, impersonate=access.impersonate))

    return identity


def _tell(verification: Verification) -> None:
    from gcpdiag.report.verification import render_verification

    click.echo(render_verification(verification, width=80, color=False), nl=False, err=True)


def _collect(plan: Plan, access: AccessOptions) -> Bundle:
    from gcpdiag.cli.live import LiveOptions, collect

    options = LiveOptions(
        project=plan.project,
        regions=(plan.steps[0].region,),
        since="",
        start=None,
        end=None,
        deadline=_WITHIN,
        impersonate=access.impersonate,
        quota_project=access.quota_project,
        token_file=access.token_file,
    )
    return collect(options, "triage").bundle
