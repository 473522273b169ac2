"""``gcpdiag playbook`` and ``gcpdiag explain``."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from gcpdiag.cli.options import library_of, playbooks_option
from gcpdiag.cli.parallel import jobs_option
from gcpdiag.diagnose.selftest import run_library
from gcpdiag.errors import UsageError
from gcpdiag.playbook.lint import lint_library
from gcpdiag.playbook.template import path_of, template_of
from gcpdiag.shipped import playbook_root

_WIDTHS = (60, 100)


@click.command(epilog="Example: gcpdiag explain vpc-connector/egress-blocked")
@click.argument("cause")
@playbooks_option
def explain(cause: str, playbooks: tuple[Path, ...]) -> None:
    """Explain CAUSE: how it is known, what it is confused with, what to do."""
    from gcpdiag.report.explain import explain_playbook

    library = library_of(playbooks)
    found = library.playbook(cause)
    titles = {one.id: one.title for one in library.playbooks.values()}
    for line in explain_playbook(found, library.catalogue.definitions, titles):
        click.echo(line)


@click.group()
def playbook() -> None:
    """List, show, lint and test the playbooks of causes."""


@playbook.command("list", epilog="Example: gcpdiag playbook list")
@playbooks_option
def list_(playbooks: tuple[Path, ...]) -> None:
    """List every cause that can be named."""
    library = library_of(playbooks)
    width = max(len(one) for one in library.playbooks)
    for one in library.playbooks.values():
        click.echo(f"{one.id:<{width}}  {one.title}")


@playbook.command(epilog="Example: gcpdiag playbook show bad-deployment/wrong-port")
@click.argument("cause")
@playbooks_option
def show(cause: str, playbooks: tuple[Path, ...]) -> None:
    """Print the file of CAUSE, as a model for one of your own."""
    library = library_of(playbooks)
    library.playbook(cause)
    click.echo(library.paths[cause].read_text(encoding="utf-8"), nl=False)


@playbook.command(epilog="Example: gcpdiag playbook new bad-deployment/license-expired --directory ours")
@click.argument("cause")
@click.option(
    "--directory", required=True, type=click.Path(path_type=Path), help="The directory of playbooks to write it into."
)
def new(cause: str, directory: Path) -> None:
    """Write the first draft of a playbook for CAUSE, with tests that pass; it never replaces a file."""
    path = path_of(cause, directory)
    if path.exists():
        raise UsageError(f"{path} exists already", hint="Edit it, or choose another id")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template_of(cause), encoding="utf-8")
    click.echo(path)


@playbook.command(epilog="Example: gcpdiag playbook lint --playbooks ours/")
@playbooks_option
def lint(playbooks: tuple[Path, ...]) -> None:
    """Find mistakes in playbooks, with file and line; exit code 1 when there is one."""
    complaints = lint_library([playbook_root(), *playbooks])
    for one in complaints:
        click.echo(str(one))
    errors = [one for one in complaints if one.severity == "error"]
    click.echo(f"{len(errors)} errors, {len(complaints) - len(errors)} warnings", err=True)
    raise click.exceptions.Exit(1 if errors else 0)


@playbook.command(epilog="Example: gcpdiag playbook test bad-deployment/wrong-port")
@click.argument("causes", nargs=-1)
@playbooks_option
def test(causes: tuple[str, ...], playbooks: tuple[Path, ...]) -> None:
    """Run the tests inside the playbooks (of CAUSES, or all); exit code 1 when one fails."""
    library = library_of(playbooks)
    wanted = {library.playbook(one).id for one in causes}
    failed = passed = 0
    for outcome in run_library(library, wanted):
        passed += not outcome.complaints
        failed += bool(outcome.complaints)
        for complaint in outcome.complaints:
            click.echo(f"{outcome.cause}: {outcome.test}: {complaint}")
    click.echo(f"{passed} passed, {failed} failed")
    raise click.exceptions.Exit(1 if failed else 0)


@playbook.command(epilog="Example: gcpdiag playbook calibrate fixtures")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--write", is_flag=True, help="Change the proposed words in the playbook files, and nothing else there.")
@jobs_option
@playbooks_option
def calibrate(paths: tuple[Path, ...], *, write: bool, jobs: int, playbooks: tuple[Path, ...]) -> None:
    """Hold likelihoods, leaks and confidence against labelled bundles (with expected.json, at or below DIR).

    Another word is proposed where enough bundles speak against the one in the file.
    """
    from gcpdiag.cli.calibrate import measure, write_proposals
    from gcpdiag.report.measured import render_measured

    measured, library = measure(paths, playbooks, jobs=jobs)
    width = min(max(shutil.get_terminal_size((80, 24)).columns, _WIDTHS[0]), _WIDTHS[1])
    click.echo(render_measured(measured, width=width, color=False), nl=False)
    if write:
        for path in write_proposals(measured.proposals, library):
            click.echo(f"gcpdiag: changed {path}", err=True)
