"""A page for the terminal: headings, wrapped text, lines that are never wrapped, and columns that fit.

Rich measures, wraps and colours; its markup is never used, since most of the text here was written by others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from io import StringIO
from itertools import zip_longest

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

_NARROWEST_PAGE = 40
_WIDEST_LINE = 140  # beyond it the eye loses the line, however wide the terminal
_NARROWEST_COLUMN = 8
_NARROWEST_TEXT = 24  # of the last column, before words of the others are broken
_LONGEST_WORD = 42  # a cause's id fits
_GAP = 2
_INDENT = 2
_PIECE = re.compile(r"[^\s/]*/+|[^\s/]+\s*|\s+")
_RANDOM_LINK_ID = re.compile(r"(?<=\x1b\]8;)id=\d+(?=;)")


class Page:
    """Lines of styled text, in the order in which they were added."""

    def __init__(self, width: int) -> None:
        self._width = min(max(width, _NARROWEST_PAGE), _WIDEST_LINE)
        self._lines: list[Text] = []

    def heading(self, *parts: tuple[str, str]) -> None:
        """Begin a section: an empty line, then ``(text, style)`` parts side by side at the left edge."""
        if self._lines:
            self.blank()
        self.prose(Text(" " * _GAP).join(Text(text, style) for text, style in parts), indent=0)

    def blank(self) -> None:
        """Add an empty line."""
        self._lines.append(Text())

    def prose(self, text: Text, *, indent: int = _INDENT) -> None:
        """Add text, wrapped."""
        self.columns([(text,)], indent=indent)

    def verbatim(self, text: Text, *, indent: int = _INDENT) -> None:
        """Add a line that is never wrapped, so that it can be copied; the terminal may break its display."""
        self._lines.append(Text(" " * indent).append_text(text))

    def columns(self, rows: Sequence[Sequence[Text]], *, right: Collection[int] = (), indent: int = _INDENT) -> None:
        """Add rows of cells, each wrapped in its column; columns in ``right`` are aligned to the right."""
        if not rows:
            return
        room = self._width - indent - _GAP * (len(rows[0]) - 1)
        widths = _fitted([_bounds(column) for column in zip(*rows, strict=True)], room)
        for row in rows:
            wrapped = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
            for cells in zip_longest(*wrapped, fillvalue=Text()):
                self._lines.append(_aligned(cells, widths, right, indent))

    def rendered(self, *, color: bool) -> str:
        """Return the page as text, with escape sequences for colours and links or without any."""
        out = StringIO()
        console = Console(
            file=out,
            width=self._width,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            legacy_windows=False,
            _environ={},
        )
        for line in self._lines:
            console.print(line, soft_wrap=True, highlight=False, markup=False, emoji=False)
        return _RANDOM_LINK_ID.sub("", out.getvalue())


def _bounds(column: Sequence[Text]) -> tuple[int, int]:
    """Return the width of a column's longest word, at most half a terminal, and of its longest cell."""
    word = max((cell_len(one) for cell in column for one in cell.plain.split()), default=0)
    return min(word, _LONGEST_WORD), max(cell.cell_len for cell in column)


def _fitted(bounds: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Return the widths, the widest narrowed until all fit: if need be, beyond the longest word of a column.

    The last column breaks its words first: it holds sentences, where the others hold names.
    """
    widths = [widest for _, widest in bounds]
    words = [word for word, _ in bounds]
    for least in (words, [*words[:-1], _NARROWEST_TEXT], [_NARROWEST_COLUMN] * len(bounds)):
        while sum(widths) > room:
            spare = [number for number, width in enumerate(widths) if width > least[number]]
            if not spare:
                break
            widths[max(spare, key=lambda one: widths[one])] -= 1
    return widths


def _wrapped(cell: Text, width: int) -> list[Text]:
    """Return the lines of a cell, broken between words and behind slashes, elsewhere only if it must be."""
    breaks: list[int] = []
    used, position = 0, 0
    for piece in _PIECE.findall(cell.plain):
        for part in chop_cells(piece, max(width, 2)):
            if used and used + cell_len(part.rstrip()) > width:
                breaks.append(position)
                used = 0
            used += cell_len(part)
            position += len(part)
    return list(cell.divide(breaks))


def _aligned(cells: Sequence[Text], widths: Sequence[int], right: Collection[int], indent: int) -> Text:
    """Return one line of a row, without spaces at its end."""
    line = Text(" " * indent)
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        shown = cell.copy()
        shown.rstrip()
        missing = " " * (width - shown.cell_len)
        line.append(missing if number in right else "").append_text(shown)
        line.append("" if number in right else missing).append(" " * _GAP)
    line.rstrip()
    return line
