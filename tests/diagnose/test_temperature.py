"""Finding a temperature, and holding it against what it was not found on."""

from __future__ import annotations

import pytest

from gcpdiag.diagnose.temperature import WeighedClaim, fit_temperature, fold_names


def claims(probability: float, *, true: int, of: int, fold: str) -> list[WeighedClaim]:
    return [WeighedClaim(probability=probability, is_true=number < true, weight=1.0, fold=fold) for number in range(of)]


def test_the_modest_are_stretched() -> None:
    fit = fit_temperature([*claims(0.7, true=95, of=100, fold="a"), *claims(0.7, true=95, of=100, fold="b")])

    assert fit is not None
    assert fit.temperature > 2
    assert fit.fitted.brier < fit.plain.brier
    assert fit.fitted.expected_error < fit.plain.expected_error


def test_the_boastful_are_calmed() -> None:
    fit = fit_temperature([*claims(0.9, true=7, of=10, fold="a"), *claims(0.9, true=7, of=10, fold="b")])

    assert fit is not None
    assert fit.temperature < 1


def test_what_is_calibrated_stays_as_it_is() -> None:
    fit = fit_temperature([*claims(0.8, true=800, of=1000, fold="a"), *claims(0.8, true=800, of=1000, fold="b")])

    assert fit is not None
    assert fit.temperature == pytest.approx(1.0, abs=0.05)


def test_a_fold_is_judged_by_what_the_others_teach() -> None:
    fit = fit_temperature([*claims(0.7, true=99, of=100, fold="sure"), *claims(0.7, true=50, of=100, fold="unsure")])

    assert fit is not None
    assert fit.by_fold["unsure"] > 1 > fit.by_fold["sure"]


@pytest.mark.parametrize("told", [[], claims(0.7, true=5, of=5, fold="only")])
def test_with_fewer_than_two_folds_nothing_can_be_held_out(told: list[WeighedClaim]) -> None:
    assert fit_temperature(told) is None


def test_bundles_of_one_directory_are_parted_into_five() -> None:
    assert len(set(fold_names(["x"] * 12))) == 5
    assert fold_names(["x", "y", "x"]) == ["x", "y", "x"]
