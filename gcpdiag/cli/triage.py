"""``gcpdiag triage`` and ``gcpdiag demo``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Unpack

import click

from gcpdiag.bundle.read import Bundle, load_bundle
from gcpdiag.cli.live import LiveOptions, collect, live_options
from gcpdiag.cli.options import playbooks_option
from gcpdiag.errors import UsageError
from gcpdiag.model.diagnosis import Diagnosis, Status
from gcpdiag.shipped import demo_bundle

_EXIT_CODES: dict[Status, int] = {"healthy": 0, "incident": 10, "inconclusive": 11}
_INTERRUPTED = 130
_WIDTHS = (60, 140)

_output = click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Text for the terminal, Markdown for a ticket, or JSON for programs.",
)


@click.command(epilog="Example: gcpdiag triage --project my-project --region us-central1 --service checkout")
@click.option(
    "--bundle",
    "path",
    type=click.Path(path_type=Path),
    help="Diagnose this incident bundle, a directory or a .zip of one, instead of a live project.",
)
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@live_options
@click.option("--probe", is_flag=True, help="Also probe what topology names: service URLs, Redis, databases.")
@click.option("--save-bundle", type=click.Path(path_type=Path), help="Keep what was collected, as .zip or directory.")
@_output
@playbooks_option
def triage(
    path: Path | None,
    services: tuple[str, ...],
    save_bundle: Path | None,
    output: str,
    playbooks: tuple[Path, ...],
    *,
    probe: bool,
    **options: Unpack[LiveOptions],
) -> None:
    """Find the root cause of 5xx answers, ranked and with evidence: of a live project, or of a recorded bundle.

    Nothing is changed, whatever it finds. Exit code 0: healthy; 10: incident found; 11: inconclusive;
    3: nothing could be read.
    """
    if path is None:
        interrupted, diagnosis = _triage_live(options, services, save_bundle, playbooks, probe=probe)
    else:
        _require_no_live_options(save_bundle)
        interrupted, diagnosis = False, _diagnosis_of(load_bundle(path), services, playbooks)
    _report_problems(diagnosis)
    show(diagnosis, output)
    raise click.exceptions.Exit(_INTERRUPTED if interrupted else _EXIT_CODES[diagnosis.status])


def _triage_live(
    options: LiveOptions, services: Sequence[str], save_bundle: Path | None, playbooks: Sequence[Path], *, probe: bool
) -> tuple[bool, Diagnosis]:
    """Return whether a person interrupted the collection, and the diagnosis of what was there by then."""
    from gcpdiag.bundle.write import require_free
    from gcpdiag.bundle.write import save_bundle as save

    began = monotonic()
    if save_bundle:
        require_free(save_bundle)
    waiting = Event()
    with ThreadPoolExecutor(max_workers=1) as aside:
        diagnose = aside.submit(_diagnoser_after, waiting, playbooks)
        try:
            collection = collect(options, "triage", on_ready=waiting.set)
        finally:
            waiting.set()
    if probe and not collection.interrupted:
        from gcpdiag.cli.probing import probed

        collection = replace(collection, bundle=probed(collection.bundle, options, services))
    if save_bundle:
        save(collection.bundle, save_bundle)
    if collection.interrupted:
        click.echo("gcpdiag: interrupted; this is what was known by then", err=True)
    diagnosis = diagnose.result()(collection.bundle, services)
    took = timedelta(seconds=monotonic() - began)
    return collection.interrupted, replace(diagnosis, calls=collection.calls, duration=took)


def _diagnosis_of(bundle: Bundle, services: Sequence[str] = (), playbooks: Sequence[Path] = ()) -> Diagnosis:
    return _diagnoser(playbooks)(bundle, services)


def _diagnoser(playbooks: Sequence[Path]) -> Callable[[Bundle, Sequence[str]], Diagnosis]:
    """Load what diagnosing takes, and return the function that diagnoses a bundle for some services, or all."""
    from gcpdiag.cli.options import library_of
    from gcpdiag.diagnose.engine import diagnose

    library = library_of(playbooks)
    return lambda bundle, services: diagnose(bundle, library, services=services)


def _diagnoser_after(waiting: Event, playbooks: Sequence[Path]) -> Callable[[Bundle, Sequence[str]], Diagnosis]:
    """Load what diagnosing takes once there is nothing else to do but to wait for answers."""
    waiting.wait()
    return _diagnoser(playbooks)


def _require_no_live_options(save_bundle: Path | None) -> None:
    """Raise UsageError when a recorded bundle and a live project are asked for at once."""
    context = click.get_current_context()
    live = {
        "project",
        "probe",
        "regions",
        "since",
        "start",
        "end",
        "deadline",
        "impersonate",
        "quota_project",
        "token_file",
    }
    given = [
        one.opts[-1]
        for one in context.command.params
        if one.name in live and context.get_parameter_source(one.name) is click.core.ParameterSource.COMMANDLINE
    ]
    given += ["--save-bundle"] if save_bundle else []
    if given:
        raise UsageError(
            f"{given[0]} has no meaning with --bundle",
            hint="A bundle says itself which project and time it is about; leave one of them out",
        )


@click.command(epilog="Example: gcpdiag demo --output markdown")
@click.option(
    "--live", is_flag=True, help="Collect it first: from an emulator that answers on this machine as Google did."
)
@_output
def demo(*, live: bool, output: str) -> None:
    """Triage a recorded outage: an hour of 503s that everybody took for the database.

    Exits with 0, for a demonstration that works is a success; `triage` would exit with 10 here.
    """
    bundle = load_bundle(demo_bundle())
    show(_triage_emulated(bundle) if live else _diagnosis_of(bundle), output)


def _triage_emulated(bundle: Bundle) -> Diagnosis:
    """Return the diagnosis of a bundle that was served over Google's protocols, and collected by Google's clients."""
    from gcpdiag.collect.live import Clock, LiveRequest, collect_live
    from gcpdiag.emulator.serve import serve
    from gcpdiag.gcp.endpoint import EMULATOR_VARIABLE

    began = monotonic()
    with serve(bundle) as emulator:
        environ = {EMULATOR_VARIABLE: emulator.http}
        collection = collect_live(LiveRequest(window=bundle.window), Clock(), environ=environ)
    diagnosis = _diagnosis_of(collection.bundle)
    return replace(diagnosis, calls=collection.calls, duration=timedelta(seconds=monotonic() - began))


def show(diagnosis: Diagnosis, output: str) -> None:
    """Write the report to standard output; only the renderer that is needed is imported."""
    if output == "json":
        from gcpdiag.report.to_json import render_json

        click.echo(render_json(diagnosis), nl=False)
    elif output == "markdown":
        from gcpdiag.report.to_markdown import render_markdown

        click.echo(render_markdown(diagnosis), nl=False)
    else:
        from gcpdiag.report.to_text import render_text

        width = min(max(shutil.get_terminal_size((100, 24)).columns, _WIDTHS[0]), _WIDTHS[1])
        click.echo(render_text(diagnosis, width=width, color=_colourful()), nl=False, color=True)


def _colourful() -> bool:
    """Tell whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _report_problems(diagnosis: Diagnosis) -> None:
    for problem in diagnosis.problems:
        click.echo(f"gcpdiag: {problem}", err=True)
