"""Where a watch is shown: in place on a terminal, frame after frame on a dumb one, a line a round anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from gcpdiag.report.canvas import Canvas
from gcpdiag.report.watch import Stage, frame_of
from gcpdiag.report.watch_line import line_of

if TYPE_CHECKING:
    from gcpdiag.cli.rounds import Screen

_FOREVER = 3600.0


def screen_for(out: TextIO, environ: Mapping[str, str] = os.environ) -> Screen:
    """Return the screen that fits where standard output goes to."""
    if not out.isatty():
        return LineScreen(_writer(out))
    if environ.get("TERM") in {"dumb", "unknown"}:
        return FrameScreen(_writer(out))
    unicode = (out.encoding or "").lower().replace("-", "").startswith("utf")
    return LiveScreen(terminal_of(out, environ), unicode=unicode)


def _writer(out: TextIO) -> Callable[[str], None]:
    """Return what writes a line at once; what the encoding does not have becomes a question mark."""
    encoding = out.encoding or "utf-8"
    return lambda text: print(text.encode(encoding, "replace").decode(encoding), file=out, flush=True)


def terminal_of(out: TextIO, environ: Mapping[str, str]) -> Console:
    """Return the terminal to draw on; with ``NO_COLOR`` nothing is styled at all."""
    color = not environ.get("NO_COLOR")
    return Console(
        file=out,
        color_system="auto" if color else None,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
        _environ=environ,
    )


class LiveScreen:
    """A frame that is drawn again in its place, on the normal screen, so that the last one stays."""

    tick = 1.0

    def __init__(self, console: Console, *, unicode: bool) -> None:
        self._console = console
        self._unicode = unicode
        self._size = console.size
        self._live = Live(Text(), console=console, auto_refresh=False, screen=False, vertical_overflow="crop")

    def draw(self, stage: Stage) -> None:
        """Draw the frame for the terminal's present size; after a change of it on a clear screen."""
        if not self._live.is_started:
            self._live.start()
        if self._console.size != self._size:
            self._size = self._console.size
            self._console.clear()
        self._live.update(frame_of(stage, self._canvas), refresh=True)

    def round_done(self, stage: Stage) -> None:
        """Draw it: the next frame comes soon."""
        self.draw(stage)

    def end(self, stage: Stage) -> None:
        """Leave the last frame behind, or nothing where nothing was seen."""
        if stage.vigil.sight is None:
            self._live.transient = True
        elif self._live.is_started:
            self.draw(stage)
        self._live.stop()

    @property
    def _canvas(self) -> Canvas:
        color = self._console.color_system is not None
        return Canvas(width=self._size.width, height=self._size.height, color=color, unicode=self._unicode)


class FrameScreen:
    """A frame in ASCII for every round, one below the other, for terminals whose cursor cannot be moved."""

    tick = _FOREVER

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def draw(self, stage: Stage) -> None:
        """Draw nothing between rounds."""

    def round_done(self, stage: Stage) -> None:
        """Write a frame."""
        size = Console(file=sys.stdout).size
        canvas = Canvas(width=size.width, height=size.height, color=False, unicode=False)
        self._write(f"{frame_of(stage, canvas).plain}\n")

    def end(self, stage: Stage) -> None:
        """Say why it ended."""
        if stage.vigil.sight is not None:
            self._write(stage.ending)


class LineScreen:
    """One line of plain text for every round."""

    tick = _FOREVER

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def draw(self, stage: Stage) -> None:
        """Draw nothing between rounds."""

    def round_done(self, stage: Stage) -> None:
        """Write the line of the round."""
        self._write(line_of(stage.vigil, stage.now))

    def end(self, stage: Stage) -> None:
        """Add nothing: the last line has said it all."""
