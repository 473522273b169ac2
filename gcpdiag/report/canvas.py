"""A terminal of a certain size to draw on: lines that always fit, in as many columns as there are."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from gcpdiag.report.chart import ASCII, BLOCKS, Glyphs
from gcpdiag.report.wording import plain

_ELLIPSIS = "…"
_IN_ASCII = str.maketrans(
    {"…": "~", "→": ">", "–": "-", "−": "-", "·": "|", "×": "x", "’": "'", "•": "*", "“": '"', "”": '"', "\xa0": " "}
)
_LEAST_COLUMNS, _LEAST_ROWS = 40, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """Columns and rows, and whether there are colours, and characters beyond ASCII."""

    width: int
    height: int
    color: bool = True
    unicode: bool = True

    @property
    def columns(self) -> int:
        """The columns to draw in: the terminal's own, or the least that a frame can do with."""
        return max(self.width, _LEAST_COLUMNS)

    @property
    def rows(self) -> int:
        """The rows to draw in; the last one stays free for the prompt that follows."""
        return max(self.height, _LEAST_ROWS) - 1

    @property
    def glyphs(self) -> Glyphs:
        """What charts are drawn with."""
        return BLOCKS if self.unicode else ASCII

    def line(self, *parts: tuple[str, str], right: tuple[str, str] = ("", "")) -> Text:
        """Return ``(text, style)`` parts on one line that is never wider than the canvas; ``right`` keeps its place."""
        room = self.columns - (cell_len(right[0]) + 1 if right[0] else 0)
        line = Text(no_wrap=True, overflow="crop", end="")
        for text, style in parts:
            line.append(self._fitted(text, room - line.cell_len), style if self.color else "")
        if right[0]:
            line.append(" " * (self.columns - cell_len(right[0]) - line.cell_len))
            line.append(self._spelled(right[0]), right[1] if self.color else "")
        return line

    def _fitted(self, text: str, room: int) -> str:
        if cell_len(text) <= room:
            return self._spelled(text)
        return self._spelled(set_cell_size(text, room - 1) + _ELLIPSIS) if room > 0 else ""

    def _spelled(self, text: str) -> str:
        """Return the text with the characters that the terminal has, as wide as before."""
        if self.unicode or text.isascii():
            return text
        known = text.translate(_IN_ASCII)
        return "".join(one if one.isascii() else "?" * cell_len(one) for one in known)


def cell(text: str, width: int, *, right: bool = False) -> str:
    """Return a text in exactly so many columns, cut off with an ellipsis where it is longer."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + _ELLIPSIS if width > 0 else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def told(text: str, limit: int = 400) -> str:
    """Return somebody else's text on one line, without what a terminal would obey and what looks like a secret."""
    return plain(text, limit=limit)
