"""``gcpdiag doctor``."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcpdiag.cli.live import live_options

if TYPE_CHECKING:
    from gcpdiag.collect.checkup import Checkup

_NOTHING_READABLE = 3
_WIDTHS = (60, 140)
_OF_A_WINDOW = {"regions", "since", "start", "end"}
"""Live options that have no meaning here: nothing of a time or a region is read."""


@click.command(epilog="Example: gcpdiag doctor --project my-project")
@live_options
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for the terminal, or JSON for programs.",
)
@click.option(
    "--role",
    type=click.Choice(["triage", "actions"]),
    help="Only print a custom IAM role, for `gcloud iam roles create ROLE --project=PROJECT --file=FILE`.",
)
def doctor(
    project: str,
    deadline: timedelta,
    impersonate: str,
    quota_project: str,
    token_file: Path | None,
    output: str,
    role: str | None,
) -> None:
    """Tell who you are to Google, which APIs are on, which permissions are missing and how to get them.

    Nothing is changed. Exit code 0: triage can work, maybe with gaps; 3: nothing can be read.
    """
    if role is not None:
        from gcpdiag.shipped import role_file

        click.echo(role_file(role).read_text(encoding="utf-8"), nl=False)
        return
    from gcpdiag.collect.doctor import CheckupRequest, check_up
    from gcpdiag.collect.live import Clock
    from gcpdiag.gcp.access import AccessOptions

    access = AccessOptions(impersonate=impersonate, quota_project=quota_project, token_file=token_file)
    checkup = check_up(CheckupRequest(project=project, deadline=deadline, access=access), Clock())
    _show(checkup, output)
    raise click.exceptions.Exit(_NOTHING_READABLE if checkup.verdict.readiness == "blocked" else 0)


doctor.params = [one for one in doctor.params if one.name not in _OF_A_WINDOW]


def _show(checkup: Checkup, output: str) -> None:
    if output == "json":
        from gcpdiag.report.checkup_json import render_checkup_json

        click.echo(render_checkup_json(checkup), nl=False)
        return
    from gcpdiag.report.checkup import render_checkup

    width = min(max(shutil.get_terminal_size((100, 24)).columns, _WIDTHS[0]), _WIDTHS[1])
    colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    click.echo(render_checkup(checkup, width=width, color=colourful), nl=False, color=True)
