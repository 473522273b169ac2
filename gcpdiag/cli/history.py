"""``gcpdiag history`` and ``gcpdiag resume``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcpdiag.cli.carry import access_options, echo_json, journal_and_locks, workshop_of

if TYPE_CHECKING:
    from gcpdiag.remediate.resume import Settled

_FAILED = 1
_output = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, or JSON for programs.",
)


@click.command(epilog="Example: gcpdiag history --limit 5")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest last.")
@_output
def history(limit: int, output: str) -> None:
    """List what was changed from here, how it ended, and what was taken back; the journal's chain is checked as well.

    Nothing is asked and nothing is changed. Exit code 1: somebody has changed the journal.
    """
    from gcpdiag.remediate.account import change_to_json, render_history
    from gcpdiag.remediate.history import changes_of, open_runs

    journal, _ = journal_and_locks()
    reading = journal.read()
    changes, left = changes_of(reading.records)[-limit:], open_runs(reading.records)
    for problem in reading.problems:
        click.echo(f"gcpdiag: {journal.path}: {problem}", err=True)
    if output == "json":
        echo_json(
            {
                "schema": "gcpdiag.history/v1",
                "changes": [change_to_json(one) for one in changes],
                "open": [one.run for one in left],
                "problems": [*reading.problems],
            }
        )
    else:
        click.echo(render_history(changes, left), nl=False)
    if reading.is_broken:
        raise click.exceptions.Exit(_FAILED)


@click.command(epilog="Example: gcpdiag resume")
@click.option("--project", default="", help="The project to sign in to; by default that of what was interrupted.")
@_output
def resume(project: str, output: str, impersonate: str, quota_project: str, token_file: Path | None) -> None:
    """Settle what was interrupted: what became of it is read from the service, and never done again.

    The one thing that it may send takes a lock away that was left behind. Exit code 1: something is still unknown.
    """
    from gcpdiag.gcp.access import AccessOptions
    from gcpdiag.remediate.account import render_settled
    from gcpdiag.remediate.history import open_runs, project_of
    from gcpdiag.remediate.resume import resume as settle_all
    from gcpdiag.remediate.session import open_session

    journal, _ = journal_and_locks()
    left = open_runs(journal.read().records)
    settled: tuple[Settled, ...] = ()
    if left:
        access = AccessOptions(impersonate=impersonate, quota_project=quota_project, token_file=token_file)
        with open_session(project or project_of(left[0].target), access) as session:
            settled = settle_all(workshop_of(session))
    if output == "json":
        echo_json({"schema": "gcpdiag.resume/v1", "runs": [one.to_json() for one in settled]})
    else:
        click.echo(render_settled(settled), nl=False)
    if not all(one.is_known for one in settled):
        raise click.exceptions.Exit(_FAILED)


for _option in reversed(access_options):
    resume = _option(resume)
