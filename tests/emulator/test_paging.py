"""Pages: complete, in order, and with tokens that fit their own question alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.rest import ApiError


@given(st.lists(st.integers(), max_size=40), st.integers(min_value=1, max_value=12))
def test_the_pages_of_a_list_are_the_list(found: list[int], size: int) -> None:
    seen: list[int] = []
    token = ""
    for _ in range(len(found) + 1):
        page, token = page_of(found, size=size, token=token, query="q")
        seen += page
        if not token:
            break

    assert (seen, token) == (found, "")


def test_the_last_page_has_no_token_even_when_it_is_full() -> None:
    assert page_of([1, 2], size=2, token="", query="q") == ([1, 2], "")


@pytest.mark.parametrize("token", ["x", "!!!", "bm90IGpzb24", "WzEsMl0", "WyJhIixudWxsLCJ4Il0"])
def test_a_token_that_nobody_gave_is_refused(token: str) -> None:
    with pytest.raises(ApiError) as refused:
        page_of([1, 2, 3], size=1, token=token, query="q")
    assert refused.value.code == 400


def test_a_token_of_another_question_is_refused() -> None:
    _, token = page_of([1, 2, 3], size=1, token="", query="one")

    with pytest.raises(ApiError):
        page_of([1, 2, 3], size=1, token=token, query="other")


def test_a_size_is_the_default_the_asked_one_or_the_most() -> None:
    assert [page_size(asked, default=50, most=200) for asked in (0, 7, 900)] == [50, 7, 200]
    with pytest.raises(ApiError):
        page_size(-1, default=50, most=200)
