"""What aligners and reducers share: one value made of many, by the second half of their names."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Final, TypeAlias

from gcpdiag.emulator.distribution import deviation_of, mean_of, merged, percentile_of
from gcpdiag.emulator.time_series import BOOL, DISTRIBUTION, DOUBLE, INT64, STRING, Value
from gcpdiag.model.json import JsonObject

Statistic: TypeAlias = Callable[[list[Value]], Value | None]

NUMERIC: Final = frozenset({INT64, DOUBLE})
TRUTHS: Final = frozenset({BOOL})
DISTRIBUTIONS: Final = frozenset({DISTRIBUTION})
ANY: Final = frozenset({INT64, DOUBLE, BOOL, DISTRIBUTION, STRING})


def _numbers(values: list[Value]) -> list[float]:
    return [one for one in values if isinstance(one, int | float)]


def _distributions(values: list[Value]) -> list[JsonObject]:
    return [one for one in values if isinstance(one, dict)]


def _sum(values: list[Value]) -> Value | None:
    if found := _distributions(values):
        return merged(found)
    numbers = _numbers(values)
    return sum(numbers) if all(isinstance(one, int) for one in numbers) else math.fsum(numbers)


def _mean(values: list[Value]) -> Value | None:
    if found := _distributions(values):
        return mean_of(merged(found))  # of all the values together (unverified)
    numbers = _numbers(values)
    return math.fsum(numbers) / len(numbers)


def _deviation(values: list[Value]) -> Value | None:
    if found := _distributions(values):
        return deviation_of(merged(found))
    return statistics.pstdev(_numbers(values))  # of the population; which one the API takes is unverified


def _fraction_true(values: list[Value]) -> Value | None:
    return sum(one is True for one in values) / len(values)


def _percentile(share: float) -> Statistic:
    def percentile(values: list[Value]) -> Value | None:
        if found := _distributions(values):
            return percentile_of(merged(found), share)
        numbers = sorted(_numbers(values))
        place = share * (len(numbers) - 1)  # linear between the two nearest values (unverified)
        low = math.floor(place)
        high = min(low + 1, len(numbers) - 1)
        return numbers[low] + (numbers[high] - numbers[low]) * (place - low)

    return percentile


STATISTICS: Final[dict[str, tuple[Statistic, str]]] = {  # with the value type of the result, if not the input's
    "MIN": (lambda values: min(_numbers(values)), ""),
    "MAX": (lambda values: max(_numbers(values)), ""),
    "MEAN": (_mean, DOUBLE),
    "COUNT": (len, INT64),
    "SUM": (_sum, ""),
    "STDDEV": (_deviation, DOUBLE),
    "COUNT_TRUE": (lambda values: sum(one is True for one in values), INT64),
    "COUNT_FALSE": (lambda values: sum(one is False for one in values), INT64),
    "FRACTION_TRUE": (_fraction_true, DOUBLE),
    "PERCENTILE_99": (_percentile(0.99), DOUBLE),
    "PERCENTILE_95": (_percentile(0.95), DOUBLE),
    "PERCENTILE_50": (_percentile(0.50), DOUBLE),
    "PERCENTILE_05": (_percentile(0.05), DOUBLE),
}
