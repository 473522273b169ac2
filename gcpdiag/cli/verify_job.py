"""``gcpdiag verify --from cloud-run-job``: the same probes, from where a service is."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from gcpdiag.cli.carry import echo_json, journal_and_locks
from gcpdiag.cli.job_options import Consent, JobOptions
from gcpdiag.cli.live import LiveOptions
from gcpdiag.errors import UsageError
from gcpdiag.model.json import text_at
from gcpdiag.model.resource import last_segment

if TYPE_CHECKING:
    from gcpdiag.model.plan import Plan
    from gcpdiag.remediate.guard import Verdict
    from gcpdiag.remediate.job_plan import JobPlan
    from gcpdiag.remediate.job_run import JobShop
    from gcpdiag.remediate.policy import Policy
    from gcpdiag.remediate.session import Session
    from gcpdiag.verify.runner import Probed
    from gcpdiag.verify.target import Target

_REFUSED = 4
_ID_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class InsideRequest:
    """What is to be probed from inside, of which service, and how."""

    targets: Sequence[Target]
    service: str
    deadline: timedelta
    output: str
    live: LiveOptions
    job: JobOptions


def probe_inside(request: InsideRequest) -> list[Probed]:
    """Return what a job saw of the targets, in their order; without ``--apply`` show its plan and end the command.

    RefusedError where guards or Cloud Run refuse, or nobody agrees; then nothing was made.
    """
    from gcpdiag.gcp.access import AccessOptions
    from gcpdiag.remediate.session import open_session

    live = request.live
    access = AccessOptions(
        impersonate=live["impersonate"], quota_project=live["quota_project"], token_file=live["token_file"]
    )
    with open_session(live["project"], access) as session, _shop_of(session) as shop:
        made, refused = _make(session, shop, request)
        if request.job["save"] and not refused:
            from gcpdiag.remediate.document import save_plan

            save_plan(made.plan, request.job["save"])
        if not request.job["apply"]:
            _show_and_end(made, request, refused=refused)
        return _agreed_and_done(made, session, shop, request.job)


def apply_job_plan(plan: Plan, session: Session, consent: Consent) -> tuple[JobPlan, list[Probed]]:
    """Carry out the plan of a job that was written down, and return it with what the job saw."""
    from gcpdiag.gcp.failure import CallError
    from gcpdiag.remediate.job_plan import job_plan_of, service_of
    from gcpdiag.remediate.target import unreachable

    try:
        service = session.writer.get_service(service_of(plan))
    except CallError as error:
        raise unreachable(error) from error
    made = job_plan_of(plan, service)
    with _shop_of(session) as shop:
        return made, _agreed_and_done(made, session, shop, consent)


def _agreed_and_done(made: JobPlan, session: Session, shop: JobShop, consent: Consent) -> list[Probed]:
    from gcpdiag.remediate.job_run import delete_job

    _agree(made, session, consent)
    for run, name in _left(session, shop).items():
        click.echo(f"gcpdiag: an earlier job was left, {name}", err=True)
        delete_job(name, shop, run=run)
    return _carry_out(made, shop)


def _make(session: Session, shop: JobShop, request: InsideRequest) -> tuple[JobPlan, bool]:
    """Return the plan, and whether Cloud Run refuses it; nothing is changed."""
    import secrets
    from dataclasses import replace

    from gcpdiag.gcp.failure import CallError
    from gcpdiag.remediate.job_plan import JobOptions as Wanted
    from gcpdiag.remediate.job_plan import plan_job, validate_job
    from gcpdiag.remediate.planning import Occasion
    from gcpdiag.remediate.target import find_target, unreachable

    if not request.targets:
        raise UsageError("there is nothing to probe", hint="Name targets, or leave --no-discover out")
    name = find_target(session, request.service, request.live["regions"])
    try:
        service = session.writer.get_service(name)
    except CallError as error:
        raise unreachable(error) from error
    job = request.job
    occasion = Occasion(author=session.author, host=session.host, reason=job["reason"], production=job["production"])
    wanted = Wanted(image=job["image"], probe_deadline=request.deadline)
    made = plan_job(
        service, request.targets, wanted, occasion, plan_id=secrets.token_hex(_ID_BYTES), now=datetime.now(UTC)
    )
    verdict = validate_job(shop.jobs, made)
    return replace(made, plan=replace(made.plan, validation=verdict.text)), verdict.is_refusal


def _show_and_end(made: JobPlan, request: InsideRequest, *, refused: bool) -> NoReturn:
    from gcpdiag.remediate.document import plan_to_json
    from gcpdiag.remediate.preview import render_plan

    if request.output == "json":
        echo_json(plan_to_json(made.plan))
    else:
        click.echo(render_plan(made.plan), nl=False)
    if refused:
        click.echo("gcpdiag: Cloud Run refuses this job; nothing was changed", err=True)
        raise click.exceptions.Exit(_REFUSED)
    click.echo("gcpdiag: nothing was probed or changed. Add --apply to run the job.", err=True)
    raise click.exceptions.Exit(0)


def _agree(made: JobPlan, session: Session, job: Consent) -> None:
    """Show the plan on standard error and return when guards and a person have nothing against it."""
    from gcpdiag.remediate.account import render_verdicts
    from gcpdiag.remediate.guard import GuardsRefusedError
    from gcpdiag.remediate.job_guard import JobRequest, judge_job
    from gcpdiag.remediate.policy import load_policy
    from gcpdiag.remediate.preview import render_plan

    policy = load_policy(job["policy"], Path.cwd())
    click.echo(render_plan(made.plan), nl=False, err=True)
    asked = JobRequest(
        digest=made.plan.digest,
        actor=session.author,
        policy=policy,
        production=job["production"],
        confirmed=_confirmed(made, job, policy),
    )
    verdicts: Sequence[Verdict] = judge_job(made, asked, now=datetime.now(UTC))
    click.echo(render_verdicts(verdicts), nl=False, err=True)
    if any(one.stops for one in verdicts):
        raise GuardsRefusedError(verdicts)
    _ask(yes=job["yes"])


def _confirmed(made: JobPlan, job: Consent, policy: Policy) -> str:
    """Return the service's name as a person has typed it, where production asks for that."""
    is_production = policy.is_production(made.plan.project) or job["production"]
    if job["confirm"] or not (is_production and job["production"] and sys.stdin.isatty()):
        return job["confirm"]
    name = last_segment(text_at(made.service, "name"))
    asked = f"This is production. Type the service's name ({name}) to go on"
    return str(click.prompt(asked, default="", err=True))


