"""Shares with Wilson's interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.diagnose.proportion import Proportion, proportion_of


@given(st.integers(0, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_share_and_stays_between_none_and_all(counted: tuple[int, int]) -> None:
    hits, of = counted
    low, high = Proportion(hits=hits, of=of).interval

    assert 0 <= low <= high <= 1
    assert not of or low <= hits / of <= high


@pytest.mark.parametrize(
    "hits, of, low, high", [(81, 263, 0.255, 0.366), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]
)
def test_the_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    found = Proportion(hits=hits, of=of).interval

    assert found == pytest.approx((low, high), abs=5e-4)


def test_of_nothing_nothing_is_known() -> None:
    nothing = proportion_of([])

    assert nothing.share is None
    assert nothing.interval == (0.0, 1.0)


def test_more_hits_than_there_are_cannot_be() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        Proportion(hits=3, of=2)
