"""What a confidence is, whatever the ranking's probability was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.diagnose.confidence import calibrated

PROBABILITIES = st.floats(0.0, 1.0)


@given(PROBABILITIES)
def test_a_confidence_is_never_certain(probability: float) -> None:
    assert 0 < calibrated(probability) < 1


@given(PROBABILITIES, PROBABILITIES)
def test_what_was_surer_stays_at_least_as_sure(one: float, other: float) -> None:
    less, more = sorted((one, other))

    assert calibrated(less) <= calibrated(more)


def test_an_even_chance_stays_one() -> None:
    assert calibrated(0.5) == pytest.approx(0.5)


def test_the_modest_become_surer_and_the_unlikely_less_likely() -> None:
    assert calibrated(0.8) > 0.9
    assert calibrated(0.3) < 0.2


def test_a_temperature_of_one_changes_nothing() -> None:
    assert calibrated(0.73, temperature=1.0) == pytest.approx(0.73)
