"""Options of ``gcpdiag verify`` for a job that probes from inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypedDict, TypeVar

import click

from gcpdiag.cli.live import LiveOptions
from gcpdiag.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., object])
Place = Literal["cloud-run-job"]
PLACE: Place = "cloud-run-job"


class Consent(TypedDict):
    """What people say when they want a job run."""

    yes: bool
    reason: str
    production: bool
    confirm: str
    policy: Path | None


class JobOptions(Consent):
    """What the options of ``job_options`` give to a command, by parameter."""

    image: str
    apply: bool
    save: Path | None


_OPTIONS = (
    click.option(
        "--image",
        default="",
        metavar="IMAGE",
        help="The job's image; REGION-docker.pkg.dev/PROJECT/gcpdiag/gcpdiag:VERSION by default (deploy/Dockerfile).",
    ),
    click.option("--apply", is_flag=True, help="Run the job; without it, its plan is shown and nothing is done."),
    click.option("--yes", is_flag=True, help="Do not ask before the job is made; guards still do."),
    click.option(
        "--save", type=click.Path(path_type=Path), metavar="FILE", help="Keep the job's plan, for `gcpdiag apply FILE`."
    ),
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
        save=options["save"],
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
