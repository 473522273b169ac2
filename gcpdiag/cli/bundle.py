"""``gcpdiag bundle``."""

from __future__ import annotations

from pathlib import Path

import click

from gcpdiag.bundle.check import check_bundle, to_lines
from gcpdiag.bundle.read import load_bundle


@click.group()
def bundle() -> None:
    """Look into incident bundles."""


@bundle.command(epilog="Example: gcpdiag bundle check incident.zip")
@click.argument("path", type=click.Path(path_type=Path))
def check(path: Path) -> None:
    """Say what is in the bundle at PATH, what is missing, and which lines are malformed.

    Exit code 0: everything in it can be read; 1: some of it cannot; 3: it is no bundle.
    """
    report = check_bundle(load_bundle(path))
    for line in to_lines(report):
        click.echo(line)
    raise click.exceptions.Exit(1 if report.problems else 0)
