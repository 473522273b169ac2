"""``gcpdiag collect``."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from gcpdiag.cli.live import LiveOptions, live_options
from gcpdiag.cli.live import collect as collect_live


@click.command(epilog="Example: gcpdiag collect --project my-project --region us-central1 -o incident.zip")
@live_options
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    help="Where to keep it: a name ending in .zip, or a new directory.",
)
def collect(path: Path, **options: Unpack[LiveOptions]) -> None:
    """Keep what Google answers about a project as an incident bundle, redacted and with checksums.

    Any later version can diagnose it again: `gcpdiag triage --bundle FILE`. More is read than one triage needs.
    Exit code 0: it is written, with what could not be read named; 3: nothing could be read.
    """
    from gcpdiag.bundle.check import check_bundle, to_lines
    from gcpdiag.bundle.write import require_free, save_bundle

    require_free(path)
    collection = collect_live(options, "everything")
    save_bundle(collection.bundle, path)
    for line in to_lines(check_bundle(collection.bundle)):
        click.echo(line, err=True)
    click.echo(path)
    if collection.interrupted:
        raise click.exceptions.Exit(130)
