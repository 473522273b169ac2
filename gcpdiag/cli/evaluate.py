"""``gcpdiag evaluate``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click
import msgspec

from gcpdiag.cli.fingerprint import Task
from gcpdiag.cli.options import library_of, playbooks_option
from gcpdiag.cli.parallel import jobs_option, shared_out
from gcpdiag.diagnose.evaluation import Determinism, Evaluation, Trial, determinism_of, evaluate_trials, try_bundle
from gcpdiag.diagnose.label import labelled_bundles
from gcpdiag.errors import GcpdiagError

_WIDTHS = (60, 100)


@click.command(epilog="Example: gcpdiag evaluate fixtures --ablate --shuffle 20")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--ablate", is_flag=True, help="Also take each source of each bundle away in turn.")
@click.option(
    "--shuffle",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Also diagnose everything N times in another order, each in a process with another hash seed.",
)
@jobs_option
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@playbooks_option
def evaluate(
    paths: tuple[Path, ...], *, ablate: bool, shuffle: int, jobs: int, output: str, playbooks: tuple[Path, ...]
) -> None:
    """Diagnose labelled bundles (with expected.json, at or below DIR, directories and zips) and count what is right.

    Every share has a 95% interval, and stands beside what three simple baselines reach. Exit code 0, whatever the
    answers are: the numbers are the result.
    """
    bundles = labelled_bundles(paths)
    click.echo(f"gcpdiag: {len(bundles)} labelled bundles, {jobs} processes", err=True)
    trials = shared_out(bundles, partial(_trials, playbooks=playbooks, ablate=ablate), jobs=jobs)
    determinism = _shuffled(bundles, playbooks, runs=shuffle, jobs=jobs) if shuffle else None
    _show(evaluate_trials(trials, determinism=determinism), output)


def _trials(bundles: Sequence[Path], *, playbooks: Sequence[Path], ablate: bool) -> list[Trial]:
    library = library_of(playbooks)
    return [try_bundle(one, library, ablate=ablate) for one in bundles]


def _shuffled(bundles: Sequence[Path], playbooks: Sequence[Path], *, runs: int, jobs: int) -> Determinism:
    """Compare a run in the bundles' own order with some in others, each in a process with a hash seed of its own."""
    work = partial(_fingerprints, bundles=bundles, playbooks=playbooks)
    with ThreadPoolExecutor(jobs) as threads:
        reference, *others = threads.map(work, range(runs + 1))
    return determinism_of(reference, others)


def _fingerprints(seed: int, *, bundles: Sequence[Path], playbooks: Sequence[Path]) -> dict[str, str]:
    task = Task(seed=seed, bundles=[str(one) for one in bundles], playbooks=[str(one) for one in playbooks])
    done = subprocess.run(
        [sys.executable, "-m", "gcpdiag.cli.fingerprint"],
        input=msgspec.json.encode(task),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )
    if done.returncode:
        raise GcpdiagError("a shuffled run failed", cause=done.stderr.decode(errors="replace").strip()[-500:])
    return msgspec.json.decode(done.stdout, type=dict[str, str])


def _show(evaluation: Evaluation, output: str) -> None:
    if output == "json":
        from gcpdiag.report.evaluation_json import render_evaluation_json

        click.echo(render_evaluation_json(evaluation), nl=False)
        return
    import shutil

    from gcpdiag.report.evaluation import render_evaluation

    width = min(max(shutil.get_terminal_size((80, 24)).columns, _WIDTHS[0]), _WIDTHS[1])
    colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    click.echo(render_evaluation(evaluation, width=width, color=colourful), nl=False, color=True)
