"""Columns that fit, and lose nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from gcpdiag.report.page import Page
from gcpdiag.report.wording import plain

TEXTS = st.text(max_size=300).map(plain)
WIDTHS = st.integers(min_value=40, max_value=200)


def laid_out(cells: tuple[str, ...], width: int) -> str:
    page = Page(width)
    page.columns([tuple(Text(one) for one in cells)], right={0})
    return page.rendered(color=False)


@given(st.tuples(TEXTS, TEXTS, TEXTS), WIDTHS)
def test_three_columns_fit_into_any_width(cells: tuple[str, ...], width: int) -> None:
    assert max(cell_len(one) for one in laid_out(cells, width).splitlines()) <= width


@given(TEXTS, WIDTHS)
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    assert "".join(laid_out((text,), width).split()) == "".join(text.split())


@given(st.tuples(TEXTS, TEXTS), WIDTHS)
def test_no_line_ends_in_a_space(cells: tuple[str, ...], width: int) -> None:
    assert all(one == one.rstrip() for one in laid_out(cells, width).splitlines())


def test_a_name_is_kept_whole_as_long_as_the_text_beside_it_has_room() -> None:
    name = "database-connections/client-pool-exhausted"
    assert name in laid_out((name, "no pool reports that it is exhausted, and more of it" * 2), 80)


def test_a_long_path_breaks_behind_a_slash() -> None:
    page = Page(44)
    page.prose(Text("run.googleapis.com/container/memory/utilizations"))
    assert page.rendered(color=False) == "  run.googleapis.com/container/memory/\n  utilizations\n"


def test_what_is_copied_is_never_wrapped() -> None:
    page = Page(40)
    page.verbatim(Text("gcloud " + "x" * 300))
    assert page.rendered(color=False) == f"  gcloud {'x' * 300}\n"