def _ask(*, yes: bool) -> None:
    from gcpdiag.remediate.refusal import RefusedError

    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            "nobody can be asked, and nothing was changed",
            cause="there is no terminal",
            hint="Give --yes if this is what you want",
        )
    if not click.confirm("Run this job?", default=False, err=True):
        raise RefusedError("nothing was changed", cause="you did not agree")


def _left(session: Session, shop: JobShop) -> dict[str, str]:
    from gcpdiag.remediate.history import project_of
    from gcpdiag.remediate.job_run import jobs_left

    left = jobs_left(shop.journal.read().records)
    return {run: name for run, name in left.items() if project_of(name) == session.project}


def _carry_out(made: JobPlan, shop: JobShop) -> list[Probed]:
    import secrets

    from gcpdiag.remediate.job_run import run_probe_job

    with _termination_as_interrupt():
        return run_probe_job(made, shop, run=secrets.token_hex(_ID_BYTES))


@contextmanager
def _shop_of(session: Session) -> Iterator[JobShop]:
    from gcpdiag.collect.live import Clock
    from gcpdiag.remediate.job_run import JobShop, open_jobs

    journal, _ = journal_and_locks()
    with open_jobs(session) as jobs:
        yield JobShop(
            jobs=jobs,
            entries=session.reader.entries,
            journal=journal,
            clock=Clock(),
            on_progress=lambda text: click.echo(f"gcpdiag: {text}", err=True),
        )


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM, as CI sends it, interrupt like Ctrl-C: so that the job is deleted then, too."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
