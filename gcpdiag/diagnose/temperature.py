"""Which temperature would calibrate confidence best, and how well it does on bundles that it was not found on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gcpdiag.diagnose.confidence import TEMPERATURE, calibrated, stretched
from gcpdiag.diagnose.reliability import reliability_of

_LEAST, _MOST, _STEP = 50, 400, 5  # hundredths
_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedClaim:
    """A cause named with an uncalibrated probability, whether it is true, and how much the case counts.

    ``fold`` says what belongs together (the bundles of one directory): it is left out as a whole.
    """

    probability: float
    is_true: bool
    weight: float
    fold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Brier score and expected calibration error on bundles that were left out."""

    brier: float
    expected_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureFit:
    """The temperature found on all claims, those found without one fold each, and how three ways do on the rest.

    ``plain`` takes the ranking's probabilities as they are, ``current`` the temperature in force, ``fitted`` that of
    the other folds.
    """

    claims: int
    temperature: float
    by_fold: dict[str, float]
    plain: Held
    current: Held
    fitted: Held


def fit_temperature(claims: Sequence[WeighedClaim]) -> TemperatureFit | None:
    """Return the fit, or None where nothing was named or there are fewer than two folds."""
    folds = sorted({one.fold for one in claims})
    if len(folds) < 2:  # noqa: PLR2004 - one to leave out, and one to learn from
        return None
    by_fold = {fold: _best([one for one in claims if one.fold != fold]) for fold in folds}
    return TemperatureFit(
        claims=len(claims),
        temperature=_best(claims),
        by_fold=by_fold,
        plain=_held((one, 1.0) for one in claims),
        current=_held((one, TEMPERATURE) for one in claims),
        fitted=_held((one, by_fold[one.fold]) for one in claims),
    )


def fold_names(directories: Sequence[str]) -> list[str]:
    """Return what each bundle's fold is called: its directory, or where all lie in one, one of five parts of it."""
    if len(set(directories)) > 1:
        return list(directories)
    return [f"part {number % _FOLDS + 1}" for number, _ in enumerate(directories)]


def _held(claims: Iterable[tuple[WeighedClaim, float]]) -> Held:
    told = reliability_of([(calibrated(one.probability, temperature=told), one.is_true) for one, told in claims])
    return Held(brier=told.brier or 0.0, expected_error=told.expected_error or 0.0)


def _best(claims: Sequence[WeighedClaim]) -> float:
    """Return the temperature of least log loss, in steps of a twentieth.

    The bounds of confidence are left out, since they would hide that a temperature makes everything certain.
    """
    right = sum(one.weight for one in claims if one.is_true)
    wrong = sum(one.weight for one in claims if not one.is_true)
    # Platt's targets: a few cases that are all true are no certainty.
    targets = {True: (right + 1) / (right + 2), False: 1 / (wrong + 2)}

    def loss(hundredths: int) -> float:
        total = 0.0
        for one in claims:
            told = stretched(one.probability, hundredths / 100)
            target = targets[one.is_true]
            total -= one.weight * (target * math.log(told) + (1 - target) * math.log(1 - told))
        return total

    return min(range(_LEAST, _MOST + 1, _STEP), key=loss) / 100
