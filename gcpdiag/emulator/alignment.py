"""Aligning time series: one value for each period, as ``Aggregation.Aligner`` of the Monitoring API describes.

Periods are counted back from the end of the interval, and each aligned point stands at the end of its period.
Where a period has no point, there is none in the result: what the API interpolates there is not documented well
enough to be repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gcpdiag.emulator.query_syntax import FilterError
from gcpdiag.emulator.statistic import ANY, DISTRIBUTIONS, NUMERIC, STATISTICS, TRUTHS
from gcpdiag.emulator.time_series import CUMULATIVE, DELTA, DISTRIBUTION, DOUBLE, GAUGE, INT64, Point, Series, Value

SHORTEST_PERIOD: Final = timedelta(seconds=60)
_NOT_SERVED: Final = frozenset({"ALIGN_INTERPOLATE", "ALIGN_PERCENT_CHANGE"})
_GAUGES, _TOTALS, _BOTH = frozenset({GAUGE}), frozenset({DELTA, CUMULATIVE}), frozenset({GAUGE, DELTA})
_VALID: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {  # metric kinds and value types, from common.proto
    "ALIGN_DELTA": (_TOTALS, NUMERIC | DISTRIBUTIONS),
    "ALIGN_RATE": (_TOTALS, NUMERIC),
    "ALIGN_NEXT_OLDER": (_GAUGES, ANY),
    "ALIGN_MIN": (_BOTH, NUMERIC),
    "ALIGN_MAX": (_BOTH, NUMERIC),
    "ALIGN_MEAN": (_BOTH, NUMERIC),
    "ALIGN_COUNT": (_BOTH, NUMERIC | TRUTHS),
    "ALIGN_SUM": (_BOTH, NUMERIC | DISTRIBUTIONS),
    "ALIGN_STDDEV": (_BOTH, NUMERIC),
    "ALIGN_COUNT_TRUE": (_GAUGES, TRUTHS),
    "ALIGN_COUNT_FALSE": (_GAUGES, TRUTHS),
    "ALIGN_FRACTION_TRUE": (_GAUGES, TRUTHS),
    "ALIGN_PERCENTILE_99": (_BOTH, DISTRIBUTIONS),
    "ALIGN_PERCENTILE_95": (_BOTH, DISTRIBUTIONS),
    "ALIGN_PERCENTILE_50": (_BOTH, DISTRIBUTIONS),
    "ALIGN_PERCENTILE_05": (_BOTH, DISTRIBUTIONS),
}
# The comments of the API name the kind that comes out of these alone. That ALIGN_SUM keeps the kind, and that all
# others give gauges, is unverified.
_KEEPS_KIND: Final = frozenset({"ALIGN_SUM", "ALIGN_DELTA"})


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of an interval; they are numbered from the newest, 0, backwards."""

    start: datetime
    end: datetime
    length: timedelta

    @property
    def oldest(self) -> int:
        """The number of the period that holds the interval's start; it may begin before it."""
        return -((self.start - self.end) // self.length) - 1

    def number_of(self, moment: datetime) -> int:
        """Return the period in which a moment lies; the end of a period belongs to it."""
        return min((self.end - moment) // self.length, self.oldest)

    def end_of(self, number: int) -> datetime:
        """Return where a period ends."""
        return self.end - number * self.length

    def hold(self, moment: datetime) -> bool:
        """Tell whether a moment lies in the interval ``(start, end]``."""
        return self.start < moment <= self.end


def check_aligner(aligner: str, period: timedelta, owner: str) -> None:
    """Raise FilterError for an aligner that does not exist or is not served, and for a period that is too short."""
    if aligner in _NOT_SERVED:
        raise refused(owner, "perSeriesAligner", aligner, "The emulator does not serve this aligner.")
    if aligner not in _VALID:
        raise refused(owner, "perSeriesAligner", aligner, "There is no such aligner.")
    seconds = f"{period.total_seconds():g}s"
    if not period:
        raise refused(owner, "alignmentPeriod", "", "The alignment period is required with an aligner.")
    if period < SHORTEST_PERIOD:
        raise refused(owner, "alignmentPeriod", seconds, "The alignment period must be at least 60 seconds.")


def refused(owner: str, field: str, value: str, reason: str) -> FilterError:
    """Return the error for a field of an aggregation; the first half is the API's wording."""
    return FilterError(f'Field {owner}.{field} had an invalid value of "{value}": {reason}')


def aligned(series: Series, aligner: str, periods: Periods, owner: str) -> Series:
    """Return a series with one point for each period that has points."""
    kinds, types = _VALID[aligner]
    if series.kind not in kinds or series.value_type not in types:
        raise refused(
            owner,
            "perSeriesAligner",
            aligner,
            f"The aligner cannot be applied to metrics with kind {series.kind} and value type {series.value_type}.",
        )
    values, value_type = _values(series, aligner, periods)
    kind = DELTA if aligner == "ALIGN_DELTA" else series.kind if aligner in _KEEPS_KIND else GAUGE
    width = periods.length if kind == DELTA else timedelta()
    ends = [(periods.end_of(number), values[number]) for number in sorted(values, reverse=True)]
    points = tuple(Point(end - width, end, value) for end, value in ends)
    return Series(
        metric=series.metric,
        resource=series.resource,
        kind=kind,
        value_type=value_type or series.value_type,
        points=points,
    )


def _values(series: Series, aligner: str, periods: Periods) -> tuple[dict[int, Value], str]:
    """Return the value of each period that has one, and its type if it is not the series' own."""
    name = aligner.removeprefix("ALIGN_")
    if name in {"DELTA", "RATE"} and series.value_type != DISTRIBUTION:
        totals = _shared(_increases(series), periods, whole=series.value_type == INT64)
        if name == "DELTA":
            return dict(totals), ""
        seconds = periods.length.total_seconds()
        return {number: total / seconds for number, total in totals.items()}, DOUBLE
    if series.kind == CUMULATIVE:
        raise FilterError("The emulator cannot align cumulative distributions.")
    found = _collected(series.points, periods)
    if name == "NEXT_OLDER":
        return {number: values[-1] for number, values in found.items()}, ""
    statistic, value_type = STATISTICS["SUM" if name == "DELTA" else name]
    made = {number: statistic(values) for number, values in found.items()}
    return {number: value for number, value in made.items() if value is not None}, value_type


def _collected(points: Iterable[Point], periods: Periods) -> dict[int, list[Value]]:
    found: defaultdict[int, list[Value]] = defaultdict(list)
    for point in points:
        if periods.hold(point.end):
            found[periods.number_of(point.end)].append(point.value)
    return found


def _increases(series: Series) -> Iterable[Point]:
    """Yield what was added between two points; a cumulative series starts again where its start time changes."""
    if series.kind != CUMULATIVE:
        yield from series.points
        return
    before: Point | None = None
    for point in series.points:
        if before is None or before.start != point.start:
            if before is not None:
                yield point
        elif isinstance(point.value, int | float) and isinstance(before.value, int | float):
            yield Point(before.end, point.end, point.value - before.value)
        before = point


def _shared(points: Iterable[Point], periods: Periods, *, whole: bool) -> dict[int, float]:
    """Return the total of each period.

    A point that lies in several periods is shared out by time, as "the slope of the line" implies; what lies before
    the oldest period is counted in it, so that no part of a total is lost. Whole numbers stay whole.
    """
    totals: defaultdict[int, float] = defaultdict(int)
    for point in points:
        if not periods.hold(point.end) or not isinstance(point.value, int | float):
            continue
        newest = periods.number_of(point.end)
        oldest = max(newest, periods.number_of(point.start + timedelta(microseconds=1)))
        told: float = 0
        for number in range(oldest, newest - 1, -1):
            reached = point.value if number == newest else _reached(point, periods.end_of(number), whole=whole)
            totals[number] += reached - told
            told = reached
    return totals


def _reached(point: Point, moment: datetime, *, whole: bool) -> float:
    """Return how much of a point's value lies before a moment."""
    microsecond = timedelta(microseconds=1)
    passed, length = (moment - point.start) // microsecond, (point.end - point.start) // microsecond
    if isinstance(point.value, int) and whole:
        return point.value * passed // length
    return point.value * passed / length if isinstance(point.value, int | float) else 0.0
