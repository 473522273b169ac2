"""``gcpdiag restart``, ``scale``, ``rollback``, ``traffic unpin``, ``egress``, and ``gcpdiag plan`` of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias, Unpack

import click

from gcpdiag.cli.act_options import ActOptions, act_options, apply_option, limit_options, setting_option, to_option
from gcpdiag.cli.carry import CARRY_NAMES, Order, advise, carry_out_alone

if TYPE_CHECKING:
    from gcpdiag.gcp.access import AccessOptions
    from gcpdiag.model.json import JsonObject
    from gcpdiag.model.plan import Plan, Step
    from gcpdiag.remediate.session import Session

_REFUSED = 4
_ID_BYTES = 4

Stepper: TypeAlias = "Callable[[Session, JsonObject, list[JsonObject]], Step]"
"""Makes the step of one command from the service and its revisions, as they were just read."""


@click.command(epilog="Example: gcpdiag restart checkout --region us-central1")
@act_options
@apply_option
def restart(service: str, **options: Unpack[ActOptions]) -> None:
    """Replace every instance of SERVICE by a fresh one: a new revision, same image and configuration.

    Nothing is changed without --apply: the plan is made, checked by Cloud Run, and shown.
    """
    _act(service, _restart, options)


@click.command(epilog="Example: gcpdiag scale checkout --memory 2Gi --cpu 2")
@act_options
@limit_options
@apply_option
def scale(
    service: str,
    memory: str,
    cpu: str,
    min_instances: int | None,
    max_instances: int | None,
    concurrency: int | None,
    **options: Unpack[ActOptions],
) -> None:
    """Give SERVICE other limits of memory, CPU, concurrency or instances.

    Instances are bounded at the level of the service where that is enough; all else takes a new revision. Nothing is
    changed without --apply.
    """
    _act(service, _scaling(memory, cpu, min_instances, max_instances, concurrency), options)


@click.command(epilog="Example: gcpdiag rollback checkout --to checkout-00041-abc")
@act_options
@to_option
@apply_option
def rollback(service: str, to: str, **options: Unpack[ActOptions]) -> None:
    """Send all traffic of SERVICE to the last revision that served without 5xx.

    Schema and data do not roll back, and traffic stays pinned until `gcpdiag traffic unpin`. Nothing is changed without
    --apply.
    """
    _act(service, _rolling_back(to), options)


@click.group()
def traffic() -> None:
    """Change where the requests of a service go."""


@traffic.command(epilog="Example: gcpdiag traffic unpin checkout")
@act_options
@apply_option
def unpin(service: str, **options: Unpack[ActOptions]) -> None:
    """Send all traffic of SERVICE to its latest revision again, after a rollback or a split.

    Nothing is changed without --apply.
    """
    _act(service, _unpin, options)


@click.command(epilog="Example: gcpdiag egress checkout --setting private-ranges-only")
@act_options
@setting_option
@apply_option
def egress(service: str, setting: str, **options: Unpack[ActOptions]) -> None:
    """Choose which outgoing requests of SERVICE take the VPC; this takes a new revision.

    Nothing is changed without --apply.
    """
    _act(service, _egress(setting), options)


@click.group(epilog="Example: gcpdiag plan scale checkout --memory 2Gi -o plan.json")
def plan() -> None:
    """Make a plan and change nothing; `gcpdiag apply FILE` carries it out within 15 minutes."""


def _planned(command: click.Command) -> click.Command:
    """Return a command that only plans: the same, without ``--apply``."""
    return type(command)(
        name=command.name,
        callback=command.callback,
        params=[one for one in command.params if one.name not in (CARRY_NAMES | {"apply"})],
        help=(command.help or "").split("\n\n", maxsplit=1)[0],
        epilog=(command.epilog or "").replace("gcpdiag ", "gcpdiag plan ").replace(" traffic unpin", " unpin"),
    )


for _command in (restart, scale, rollback, unpin, egress):
    plan.add_command(_planned(_command))


def _restart(_session: Session, service: JsonObject, revisions: list[JsonObject]) -> Step:
    from gcpdiag.remediate.action_restart import plan_restart

    return plan_restart(service, revisions, now=datetime.now(UTC))


def _scaling(
    memory: str, cpu: str, min_instances: int | None, max_instances: int | None, concurrency: int | None
) -> Stepper:
    from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale

    wanted = ScaleOptions(
        memory=memory, cpu=cpu, min_instances=min_instances, max_instances=max_instances, concurrency=concurrency
    )
    wanted.require_possible()
    return lambda _session, service, revisions: plan_scale(service, revisions, wanted)


def _rolling_back(to: str) -> Stepper:
    def step(session: Session, service: JsonObject, revisions: list[JsonObject]) -> Step:
        from gcpdiag.remediate.action_rollback import RollbackOptions, plan_rollback
        from gcpdiag.remediate.request_count import count_requests

        served = count_requests(session.reader, str(service["name"]), now=datetime.now(UTC))
        return plan_rollback(service, revisions, RollbackOptions(to=to, served=served))

    return step


def _unpin(_session: Session, service: JsonObject, revisions: list[JsonObject]) -> Step:
    from gcpdiag.remediate.action_traffic import plan_unpin

    return plan_unpin(service, revisions)


def _egress(setting: str) -> Stepper:
    from gcpdiag.remediate.action_egress import SETTINGS, plan_egress

    return lambda _session, service, revisions: plan_egress(service, revisions, SETTINGS[setting])


def _act(service: str, stepper: Stepper, options: ActOptions) -> None:
    """Make the plan of a command; show and keep it, or carry it out."""
    from gcpdiag.remediate.refusal import NothingToDoError
    from gcpdiag.remediate.session import open_session

    with open_session(options["project"], _access(options)) as session:
        try:
            made, refused = _make(session, service, stepper, options)
        except NothingToDoError as error:
            _show_nothing(error, options["output"])
            return
        if options.get("apply") and not refused:
            _carry_out(made, session, options)
            return
        _show(made, options, refused=refused)
        advise(made, session)
    if refused:
        click.echo("gcpdiag: Cloud Run refuses this change; nothing was changed", err=True)
        raise click.exceptions.Exit(_REFUSED)


def _make(session: Session, service: str, stepper: Stepper, options: ActOptions) -> tuple[Plan, bool]:
    """Return the plan, and whether Cloud Run refuses it; nothing is changed."""
    import secrets

    from gcpdiag.gcp.failure import CallError
    from gcpdiag.remediate.planning import Occasion, plan_of
    from gcpdiag.remediate.target import find_target, unreachable
    from gcpdiag.remediate.validate import validate

    name = find_target(session, service, options["regions"])
    try:
        before = session.writer.get_service(name)
        step = stepper(session, before, session.writer.list_revisions(name))
    except CallError as error:
        raise unreachable(error) from error
    verdict = validate(session.writer, step, before)
    occasion = Occasion(
        author=session.author,
        host=session.host,
        reason=options["reason"],
        causes=options["causes"],
        confidence=options["confidence"],
        production=options["production"],
    )
    made = plan_of(
        [step], occasion, plan_id=secrets.token_hex(_ID_BYTES), now=datetime.now(UTC), validation=verdict.text
    )
    return made, verdict.is_refusal


def _show(made: Plan, options: ActOptions, *, refused: bool) -> None:
    """Write the plan to standard output, and to a file where one is wanted; one that is refused is not kept."""
    from gcpdiag.remediate.document import plan_to_json, save_plan
    from gcpdiag.remediate.preview import render_plan

    if options["save"] and not refused:
        save_plan(made, options["save"])
    if options["output"] == "json":
        _echo_json(plan_to_json(made))
        return
    click.echo(render_plan(made), nl=False)
    if not refused:
        click.echo(f"\nNothing was changed. {_next_step(options)}")


def _next_step(options: ActOptions) -> str:
    if options["save"]:
        return f"Carry it out with `gcpdiag apply {options['save']}`."
    return "Add --apply to carry it out." if "apply" in options else "Keep it with -o FILE, for `gcpdiag apply FILE`."


def _show_nothing(error: Exception, output: str) -> None:
    """Say that the service is as it is wanted; as JSON that is a plan without steps."""
    if output == "json":
        _echo_json({"schema": "gcpdiag.plan/v1", "steps": [], "reason": str(error)})
    click.echo(f"gcpdiag: {error}; there is nothing to do", err=True)


def _echo_json(document: JsonObject) -> None:
    import json

    click.echo(json.dumps(document, indent=2))


def _carry_out(plan: Plan, session: Session, options: ActOptions) -> None:
    """Carry a plan out, and keep it where it shall be kept."""
    from gcpdiag.remediate.document import save_plan

    if options["save"]:
        save_plan(plan, options["save"])
    carry_out_alone(
        Order(
            plan=plan,
            session=session,
            access=_access(options),
            options=options,
            output=options["output"],
            reason=options["reason"],
            production=options["production"],
        )
    )


def _access(options: ActOptions) -> AccessOptions:
    from gcpdiag.gcp.access import AccessOptions

    return AccessOptions(
        impersonate=options["impersonate"], quota_project=options["quota_project"], token_file=options["token_file"]
    )
