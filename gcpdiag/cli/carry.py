"""Carrying a plan out: judged, agreed to, done, and told; what every command that changes anything shares."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

if TYPE_CHECKING:
    from gcpdiag.gcp.access import AccessOptions
    from gcpdiag.model.json import JsonObject
    from gcpdiag.model.plan import Plan
    from gcpdiag.remediate.journal import Journal
    from gcpdiag.remediate.lease import LocalLocks
    from gcpdiag.remediate.receipt import Receipt
    from gcpdiag.remediate.request import Request, Workshop
    from gcpdiag.remediate.session import Session

Command = TypeVar("Command", bound=Callable[..., object])
_ID_BYTES = 4


class CarryOptions(TypedDict):
    """What the options of ``carry_options`` give to a command, by parameter."""

    yes: bool
    confirm: str
    verify: bool
    auto_rollback: bool
    overrides: tuple[str, ...]
    policy: Path | None


_OPTIONS = (
    click.option("--yes", is_flag=True, help="Do not ask; guards still do."),
    click.option("--confirm", default="", metavar="SERVICE", help="The service's name, typed, for production."),
    click.option("--verify", is_flag=True, help="Check recovery afterwards, and take the change back if it failed."),
    click.option(
        "--no-auto-rollback",
        "auto_rollback",
        flag_value=False,
        default=True,
        help="Keep the change even if the recovery check fails.",
    ),
    click.option(
        "--override",
        "overrides",
        multiple=True,
        metavar="GUARD",
        help="Go on although this guard refuses; takes --reason, which the journal keeps.",
    ),
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The policy; by default the nearest gcpdiag.toml, from here upwards.",
    ),
)
CARRY_NAMES = frozenset(CarryOptions.__annotations__)
"""The parameters of ``carry_options``."""


def carry_options(command: Command) -> Command:
    """Give a command the options that ``CarryOptions`` names."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


access_options = (
    click.option(
        "--impersonate-service-account", "impersonate", default="", help="Act as this service account (its e-mail)."
    ),
    click.option("--quota-project", default="", help="The project that the calls are counted against."),
    click.option(
        "--access-token-file",
        "token_file",
        type=click.Path(path_type=Path),
        help="A file with an OAuth access token, instead of Application Default Credentials.",
    ),
)
"""Options that say how to sign in."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A plan to carry out, and all that was said about how; ``undoes`` is the change that it takes back."""

    plan: Plan
    session: Session
    access: AccessOptions
    options: CarryOptions
    output: str
    reason: str = ""
    production: bool = False
    undoes: str = ""


def carry_out(order: Order) -> Receipt:
    """Show a plan, judge it, ask, apply it and tell how that ended; the receipt is returned and not printed as JSON.

    RefusedError with nothing changed when guards refuse, nobody is there to ask, or the answer is no.
    """
    from gcpdiag.remediate.account import render_receipt, render_verdicts
    from gcpdiag.remediate.apply import apply_plan, judge
    from gcpdiag.remediate.guard import GuardsRefusedError
    from gcpdiag.remediate.preview import render_plan

    workshop = workshop_of(order.session)
    request = _request(order, workshop)
    to_people = order.output != "json"
    click.echo(render_plan(order.plan), nl=False, err=not to_people)
    verdicts = judge(order.plan, workshop, request)
    click.echo(render_verdicts(verdicts), nl=False, err=not to_people)
    if any(one.stops for one in verdicts):
        workshop.journal.append(
            "refused",
            request.run,
            {"who": request.actor, "target": order.plan.steps[0].target, "guards": [one.to_json() for one in verdicts]},
            at=workshop.clock.now(),
        )
        raise GuardsRefusedError(verdicts)
    _ask(order)
    try:
        receipt = apply_plan(order.plan, workshop, request)
    except KeyboardInterrupt:
        click.echo("gcpdiag: run `gcpdiag resume` to see what became of it, and to take the lock away", err=True)
        raise
    if to_people:
        click.echo(f"\n{render_receipt(receipt)}", nl=False)
    return receipt


