"""Distributions as Monitoring answers them: merging their buckets, and percentiles."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import zip_longest

import msgspec

from gcpdiag.bundle.series import Distribution
from gcpdiag.emulator.query_syntax import FilterError
from gcpdiag.model.json import Json, JsonObject, field_at, number_at, object_at


def merged(distributions: Iterable[JsonObject]) -> JsonObject:
    """Return one distribution over the values of all; exemplars and ranges are dropped.

    Raises:
        FilterError: when their buckets differ; the API re-buckets then, in a way that is not documented.
    """
    total: JsonObject = {}
    for one in distributions:
        total = _sum(total, one) if total else _bare(one)
    return total


def _bare(one: JsonObject) -> JsonObject:
    kept = ("count", "mean", "sumOfSquaredDeviation", "bucketOptions", "bucketCounts")
    return {key: one[key] for key in kept if key in one}


def _sum(left: JsonObject, right: JsonObject) -> JsonObject:
    if _count(left) == 0:
        return _bare(right)
    if _count(right) == 0:
        return left
    if object_at(left, "bucketOptions") != object_at(right, "bucketOptions"):
        raise FilterError("The emulator cannot merge distributions whose buckets differ.")
    count = _count(left) + _count(right)
    gap = _mean(right) - _mean(left)
    counts: list[Json] = [str(one + other) for one, other in zip_longest(_counts(left), _counts(right), fillvalue=0)]
    return {
        "count": str(count),
        "mean": (_mean(left) * _count(left) + _mean(right) * _count(right)) / count,
        # Chan's formula: what both deviate from their own means, and what these lie apart.
        "sumOfSquaredDeviation": _deviation(left)
        + _deviation(right)
        + gap * gap * _count(left) * _count(right) / count,
        "bucketOptions": object_at(left, "bucketOptions"),
        "bucketCounts": counts,
    }


def _count(one: JsonObject) -> int:
    return int(number_at(one, "count") or 0)


def _mean(one: JsonObject) -> float:
    return number_at(one, "mean") or 0.0


def _deviation(one: JsonObject) -> float:
    return number_at(one, "sumOfSquaredDeviation") or 0.0


def _counts(one: JsonObject) -> list[int]:
    found = field_at(one, "bucketCounts")
    return (
        [int(float(count)) for count in found if isinstance(count, str | int | float)]
        if isinstance(found, list)
        else []
    )


def mean_of(one: JsonObject) -> float | None:
    """Return the mean of the values; None where there are none."""
    return _mean(one) if _count(one) else None


def deviation_of(one: JsonObject) -> float | None:
    """Return the standard deviation of the values; None where there are none."""
    return math.sqrt(_deviation(one) / _count(one)) if _count(one) else None


def percentile_of(one: JsonObject, share: float) -> float | None:
    """Return the value below which a share of the values lie, by linear interpolation in its bucket."""
    try:
        return msgspec.convert(one, Distribution, strict=False).quantile(share)
    except msgspec.ValidationError as error:
        raise FilterError(f"A stored distribution cannot be read: {error}") from error
