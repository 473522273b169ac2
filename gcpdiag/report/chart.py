"""Charts of one line: a block for a stretch of time, in Unicode's blocks or in ASCII."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """What charts are drawn with; ``levels`` rise from little to most, and zero and unknown are neither."""

    levels: str
    zero: str
    unknown: str
    full: str
    empty: str
    met: str
    pending: str
    unclear: str


BLOCKS = Glyphs(levels="▂▃▄▅▆▇█", zero="▁", unknown="·", full="━", empty="─", met="✓", pending="○", unclear="?")
ASCII = Glyphs(levels=".:-=+*#@", zero="_", unknown="?", full="#", empty="-", met="x", pending=" ", unclear="?")

Fold = Callable[[Sequence[float]], float]


def folded(values: Sequence[float | None], size: int, fold: Fold) -> list[float | None]:
    """Return one value for each ``size`` values, counted from the last; what is unknown is left out of a fold.

    Where all of a fold is unknown, so is its value.
    """
    edges = [*range(len(values), 0, -size), 0][::-1]
    known = [[one for one in values[start:end] if one is not None] for start, end in pairwise(edges)]
    return [fold(one) if one else None for one in known]


def chart(values: Sequence[float | None], cells: int, *, top: float, glyphs: Glyphs) -> str:
    """Return the last values as one character each, from the left where there are too few; ``top`` is a full block."""
    shown = list(values)[-cells:] if cells else []
    return "".join(_glyph(one, top, glyphs) for one in shown).rjust(cells, glyphs.unknown)


def meter(progress: float, cells: int, *, glyphs: Glyphs) -> str:
    """Return a bar for a share of the way; only the whole way fills it."""
    full = cells if progress >= 1 else min(cells - 1, int(progress * cells))
    return glyphs.full * full + glyphs.empty * (cells - full)


def _glyph(value: float | None, top: float, glyphs: Glyphs) -> str:
    if value is None:
        return glyphs.unknown
    if value <= 0 or top <= 0:
        return glyphs.zero
    most = len(glyphs.levels) - 1
    return glyphs.levels[min(most, int(value / top * len(glyphs.levels)))]
