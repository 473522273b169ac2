"""Whether the records that a diagnosis cites are in the bundle: read anew, without any detector.

A line of evidence cites a source, and maybe a stretch of time, a number of records in it, and a resource. The source's
file must be there (or, of several services, the file that told of requests); log entries and metric points must exist
at its first and last moment, and as many in between as it counts; a resource must be named somewhere in the bundle.
Log entries are counted to the second, points to the minute, since that is how evidence tells time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gcpdiag.bundle.format import LOG_ENTRIES, SOURCES, TIME_SERIES
from gcpdiag.bundle.read import Bundle
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.model.finding import Evidence
from gcpdiag.model.resource import last_segment
from gcpdiag.model.window import in_utc

_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """How many lines of evidence were checked, how many hold, and what is wrong with the others."""

    true: Proportion
    broken: tuple[str, ...] = ()


def check_citations(diagnosis: Diagnosis, bundle: Bundle) -> Citations:
    """Return whether every cited record of root causes, effects and warnings exists in the bundle."""
    records = _Records(bundle)
    lines = list(_evidence(diagnosis))
    broken = [f"{one.signal}: {fault}" for one in lines if (fault := records.fault(one))]
    return Citations(true=Proportion(hits=len(lines) - len(broken), of=len(lines)), broken=tuple(broken))


def _evidence(diagnosis: Diagnosis) -> Iterator[Evidence]:
    for cause in (*diagnosis.root_causes, *diagnosis.contributing, *diagnosis.warnings):
        yield from (line.evidence for line in (*cause.evidence, *cause.contradicting))


class _Records:
    """Moments of a bundle's log entries and metric points, counted; and all of its text, to look names up in."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        told = (one.timestamp or one.receive_timestamp for one in bundle.entries())
        self._seconds = Counter(int(in_utc(one).timestamp()) for one in told if one)
        points = (point.interval.end_time for series in bundle.series() for point in series.points)
        self._minutes = Counter(int(in_utc(one).timestamp()) // _MINUTE for one in points)
        self._texts: dict[str, bytes] = {}

    def fault(self, line: Evidence) -> str:
        """Return what is wrong with a citation, or an empty text."""
        source = SOURCES.get(line.source)
        if source is None or not self._bundle.tree.has(source.path):
            return f"there is no {line.source or 'source'} in the bundle"
        if line.source == LOG_ENTRIES and (fault := _timing_fault(line, self._seconds, unit=1)):
            return fault
        if line.source == TIME_SERIES and (fault := _timing_fault(line, self._minutes, unit=_MINUTE)):
            return fault
        if line.resource and not self._names(last_segment(line.resource)):
            return f"nothing is named {line.resource}"
        return ""

    def _names(self, name: str) -> bool:
        wanted = name.encode()
        return any(wanted in self._text(path) for path in self._bundle.tree.paths())

    def _text(self, path: str) -> bytes:
        if path not in self._texts:
            with self._bundle.tree.open(path) as stream:
                self._texts[path] = stream.read()
        return self._texts[path]


def _timing_fault(line: Evidence, recorded: Counter[int], *, unit: int) -> str:
    moments = [int(in_utc(one).timestamp()) // unit for one in (line.first_at, line.last_at) if one]
    for moment in moments:
        if not recorded[moment]:
            return f"nothing was recorded at {moment * unit}"
    counted = _between(moments, recorded)
    if moments and line.count is not None and counted < line.count:
        return f"{line.count} records are cited and there are {counted}"
    return ""


def _between(moments: Iterable[int], recorded: Counter[int]) -> int:
    listed = sorted(moments)
    if not listed:
        return 0
    return sum(count for moment, count in recorded.items() if listed[0] <= moment <= listed[-1])
