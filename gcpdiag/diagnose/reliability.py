"""Whether confidence means what it says: of the causes named with 80%, how many are true?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gcpdiag.diagnose.proportion import Proportion

_BINS = 5

Claim: TypeAlias = tuple[float, bool]
"""The confidence with which a cause was named, and whether it is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The claims with a confidence in ``[low, high)`` (the last bin has 1 in it)."""

    low: float
    high: float
    mean: float | None
    true: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Brier score and expected calibration error of claims, None without any; and their bins."""

    claims: int
    brier: float | None
    expected_error: float | None
    bins: tuple[Bin, ...]


def reliability_of(claims: Sequence[Claim]) -> Reliability:
    """Return the reliability over five equal bins.

    The expected error is the mean over all claims of the distance, in the claim's bin, between the mean confidence and
    the share that is true.
    """
    bins = tuple(_bin(number, claims) for number in range(_BINS))
    if not claims:
        return Reliability(claims=0, brier=None, expected_error=None, bins=bins)
    distance = sum(abs((one.mean or 0.0) * one.true.of - one.true.hits) for one in bins)
    return Reliability(
        claims=len(claims),
        brier=sum((confidence - is_true) ** 2 for confidence, is_true in claims) / len(claims),
        expected_error=distance / len(claims),
        bins=bins,
    )


def _bin(number: int, claims: Sequence[Claim]) -> Bin:
    inside = [one for one in claims if min(_BINS - 1, int(one[0] * _BINS)) == number]
    return Bin(
        low=number / _BINS,
        high=(number + 1) / _BINS,
        mean=sum(confidence for confidence, _ in inside) / len(inside) if inside else None,
        true=Proportion(hits=sum(is_true for _, is_true in inside), of=len(inside)),
    )
