"""``gcpdiag verify``: is it over? Probes and records against the criteria of recovery."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from gcpdiag.cli.job_options import PLACE, Place, VerifyOptions, job_options, require_possible, separated
from gcpdiag.cli.live import LiveOptions, live_options_with, moment_of
from gcpdiag.cli.options import library_of, playbooks_option
from gcpdiag.cli.probing import prober_of, targets_of_file
from gcpdiag.cli.verify_job import InsideRequest, probe_inside
from gcpdiag.errors import GcpdiagError, UnreachableError, UsageError
from gcpdiag.model.window import in_utc, is_credible

if TYPE_CHECKING:
    from gcpdiag.bundle.read import Bundle
    from gcpdiag.model.verification import Criterion, Verification
    from gcpdiag.verify.target import Target

_MET, _NOTHING, _NOT_MET, _UNDECIDED = 0, 3, 10, 11
_WIDTHS = (60, 140)


def _moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """Return the time that is given in RFC 3339, or as how long ago it was."""
    from gcpdiag.collect.scope import parse_duration

    if text is None:
        return None
    try:
        return datetime.now(UTC) - parse_duration(text)
    except UsageError:
        pass
    try:
        moment = in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        told = f"{text!r} is neither a time (2025-09-15T20:03:00Z) nor how long ago it was (12m)"
        raise click.BadParameter(told) from error
    if not is_credible(moment):
        raise click.BadParameter(f"there are no records of the year {moment.year}")
    return moment


def _origin(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | Place | None:
    """Return the place that probes run from, or else the time that the window starts at."""
    return PLACE if text == PLACE else moment_of(context, parameter, text)


_from_option = click.option(
    "--from",
    "origin",
    callback=_origin,
    metavar="TIME|cloud-run-job",
    help="Where the window starts; or cloud-run-job: probe from inside the network of --service, by a short job.",
)


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> timedelta:
    from gcpdiag.collect.scope import parse_duration

    try:
        return parse_duration(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def _targets(kind: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], list[Target]]:
    """Return what turns the values of an option into targets; a value is not repeated in a complaint."""

    def targets(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> list[Target]:
        if not texts:
            return []
        from gcpdiag.verify import flag

        parse: Callable[[str], Target] = {
            "http": flag.http_target,
            "websocket": flag.websocket_target,
            "tcp": flag.tcp_target,
            "postgresql": flag.postgresql_target,
            "redis": flag.redis_target,
            "clickhouse": flag.clickhouse_target,
        }[kind]
        try:
            return [parse(text) for text in texts]
        except GcpdiagError as error:
            raise click.BadParameter(str(error)) from error

    return targets


@click.command(
    epilog="Example: gcpdiag verify --project my-project --http https://api.example.com/health --since-action 10m"
)
@click.option(
    "--http", multiple=True, callback=_targets("http"), metavar="URL", help="Must answer 200, thrice in a row."
)
@click.option(
    "--websocket", multiple=True, callback=_targets("websocket"), metavar="URL", help="Must accept the handshake."
)
@click.option("--tcp", multiple=True, callback=_targets("tcp"), metavar="HOST:PORT", help="Must accept a connection.")
@click.option(
    "--postgresql",
    multiple=True,
    callback=_targets("postgresql"),
    metavar="URL",
    help="Must answer within 2 s: [USER@]HOST[:PORT][/DATABASE][?password_env=NAME].",
)
@click.option(
    "--redis",
    multiple=True,
    callback=_targets("redis"),
    metavar="URL",
    help="Must answer within 2 s and take writes: [rediss://][USER@]HOST[:PORT][/N][?password_env=NAME].",
)
@click.option(
    "--clickhouse",
    multiple=True,
    callback=_targets("clickhouse"),
    metavar="URL",
    help="Must answer within 2 s: http[s]://HOST:8123, or clickhouse[s]://HOST:9000 for the native port.",
)
@click.option(
    "--targets",
    "file",
    type=click.Path(path_type=Path),
    help="A file with [[verify.targets]]; ./gcpdiag.toml by default, where there is one.",
)
@click.option(
    "--bundle",
    "path",
    type=click.Path(path_type=Path),
    help="Take topology and records from this incident bundle instead of a live project.",
)
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@click.option(
    "--discover/--no-discover", default=True, help="Whether to probe what topology names as well.", show_default=True
)
@click.option(
    "--since-action",
    callback=_moment,
    metavar="TIME",
    help="When something was done about it: records from then on must be good. A time, or how long ago, such as 12m.",
)
@click.option(
    "--timeout",
    callback=_duration,
    default="10s",
    metavar="DURATION",
    show_default=True,
    help="How long every probe has; all run side by side.",
)
@click.option("--inside", is_flag=True, help="This machine is in the services' network: private addresses count.")
@live_options_with(_from_option)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "markdown", "json", "junit"]),
    default="text",
    show_default=True,
    help="A checklist for the terminal, Markdown for a ticket, JSON for programs, or JUnit's XML for CI.",
)
@playbooks_option
@job_options
def verify(  # noqa: PLR0913 - click passes every option by name
    *,
    http: list[Target],
    websocket: list[Target],
    tcp: list[Target],
    postgresql: list[Target],
    redis: list[Target],
    clickhouse: list[Target],
    file: Path | None,
    path: Path | None,
    services: tuple[str, ...],
    discover: bool,
    since_action: datetime | None,
    timeout: timedelta,
    inside: bool,
    output: str,
    playbooks: tuple[Path, ...],
    origin: datetime | Place | None,
    **options: Unpack[VerifyOptions],
) -> None:
    """Check whether it is over: real probes, and what logs and metrics say since something was done.

    Nothing is changed; with --from cloud-run-job --apply a short job probes from inside, and is deleted again. A
    project is asked if one is named, or if nothing else is to be checked. Exit code 0: all criteria are met; 10: one is
    not; 11: too early to say, or something could not be looked at; 3: nothing could be probed; 4: the job was refused.
    """
    from gcpdiag.verify.verification import assemble

    live, job = separated(options, start=origin if isinstance(origin, datetime) else None)
    require_possible(job, services, path, inside=origin == PLACE)
    named = [*http, *websocket, *tcp, *postgresql, *redis, *clickhouse, *targets_of_file(file)]
    sight = _Sight(services=services, since=since_action, discover=discover, playbooks=playbooks)
    records = _records(sight, path, live, wanted=not named)
    targets = [*named, *(one for one in records.found if one.shown not in {told.shown for told in named})]
    at = datetime.now(UTC)
    if origin == PLACE:
        probed = probe_inside(
            InsideRequest(targets=targets, service=services[0], deadline=timeout, output=output, live=live, job=job)
        )
    else:
        probed = prober_of(live, timeout, inside=inside).probe_all(targets)
    verification = assemble(
        targets, probed, at=at, records=records.criteria, project=records.project, since=since_action
    )
    show(verification, output)
    raise click.exceptions.Exit(exit_code_of(verification))


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """What is looked at in a project's records."""

    services: Sequence[str]
    since: datetime | None
    discover: bool
    playbooks: Sequence[Path]


