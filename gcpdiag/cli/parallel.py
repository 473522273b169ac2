"""Sharing out work over bundles to several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TypeVar

import click

Found = TypeVar("Found")

jobs_option = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 256),
    default=lambda: os.cpu_count() or 1,
    show_default="the number of cores",
    help="Processes side by side.",
)


def shared_out(bundles: Sequence[Path], work: Callable[[Sequence[Path]], list[Found]], *, jobs: int) -> list[Found]:
    """Return what the work finds in all bundles, in any order; each process gets one share, and is a new one."""
    shares = [bundles[number::jobs] for number in range(min(jobs, len(bundles)))]
    if len(shares) == 1:
        return work(bundles)
    with ProcessPoolExecutor(len(shares), mp_context=multiprocessing.get_context("spawn")) as processes:
        return list(chain.from_iterable(processes.map(work, shares)))
