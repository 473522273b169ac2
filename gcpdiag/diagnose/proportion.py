"""A share that was counted, and how far from the true one it may lie."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z = 1.959963984540054  # 97.5% of the normal distribution: two-sided 95%


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """So many of so many, with Wilson's 95% interval; of none at all, nothing is known."""

    hits: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.of:
            raise ValueError(f"{self.hits} of {self.of} is no share")

    @property
    def share(self) -> float | None:
        """The share that was counted, or None where nothing was."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval, which stays inside [0, 1] and has a width even for none and for all."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.hits / self.of, _Z * _Z
        middle = (share + square / (2 * self.of)) / (1 + square / self.of)
        spread = math.sqrt(share * (1 - share) / self.of + square / (4 * self.of * self.of))
        half = _Z * spread / (1 + square / self.of)
        low = 0.0 if self.hits == 0 else max(0.0, middle - half)
        high = 1.0 if self.hits == self.of else min(1.0, middle + half)
        return low, high


def proportion_of(claims: Iterable[bool]) -> Proportion:
    """Return how many of these claims are true."""
    listed = list(claims)
    return Proportion(hits=sum(listed), of=len(listed))
