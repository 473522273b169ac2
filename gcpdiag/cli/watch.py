"""``gcpdiag watch``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcpdiag.cli.live import live_options
from gcpdiag.cli.options import playbooks_option
from gcpdiag.errors import GcpdiagError, UsageError
from gcpdiag.model.window import Window

if TYPE_CHECKING:
    from gcpdiag.cli.rounds import Ending, Round
    from gcpdiag.collect.collection import Collection
    from gcpdiag.collect.gather import Progress
    from gcpdiag.collect.live import Clock, LiveRequest
    from gcpdiag.diagnose.vigil import Vigil
    from gcpdiag.playbook.load import Library

_EXIT_CODES: Mapping[str, int] = {"healthy": 0, "incident": 10, "inconclusive": 11}
_UNDECIDED, _INTERRUPTED = 11, 130
_LENGTH = timedelta(hours=1)
_UNTIL_TIMEOUT = timedelta(minutes=20)
_OF_A_WINDOW = {"since", "start", "end"}
"""Live options that have no meaning here: a watch looks at the hour before now."""


def _duration(_context: click.Context, parameter: click.Parameter, text: str | None) -> timedelta | None:
    """Return the duration that an option gives."""
    from gcpdiag.cli.rounds import LEAST_INTERVAL
    from gcpdiag.collect.scope import parse_duration

    if text is None:
        return None
    try:
        length = parse_duration(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error
    if parameter.name == "interval" and length < LEAST_INTERVAL:
        raise click.BadParameter(
            f"{LEAST_INTERVAL.total_seconds():.0f}s is the least: Cloud Logging's 60 reads a minute are for everybody"
        )
    return length


@click.command(epilog="Example: gcpdiag watch --project my-project --service checkout --until healthy --timeout 20m")
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@click.option(
    "--interval",
    callback=_duration,
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="From the start of a round to that of the next, at least 20s; longer after a 429.",
)
@click.option("--until", type=click.Choice(["healthy"]), help="End with 0 after two healthy rounds in a row.")
@click.option(
    "--timeout",
    callback=_duration,
    metavar="DURATION",
    help="Begin no round after that, and end with the code of the last one; 20m with --until, else never.",
)
@live_options
@playbooks_option
def watch(  # noqa: PLR0913 - click passes every option by name
    *,
    services: tuple[str, ...],
    interval: timedelta,
    until: str | None,
    timeout: timedelta | None,
    project: str,
    regions: tuple[str, ...],
    deadline: timedelta,
    impersonate: str,
    quota_project: str,
    token_file: Path | None,
    playbooks: tuple[Path, ...],
) -> None:
    """Watch a project: one live triage after the other, in place, with what happens and how far recovery is.

    Nothing is changed. Without a terminal, a line a round. Ctrl-C leaves the last frame behind. Exit code as triage's,
    of the last round: 0 healthy, 10 incident, 11 inconclusive; 3 if nothing can be read at the start.
    """
    from gcpdiag.cli.rounds import Watch
    from gcpdiag.cli.screen import screen_for
    from gcpdiag.collect.live import Clock, LiveRequest
    from gcpdiag.diagnose.vigil import Vigil
    from gcpdiag.gcp.access import AccessOptions

    clock = Clock()
    access = AccessOptions(impersonate=impersonate, quota_project=quota_project, token_file=token_file)
    request = LiveRequest(
        window=_window_now(clock), project=project, regions=regions, widen=True, deadline=deadline, access=access
    )
    watched = Watch(
        take=Triages(request=request, clock=clock, services=services, playbooks=playbooks),
        screen=screen_for(sys.stdout),
        clock=clock,
        interval=interval,
        until_healthy=until is not None,
        timeout=timeout or (_UNTIL_TIMEOUT if until else None),
    )
    signal.signal(signal.SIGTERM, _interrupt)  # `timeout 5m gcpdiag watch` leaves a frame and a cursor behind, too
    vigil, ending = watched.run(Vigil(began=clock.now(), named=frozenset(services)))
    raise click.exceptions.Exit(exit_code_of(vigil, ending, until_healthy=until is not None))


watch.params = [one for one in watch.params if one.name not in _OF_A_WINDOW]


def exit_code_of(vigil: Vigil, ending: Ending, *, until_healthy: bool) -> int:
    """Return triage's code of the last status that is known; healthy rounds that do not suffice are no proof yet."""
    if vigil.sight is None:
        return _INTERRUPTED
    code = _EXIT_CODES[vigil.sight.diagnosis.status]
    return _UNDECIDED if ending == "timeout" and until_healthy and code == 0 else code


@dataclass(kw_only=True)
class Triages:
    """Takes rounds: each is a live triage of the hour before now."""

    request: LiveRequest
    clock: Clock
    services: Sequence[str] = ()
    playbooks: Sequence[Path] = ()
    _library: Library | None = None

    def __call__(self, on_progress: Callable[[str], None]) -> Round:
        """Take a round; what ends a triage becomes the round's failure."""
        from gcpdiag.cli.rounds import Round
        from gcpdiag.collect.live import collect_live

        def progress(told: Progress) -> None:
            on_progress(f"{told.answered} of {told.asked} answers")

        try:
            request = replace(self.request, window=_window_now(self.clock))
            collection = collect_live(request, self.clock, on_progress=progress)
            if collection.interrupted:
                return Round(interrupted=True)
            return self._seen(collection)
        except GcpdiagError as error:
            return Round(failure=error, limited=_is_quota(error.cause))

    def _seen(self, collection: Collection) -> Round:
        from gcpdiag.bundle.format import LOG_ENTRIES
        from gcpdiag.cli.options import library_of
        from gcpdiag.cli.rounds import Round
        from gcpdiag.diagnose.engine import diagnose
        from gcpdiag.diagnose.vigil import Sight
        from gcpdiag.signals.pulse import pulse_of

        self._library = self._library or library_of(self.playbooks)
        diagnosis = diagnose(collection.bundle, self._library, services=self.services)
        pulse = pulse_of(collection.bundle, self._library.catalogue, services=self.services)
        return Round(
            sight=Sight(diagnosis=replace(diagnosis, calls=collection.calls), pulse=pulse),
            reads=collection.calls.get(LOG_ENTRIES, 0),
            limited=any(one.kind == "quota" for one in collection.failures),
        )


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _window_now(clock: Clock) -> Window:
    now = clock.now()
    return Window(start=now - _LENGTH, end=now)


def _is_quota(cause: str) -> bool:
    """Tell whether nothing was answered because of a quota; the cause begins with the code that Google gave."""
    return cause.startswith("429")
