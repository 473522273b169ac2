"""Calibration: what confidence promises, and what came true."""

from __future__ import annotations

import pytest

from gcpdiag.diagnose.reliability import reliability_of


def test_perfect_certainty_has_no_error() -> None:
    found = reliability_of([(1.0, True), (0.0, False)])

    assert (found.brier, found.expected_error) == (0.0, 0.0)


def test_the_expected_error_is_the_mean_distance_of_the_bins() -> None:
    # In the last bin 0.9 is promised and half is true (three times in four 0.4), in the first 0.1 and nothing.
    found = reliability_of([(0.9, True), (0.9, False), (0.1, False), (0.1, False)])

    assert found.expected_error == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)


def test_a_claim_of_one_is_in_the_last_of_five_bins() -> None:
    found = reliability_of([(1.0, True)])

    assert [one.true.of for one in found.bins] == [0, 0, 0, 0, 1]


def test_without_claims_there_is_no_error_to_tell() -> None:
    assert reliability_of([]).brier is None
