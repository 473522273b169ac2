"""Counting matches, whatever order they come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.signals.tally import Tally

MATCHES = st.lists(st.tuples(st.integers(0, 7200), st.sampled_from("abc"), st.sampled_from(["", "i1", "i2"])))


def tally_of(matches: list[tuple[int, str, str]]) -> Tally:
    told = Tally()
    for at, text, instance in matches:
        told.add(at, text, instance=instance, revision="r")
    return told


@given(MATCHES)
def test_the_order_of_matches_makes_no_difference(matches: list[tuple[int, str, str]]) -> None:
    assert tally_of(sorted(matches)) == tally_of(matches)


def test_the_sample_is_the_earliest_text() -> None:
    assert tally_of([(90, "late", ""), (30, "early", ""), (60, "later", "")]).sample == "early"


def test_instances_are_told_apart_up_to_a_limit() -> None:
    assert len(tally_of([(1, "a", f"i{number}") for number in range(1000)]).instances) == 500


def test_rates_are_matches_a_minute_on_either_side() -> None:
    told = tally_of(
        [(minute * 60, "a", "") for minute in range(10)] + [(600 + second, "a", "") for second in range(60)]
    )
    assert (told.rate_before(10), told.rate_from(10)) == (1.0, 60.0)


def test_without_matches_there_is_no_rate() -> None:
    assert (Tally().rate_before(5), Tally().rate_from(5)) == (0.0, 0.0)