def advise(plan: Plan, session: Session) -> None:
    """Say on standard error which guards would refuse a plan at this moment; nothing is diagnosed for that."""
    from gcpdiag.remediate.account import render_verdicts
    from gcpdiag.remediate.apply import judge
    from gcpdiag.remediate.policy import load_policy
    from gcpdiag.remediate.request import Request

    request = Request(
        digest=plan.digest,
        actor=session.author,
        host=session.host,
        run="",
        policy=load_policy(None, Path.cwd()),
        production=plan.production,
        confirmed=plan.steps[0].service,  # it is asked for when the plan is carried out
    )
    verdicts = judge(plan, workshop_of(session), request)
    standing = [one for one in verdicts if one.stops and one.outcome == "refused"]
    if standing:
        click.echo(
            f"gcpdiag: as things stand, guards would refuse this:\n{render_verdicts(standing)}", nl=False, err=True
        )


def carry_out_alone(order: Order) -> None:
    """Carry one plan out and end the command with its exit code; as JSON the receipt is all there is on stdout."""
    from gcpdiag.remediate.guard import GuardsRefusedError
    from gcpdiag.remediate.receipt import refusal_to_json
    from gcpdiag.remediate.refusal import RefusedError

    try:
        receipt = carry_out(order)
    except RefusedError as error:
        if order.output == "json":
            verdicts = error.verdicts if isinstance(error, GuardsRefusedError) else ()
            echo_json(refusal_to_json(order.plan.id, order.plan.steps[0].target, verdicts, str(error)))
        raise
    if order.output == "json":
        echo_json(receipt.to_json())
    raise click.exceptions.Exit(receipt.exit_code)


def journal_and_locks() -> tuple[Journal, LocalLocks]:
    """Return the user's journal, and the lock files beside it."""
    from gcpdiag.remediate.journal import Journal, journal_path
    from gcpdiag.remediate.lease import LocalLocks

    path = journal_path()
    return Journal(path), LocalLocks(path.parent / "locks")


def workshop_of(session: Session) -> Workshop:
    """Return what applying needs, with progress on standard error."""
    from gcpdiag.collect.live import Clock
    from gcpdiag.remediate.request import Workshop

    journal, locks = journal_and_locks()
    return Workshop(writer=session.writer, journal=journal, locks=locks, clock=Clock(), on_progress=_Progress().show)


def echo_json(document: JsonObject) -> None:
    """Write a document to standard output."""
    import json

    click.echo(json.dumps(document, indent=2))


def _request(order: Order, workshop: Workshop) -> Request:
    import secrets

    from gcpdiag.cli.recovery import diagnose_now, verification_of
    from gcpdiag.remediate.guard import Overrides
    from gcpdiag.remediate.policy import load_policy
    from gcpdiag.remediate.request import Request

    options = order.options
    policy = load_policy(options["policy"], Path.cwd())
    overrides = Overrides(guards=options["overrides"], reason=order.reason)
    seen = None if order.undoes else diagnose_now(order.plan, order.access)
    return Request(
        digest=order.plan.digest,
        actor=order.session.author,
        host=order.session.host,
        run=secrets.token_hex(_ID_BYTES),
        policy=policy,
        overrides=overrides,
        production=order.production,
        confirmed=_confirmed(order, is_production=policy.is_production(order.plan.project) or order.plan.production),
        diagnosis=seen.diagnosis if seen else None,
        max_connections=seen.max_connections if seen else None,
        undoes=order.undoes,
        verify=verification_of(order.plan, order.access, workshop.clock) if options["verify"] else None,
        auto_rollback=options["auto_rollback"],
    )


def _confirmed(order: Order, *, is_production: bool) -> str:
    """Return the service's name as a person has typed it, where production asks for that."""
    told = order.options["confirm"]
    if told or not (is_production and order.production and sys.stdin.isatty()):
        return told
    name = order.plan.steps[0].service
    answer = click.prompt(f"This is production. Type the service's name ({name}) to go on", default="", err=True)
    return str(answer)


def _ask(order: Order) -> None:
    """Raise RefusedError unless a person agrees, or has agreed beforehand."""
    from gcpdiag.remediate.refusal import RefusedError

    if order.options["yes"]:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            "nobody can be asked, and nothing was changed",
            cause="there is no terminal",
            hint="Give --yes if this is what you want",
        )
    if not click.confirm("Carry this out?", default=False, err=True):
        raise RefusedError("nothing was changed", cause="you did not agree")


class _Progress:
    """Lines on standard error: one that changes in place on a terminal, each new one elsewhere."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, text: str) -> None:
        shown = "".join(one if one.isprintable() else " " for one in text)
        if shown != self._last:
            click.echo(f"gcpdiag: {shown}", err=True)
        self._last = shown
