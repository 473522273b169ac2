"""``gcpdiag verify --from cloud-run-job``: the same probes, from where a service is."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypedDict, TypeVar

import click

from gcpdiag.cli.carry import echo_json, journal_and_locks
from gcpdiag.cli.live import LiveOptions
from gcpdiag.errors import UsageError

if TYPE_CHECKING:
    from gcpdiag.remediate.guard import Verdict
    from gcpdiag.remediate.job_plan import JobPlan
    from gcpdiag.remediate.job_run import JobShop
    from gcpdiag.remediate.policy import Policy
    from gcpdiag.remediate.session import Session
    from gcpdiag.verify.runner import Probed
    from gcpdiag.verify.target import Target

Command = TypeVar("Command", bound=Callable[..., object])
Place = Literal["cloud-run-job"]
PLACE: Place = "cloud-run-job"
_REFUSED = 4
_ID_BYTES = 4


class JobOptions(TypedDict):
    """What the options of ``job_options`` give to a command, by parameter."""

    image: str
    apply: bool
    yes: bool
    reason: str
    production: bool
    confirm: str
    policy: Path | None


_OPTIONS = (
    click.option(
        "--image",
        default="",
        metavar="IMAGE",
        help="The job's image; REGION-docker.pkg.dev/PROJECT/gcpdiag/gcpdiag:VERSION by default (deploy/Dockerfile).",
    ),
    click.option("--apply", is_flag=True, help="Run the job; without it, its plan is shown and nothing is done."),
    click.option("--yes", is_flag=True, help="Do not ask before the job is made; guards still do."),
    click.option("--reason", default="", help="Why the job is run; the journal keeps it."),
    click.option("--production", is_flag=True, help="Yes, the job may run in a production project."),
    click.option("--confirm", default="", metavar="SERVICE", help="The service's name, typed, for production."),
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The policy; the nearest gcpdiag.toml by default.",
    ),
)


def job_options(command: Command) -> Command:
    """Give a command the options that ``JobOptions`` names."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class VerifyOptions(JobOptions):
    """What ``gcpdiag verify`` takes of ``LiveOptions`` and ``JobOptions``; ``--from`` has a parameter of its own."""

    project: str
    regions: tuple[str, ...]
    since: str
    end: datetime | None
    deadline: timedelta
    impersonate: str
    quota_project: str
    token_file: Path | None


def separated(options: VerifyOptions, *, start: datetime | None) -> tuple[LiveOptions, JobOptions]:
    """Return the options of a live project, and those of a job."""
    live = LiveOptions(
        project=options["project"],
        regions=options["regions"],
        since=options["since"],
        start=start,
        end=options["end"],
        deadline=options["deadline"],
        impersonate=options["impersonate"],
        quota_project=options["quota_project"],
        token_file=options["token_file"],
    )
    job = JobOptions(
        image=options["image"],
        apply=options["apply"],
        yes=options["yes"],
        reason=options["reason"],
        production=options["production"],
        confirm=options["confirm"],
        policy=options["policy"],
    )
    return live, job


def require_possible(job: JobOptions, services: Sequence[str], bundle: Path | None, *, inside: bool) -> None:
    """Raise UsageError for options of a job where there is none, and for a job that nobody can place."""
    if not inside:
        given = [name for name, value in job.items() if value]
        if given:
            raise UsageError(f"--{given[0]} has no meaning without --from {PLACE}")
        return
    if bundle is not None:
        raise UsageError(f"--bundle has no meaning with --from {PLACE}", hint="A job takes a live project")
    if len(services) != 1:
        raise UsageError(
            "which service's network?", hint=f"Give one --service with --from {PLACE}; the job runs where it is"
        )


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
        if not request.job["apply"]:
            _show_and_end(made, request, refused=refused)
        _agree(made, session, request)
        for run, name in _left(session, shop).items():
            from gcpdiag.remediate.job_run import delete_job

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


def _agree(made: JobPlan, session: Session, request: InsideRequest) -> None:
    """Show the plan on standard error and return when guards and a person have nothing against it."""
    from gcpdiag.remediate.account import render_verdicts
    from gcpdiag.remediate.guard import GuardsRefusedError
    from gcpdiag.remediate.job_guard import JobRequest, judge_job
    from gcpdiag.remediate.policy import load_policy
    from gcpdiag.remediate.preview import render_plan

    job = request.job
    policy = load_policy(job["policy"], Path.cwd())
    click.echo(render_plan(made.plan), nl=False, err=True)
    asked = JobRequest(
        digest=made.plan.digest,
        actor=session.author,
        policy=policy,
        production=job["production"],
        confirmed=_confirmed(made, request, policy),
    )
    verdicts: Sequence[Verdict] = judge_job(made, asked, now=datetime.now(UTC))
    click.echo(render_verdicts(verdicts), nl=False, err=True)
    if any(one.stops for one in verdicts):
        raise GuardsRefusedError(verdicts)
    _ask(yes=job["yes"])


def _confirmed(made: JobPlan, request: InsideRequest, policy: Policy) -> str:
    """Return the service's name as a person has typed it, where production asks for that."""
    job = request.job
    is_production = policy.is_production(made.plan.project) or job["production"]
    if job["confirm"] or not (is_production and job["production"] and sys.stdin.isatty()):
        return job["confirm"]
    asked = f"This is production. Type the service's name ({request.service}) to go on"
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
