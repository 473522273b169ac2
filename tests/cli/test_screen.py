"""Where a watch is shown: on a terminal in place, on a dumb one frame by frame, elsewhere a line a round."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.console import Console, ConsoleDimensions

from gcpdiag.cli.rounds import Screen
from gcpdiag.cli.screen import FrameScreen, LineScreen, LiveScreen, screen_for, terminal_of
from gcpdiag.diagnose.vigil import Miss, Vigil
from gcpdiag.report.watch import Stage
from tests.cli.pacing import BROKEN, FAILING, HEALTHY, watched
from tests.diagnose.watching import NOON, after, sight


def test_without_a_terminal_there_is_a_line_for_each_round() -> None:
    written: list[str] = []
    screen: Screen = LineScreen(written.append)

    for stage in watched(FAILING, BROKEN, HEALTHY, HEALTHY)[2].done:
        screen.draw(stage)
        screen.round_done(stage)
    screen.end(Stage(vigil=after(), now=NOON))

    assert [one.split()[1] for one in written] == [
        "status=incident",
        "round=failed",
        "status=healthy",
        "status=healthy",
    ]


def test_a_dumb_terminal_gets_frames_in_ascii_one_below_the_other() -> None:
    written: list[str] = []
    screen: Screen = FrameScreen(written.append)

    screen.round_done(Stage(vigil=after(sight()), now=NOON))
    screen.end(Stage(vigil=after(sight()), now=NOON, ending="the time is over"))

    assert all(one.isascii() for one in written)
    assert written[0].startswith("INCIDENT  demo-staging")
    assert written[1] == "the time is over"


def test_a_line_is_written_in_whatever_encoding_there_is() -> None:
    written = BytesIO()
    vigil = after(sight()).with_miss(Miss(at=NOON, why="résumé → …"))

    out = TextIOWrapper(written, encoding="ascii")

    screen_for(out).round_done(Stage(vigil=vigil, now=NOON))

    assert b'why="r?sum? ? ?"' in written.getvalue()


class Terminal(StringIO):
    """A terminal that keeps what is written to it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def live() -> tuple[Console, Terminal, LiveScreen]:
    out = Terminal()
    console = terminal_of(out, {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"})
    return console, out, LiveScreen(console, unicode=True)


def test_a_frame_is_drawn_over_the_one_before_and_never_scrolls() -> None:
    _, out, screen = live()
    for _ in range(3):
        screen.draw(Stage(vigil=after(sight()), now=NOON))
    screen.end(Stage(vigil=after(sight()), now=NOON, ending="the time is over"))

    height = out.getvalue().split("INCIDENT")[1].count("\n")
    assert height < 24
    assert out.getvalue().count("\x1b[1A") >= 3 * height
    assert "the time is over" in out.getvalue()


def test_after_a_change_of_size_the_frame_is_drawn_on_a_clear_screen() -> None:
    console, out, screen = live()
    screen.draw(Stage(vigil=after(sight()), now=NOON))
    before = out.getvalue()
    console.size = ConsoleDimensions(120, 30)

    screen.draw(Stage(vigil=after(sight()), now=NOON))
    screen.end(Stage(vigil=after(sight()), now=NOON, ending="over"))

    assert "\x1b[2J" not in before
    assert "\x1b[2J" in out.getvalue()


def test_where_nothing_was_seen_no_frame_is_left() -> None:
    _, out, screen = live()
    screen.draw(Stage(vigil=Vigil(began=NOON), now=NOON))
    screen.end(Stage(vigil=Vigil(began=NOON), now=NOON, ending="nothing could be seen"))

    assert out.getvalue().rsplit("WATCH", 1)[1].endswith("\x1b[1A\x1b[2K")


@pytest.mark.parametrize(
    "environ, kind", [({"TERM": "xterm"}, LiveScreen), ({"TERM": "dumb"}, FrameScreen), ({}, LiveScreen)]
)
def test_the_screen_fits_the_terminal(environ: dict[str, str], kind: type) -> None:
    assert isinstance(screen_for(Terminal(), environ), kind)
    assert isinstance(screen_for(StringIO(), environ), LineScreen)
