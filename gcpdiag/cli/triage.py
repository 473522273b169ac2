"""``gcpdiag triage`` and ``gcpdiag demo``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from gcpdiag.bundle.read import load_bundle
from gcpdiag.cli.options import library_of, playbooks_option
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.model.diagnosis import Diagnosis, Status
from gcpdiag.shipped import demo_bundle

_EXIT_CODES: dict[Status, int] = {"healthy": 0, "incident": 10, "inconclusive": 11}
_WIDTHS = (60, 140)

_output = click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Text for the terminal, Markdown for a ticket, or JSON for programs.",
)


@click.command(epilog="Example: gcpdiag triage --bundle incident.zip --service checkout")
@click.option(
    "--bundle",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    help="The incident bundle: a directory, or a .zip of one.",
)
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@_output
@playbooks_option
def triage(path: Path, services: tuple[str, ...], output: str, playbooks: tuple[Path, ...]) -> None:
    """Find the root cause of 5xx answers, ranked and with evidence.

    Exit code 0: healthy; 10: incident found; 11: inconclusive; 3: the bundle cannot be read.
    """
    library = library_of(playbooks)
    diagnosis = diagnose(load_bundle(path), library, services=services)
    _report_problems(diagnosis)
    show(diagnosis, output)
    raise click.exceptions.Exit(_EXIT_CODES[diagnosis.status])


@click.command(epilog="Example: gcpdiag demo --output markdown")
@_output
def demo(output: str) -> None:
    """Triage a recorded outage: an hour of 503s that everybody took for the database.

    Exits with 0, for a demonstration that works is a success; `triage` would exit with 10 here.
    """
    show(diagnose(load_bundle(demo_bundle()), library_of()), output)


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
