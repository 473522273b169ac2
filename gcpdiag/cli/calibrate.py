"""``gcpdiag playbook calibrate``: the playbooks' numbers held against labelled bundles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import click

from gcpdiag.cli.options import library_of
from gcpdiag.cli.parallel import shared_out
from gcpdiag.diagnose.label import labelled_bundles
from gcpdiag.diagnose.likelihood import MeasuredLikelihood
from gcpdiag.diagnose.measurement import Measured, Measurement, measure_bundle, measured_of
from gcpdiag.playbook.format import Likelihood
from gcpdiag.playbook.load import Library
from gcpdiag.playbook.reword import reword_file


def measure(paths: Sequence[Path], playbooks: Sequence[Path], *, jobs: int) -> tuple[Measured, Library]:
    """Return what the labelled bundles below these paths say of the playbooks."""
    bundles = labelled_bundles(paths)
    click.echo(f"gcpdiag: {len(bundles)} labelled bundles, {jobs} processes", err=True)
    library = library_of(playbooks)
    found = shared_out(bundles, partial(_measurements, playbooks=playbooks), jobs=jobs)
    return measured_of(found, library), library


def write_proposals(proposals: Iterable[MeasuredLikelihood], library: Library) -> list[Path]:
    """Change the proposed words in the playbooks' files, and return the files that were changed."""
    words: dict[str, dict[str, Likelihood]] = {}
    for one in proposals:
        if one.proposal:
            words.setdefault(one.cause, {})[one.signal] = one.proposal
    for cause, told in words.items():
        reword_file(library.paths[cause], told)
    return [library.paths[cause] for cause in words]


def _measurements(bundles: Sequence[Path], *, playbooks: Sequence[Path]) -> list[Measurement]:
    library = library_of(playbooks)
    return [measure_bundle(one, library) for one in bundles]
