"""Options and steps that commands on a live project share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

from gcpdiag.errors import UsageError
from gcpdiag.model.window import in_utc, is_credible

if TYPE_CHECKING:
    from gcpdiag.collect.collection import Collection
    from gcpdiag.collect.gather import Progress
    from gcpdiag.collect.question import Breadth

Command = TypeVar("Command", bound=Callable[..., object])
_NAMES_SHOWN = 3


class LiveOptions(TypedDict):
    """What the options of ``live_options`` give to a command, by parameter."""

    project: str
    regions: tuple[str, ...]
    since: str
    start: datetime | None
    end: datetime | None
    deadline: timedelta
    impersonate: str
    quota_project: str
    token_file: Path | None


def moment_of(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """Return the time that an option gives in RFC 3339, taken as UTC where it has no zone."""
    if text is None:
        return None
    try:
        moment = in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is not a time; write it as 2025-09-15T20:03:00Z") from error
    if not is_credible(moment):
        raise click.BadParameter(f"there are no logs of the year {moment.year}")
    return moment


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> timedelta:
    """Return the duration that an option gives."""
    from gcpdiag.collect.scope import parse_duration

    try:
        return parse_duration(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


_FROM = click.option(
    "--from",
    "start",
    callback=moment_of,
    metavar="TIME",
    help="Where the window starts, such as 2025-09-15T19:25:00Z.",
)
_OPTIONS = (
    click.option(
        "--project", default="", help="The Google Cloud project; by default gcloud's own, or the credentials'."
    ),
    click.option(
        "--region",
        "regions",
        multiple=True,
        help="A region of Cloud Run; may be given again. By default gcloud's own, or wherever there are services.",
    ),
    click.option(
        "--since", default="", metavar="DURATION", help="How far back to look, such as 90m or 6h; an hour by default."
    ),
    _FROM,
    click.option("--to", "end", callback=moment_of, metavar="TIME", help="Where the window ends; now by default."),
    click.option(
        "--deadline",
        callback=_duration,
        metavar="DURATION",
        default="30s",
        show_default=True,
        help="Answer with what is there by then, and say what is missing.",
    ),
    click.option(
        "--impersonate-service-account", "impersonate", default="", help="Ask as this service account (its e-mail)."
    ),
    click.option("--quota-project", default="", help="The project that the calls are counted against."),
    click.option(
        "--access-token-file",
        "token_file",
        type=click.Path(path_type=Path),
        help="A file with an OAuth access token, instead of Application Default Credentials.",
    ),
)


def live_options(command: Command) -> Command:
    """Give a command the options that ``LiveOptions`` names."""
    return live_options_with(_FROM)(command)


def live_options_with(origin: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return what gives a command the options that ``LiveOptions`` names, another one in the place of ``--from``."""

    def options(command: Command) -> Command:
        for option in reversed(_OPTIONS):
            command = origin(command) if option is _FROM else option(command)
        return command

    return options


def collect(options: LiveOptions, breadth: Breadth, *, on_ready: Callable[[], None] = lambda: None) -> Collection:
    """Collect from the project that the options name, with progress on standard error where somebody looks at it.

    ``on_ready`` is called, from another thread, when there is nothing to do but to wait for answers.
    """
    from gcpdiag.collect.live import Clock, LiveRequest, collect_live
    from gcpdiag.collect.scope import window_of
    from gcpdiag.gcp.access import AccessOptions

    clock = Clock()
    window = window_of(since=options["since"], start=options["start"], end=options["end"], now=clock.now())
    request = LiveRequest(
        window=window,
        project=options["project"],
        regions=options["regions"],
        widen=not (options["since"] or options["start"] or options["end"]),
        breadth=breadth,
        deadline=options["deadline"],
        access=AccessOptions(
            impersonate=options["impersonate"],
            quota_project=options["quota_project"],
            token_file=options["token_file"],
        ),
    )
    line = _ProgressLine()
    try:
        return collect_live(request, clock, on_progress=line.show, on_ready=on_ready)
    finally:
        line.clear()


class _ProgressLine:
    """One line on standard error that says what is still awaited; nothing at all where that is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def show(self, progress: Progress) -> None:
        names = ", ".join(progress.open[:_NAMES_SHOWN])
        more = len(progress.open) - _NAMES_SHOWN
        waiting = f"{names} and {more} more" if more > 0 else names
        self._write(f"{progress.answered} of {progress.asked} answers; waiting for {waiting}")

    def clear(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text[:78]}")
            sys.stderr.flush()
