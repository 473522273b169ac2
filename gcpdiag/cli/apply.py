"""``gcpdiag apply`` and ``gcpdiag undo``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Unpack

import click

from gcpdiag.cli.carry import (
    CarryOptions,
    Command,
    Order,
    access_options,
    carry_options,
    carry_out,
    carry_out_alone,
    echo_json,
    journal_and_locks,
    workshop_of,
)

if TYPE_CHECKING:
    from datetime import datetime

    from gcpdiag.gcp.access import AccessOptions
    from gcpdiag.model.plan import Plan
    from gcpdiag.remediate.history import Change
    from gcpdiag.remediate.receipt import Receipt
    from gcpdiag.remediate.session import Session

_ID_BYTES = 4


class ApplyOptions(CarryOptions):
    """What the options of ``_shared_options`` give to a command, by parameter."""

    output: str
    reason: str
    production: bool
    impersonate: str
    quota_project: str
    token_file: Path | None


_OPTIONS = (
    click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What was done as text for people, or as JSON for programs.",
    ),
    click.option("--reason", default="", help="Why; the journal keeps it."),
    click.option("--production", is_flag=True, help="Yes, this is a production project."),
    *access_options,
)


def _shared_options(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return carry_options(command)


@click.command(epilog="Example: gcpdiag apply plan.json")
@click.argument("path", metavar="PLAN", type=click.Path(path_type=Path))
@_shared_options
def apply(path: Path, **options: Unpack[ApplyOptions]) -> None:
    """Do exactly what PLAN says, or refuse.

    Guards judge it again right before; the change is shown and asked about. Exit code 0: done; 1: it failed, and what
    was changed is printed; 3: the service could not be read; 4: refused, and nothing was changed.
    """
    from gcpdiag.remediate.document import load_plan
    from gcpdiag.remediate.session import open_session

    plan = load_plan(path)
    access = _access(options)
    with open_session(plan.project, access) as session:
        if plan.steps[0].kind == "probe":
            _probe_inside(plan, session, options)
        carry_out_alone(_order(plan, session, access, options))


def _probe_inside(plan: Plan, session: Session, options: ApplyOptions) -> NoReturn:
    """Run the job of a plan of `gcpdiag verify`, show what it saw and end the command with verify's exit code."""
    from datetime import UTC, datetime

    from gcpdiag.cli.job_options import Consent
    from gcpdiag.cli.verify import exit_code_of, show
    from gcpdiag.cli.verify_job import apply_job_plan
    from gcpdiag.verify.verification import assemble

    consent = Consent(
        yes=options["yes"],
        reason=options["reason"],
        production=options["production"],
        confirm=options["confirm"],
        policy=options["policy"],
    )
    at = datetime.now(UTC)
    made, probed = apply_job_plan(plan, session, consent)
    verification = assemble(made.targets, probed, at=at, project=plan.project)
    show(verification, options["output"])
    raise click.exceptions.Exit(exit_code_of(verification))


@click.command(epilog="Example: gcpdiag undo --incident")
@click.argument("name", metavar="[ID]", default="")
@click.option("--incident", is_flag=True, help="Take back every change of the incident that goes on, newest first.")
@click.option("--project", default="", help="The project; by default gcloud's own, or the credentials'.")
@_shared_options
def undo(name: str, *, incident: bool, project: str, **options: Unpack[ApplyOptions]) -> None:
    """Take a change back: the one with this ID of `gcpdiag history` (or of its plan), else the last one.

    It is a plan of its own: shown, judged, asked about, journalled. What somebody changed since is left alone.
    """
    from gcpdiag.errors import UsageError
    from gcpdiag.remediate.history import changes_of
    from gcpdiag.remediate.refusal import NothingToDoError
    from gcpdiag.remediate.session import open_session
    from gcpdiag.remediate.undo import changes_to_undo

    if name and incident:
        raise UsageError("an ID and --incident exclude each other")
    journal, _ = journal_and_locks()
    named = next((one for one in changes_of(journal.read().records) if name in (one.id, one.run, one.plan)), None)
    access = _access(options)
    with open_session(project or (named.project if named else ""), access) as session:
        try:
            _settle_first(session)
            wanted = changes_to_undo(
                changes_of(journal.read().records),
                name=name,
                project=session.project,
                incident=incident,
                now=workshop_of(session).clock.now(),
            )
            _undo_each(wanted, session, access, options, several=incident)
        except NothingToDoError as error:
            click.echo(f"gcpdiag: {error}; there is nothing to do", err=True)
            if options["output"] == "json":
                echo_json({"schema": "gcpdiag.receipts/v1", "receipts": []})


def _undo_each(
    wanted: Sequence[Change], session: Session, access: AccessOptions, options: ApplyOptions, *, several: bool
) -> None:
    """Take changes back one after the other; the first that does not go back ends it."""
    if not several:
        plan = _undo_plan(wanted[0], session, options)
        carry_out_alone(_order(plan, session, access, options, undoes=wanted[0].id))
    receipts: list[Receipt] = []
    try:
        for change in wanted:
            plan = _undo_plan(change, session, options)
            receipts.append(carry_out(_order(plan, session, access, options, undoes=change.id)))
            if receipts[-1].exit_code:
                break
    finally:  # what was taken back is told, whatever becomes of the rest
        if options["output"] == "json":
            echo_json({"schema": "gcpdiag.receipts/v1", "receipts": [one.to_json() for one in receipts]})
    raise click.exceptions.Exit(max(one.exit_code for one in receipts))


def _undo_plan(change: Change, session: Session, options: ApplyOptions) -> Plan:
    import secrets

    from gcpdiag.gcp.failure import CallError
    from gcpdiag.remediate.planning import Occasion
    from gcpdiag.remediate.target import unreachable
    from gcpdiag.remediate.undo import undo_plan

    reason = options["reason"] or f"takes {change.id} back"
    occasion = Occasion(author=session.author, host=session.host, reason=reason, production=options["production"])
    try:
        service = session.writer.get_service(change.target)
    except CallError as error:
        raise unreachable(error) from error
    return undo_plan(change, service, occasion, plan_id=secrets.token_hex(_ID_BYTES), now=_now(session))


def _now(session: Session) -> datetime:
    return workshop_of(session).clock.now()


def _settle_first(session: Session) -> None:
    """Settle what was interrupted, so that only what is known is taken back."""
    from gcpdiag.remediate.resume import resume

    for one in resume(workshop_of(session), patience=0):
        if one.result != "running":  # that one has the lock, and the guards will say so
            click.echo(f"gcpdiag: {one.run} was interrupted: {one.result}, {one.message}", err=True)


def _access(options: ApplyOptions) -> AccessOptions:
    from gcpdiag.gcp.access import AccessOptions

    return AccessOptions(
        impersonate=options["impersonate"], quota_project=options["quota_project"], token_file=options["token_file"]
    )


def _order(plan: Plan, session: Session, access: AccessOptions, options: ApplyOptions, *, undoes: str = "") -> Order:
    return Order(
        plan=plan,
        session=session,
        access=access,
        options=options,
        output=options["output"],
        reason=options["reason"],
        production=options["production"],
        undoes=undoes,
    )