@dataclass(frozen=True, kw_only=True)
class _Records:
    """What a project's records gave: criteria, and targets that topology names."""

    project: str = ""
    criteria: Sequence[Criterion] = ()
    found: Sequence[Target] = ()


def _records(sight: _Sight, path: Path | None, options: LiveOptions, *, wanted: bool) -> _Records:
    """Return what the bundle or the project says; nothing where neither is named, and there are targets enough."""
    from gcpdiag.verify.discovery import find_targets
    from gcpdiag.verify.verification import records_of

    try:
        bundle = _bundle(sight, path, options, wanted=wanted)
    except UnreachableError as error:
        if wanted:
            raise
        return _Records(project=options["project"], criteria=[_unread(error)])
    if bundle is None:
        return _Records()
    library = library_of(sight.playbooks)
    criteria = records_of(bundle, library.catalogue, services=sight.services, since=sight.since)
    found = find_targets(bundle, sight.services) if sight.discover else []
    return _Records(project=bundle.project, criteria=criteria, found=found)


def _unread(error: UnreachableError) -> Criterion:
    """Return the line that stands for all records, where there are targets to be probed without them."""
    from gcpdiag.model.verification import Criterion

    return Criterion(
        group="traffic", title="records of the project", subject="Google Cloud", verdict="unknown", text=str(error)
    )


def _bundle(sight: _Sight, path: Path | None, options: LiveOptions, *, wanted: bool) -> Bundle | None:
    from gcpdiag.bundle.read import load_bundle
    from gcpdiag.cli.live import collect

    asked = wanted or options["project"] or sight.services or sight.since
    if path is not None:
        if options["project"]:
            raise UsageError("--project has no meaning with --bundle", hint="Leave one of them out")
        return load_bundle(path)
    return collect(options, "triage").bundle if asked else None


def exit_code_of(verification: Verification) -> int:
    """Return the exit code that tells a verification's outcome."""
    match verification.outcome:
        case "met":
            return _MET
        case "not met":
            return _NOT_MET
        case "undecided" if verification.counted("unknown") < len(verification.criteria):
            return _UNDECIDED
        case _:
            return _NOTHING


def show(verification: Verification, output: str) -> None:
    """Write the checklist to standard output; only the renderer that is needed is imported."""
    if output == "json":
        from gcpdiag.report.verification_json import render_verification_json

        click.echo(render_verification_json(verification), nl=False)
    elif output == "markdown":
        from gcpdiag.report.verification_markdown import render_verification_markdown

        click.echo(render_verification_markdown(verification), nl=False)
    elif output == "junit":
        from gcpdiag.report.verification_junit import render_verification_junit

        click.echo(render_verification_junit(verification), nl=False)
    else:
        from gcpdiag.report.verification import render_verification

        width = min(max(shutil.get_terminal_size((100, 24)).columns, _WIDTHS[0]), _WIDTHS[1])
        colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        click.echo(render_verification(verification, width=width, color=colourful), nl=False, color=True)
