"""What is in a bundle, what is missing, and every malformed line: what ``gcpdiag bundle check`` says.

Missing is unknown, not absent: the report says so wherever a source was not collected whole.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gcpdiag.bundle.entry import LogEntry
from gcpdiag.bundle.format import EXPECTED, LOG_ENTRIES, MANIFEST, SOURCES, TIME_SERIES, Source, SourceState
from gcpdiag.bundle.problem import Problem
from gcpdiag.bundle.read import Bundle
from gcpdiag.bundle.redact import one_line
from gcpdiag.bundle.tree import UNREADABLE
from gcpdiag.errors import BundleError
from gcpdiag.model.window import Window, in_utc, rfc3339

_MOST_LOGS = 1000  # names that are told apart while counting; a project has some dozens
_LOGS_SHOWN = 12
_FILES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One source of the contract: how it was collected, and how much of it could be read.

    ``count`` is None where there is no file to read; ``told`` is the manifest's own count, if it has one.
    """

    source: Source
    state: SourceState
    count: int | None = None
    told: int | None = None
    truncated: bool = False
    damaged: bool = False
    reason: str = ""
    permission: str = ""

    @property
    def whole(self) -> bool:
        """The source answered and was read whole: what is not in it does not exist."""
        return self.state == "ok" and not self.truncated and not self.damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCount:
    """The entries of one log, by its short name such as ``run.googleapis.com/requests``."""

    log: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReport:
    """What a bundle holds; ``window`` is None where neither the manifest nor the content tells one."""

    project: str
    window: Window | None
    sources: tuple[SourceRow, ...]
    logs: tuple[LogCount, ...] = ()
    oldest: datetime | None = None
    newest: datetime | None = None
    problems: tuple[Problem, ...] = ()
    unknown_files: tuple[str, ...] = ()
    unknown_sources: tuple[str, ...] = ()


def check_bundle(bundle: Bundle) -> BundleReport:
    """Read every file of a bundle once and return what is in it; memory does not grow with the entries."""
    logs = _LogCounter()
    rows = tuple(_row(bundle, source, logs) for source in SOURCES.values())
    _compare_checksums(bundle)
    known = {source.path for source in SOURCES.values()} | {MANIFEST, EXPECTED}
    return BundleReport(
        project=bundle.project,
        window=_window_of(bundle),
        sources=rows,
        logs=logs.counts(),
        oldest=logs.oldest,
        newest=logs.newest,
        problems=tuple(bundle.problems.problems()),
        unknown_files=tuple(path for path in bundle.tree.paths() if path not in known),
        unknown_sources=tuple(sorted({one.source for one in bundle.manifest.sources} - SOURCES.keys())),
    )


def _compare_checksums(bundle: Bundle) -> None:
    """Note every file that is not as it was when the bundle was kept; other bundles have no checksums."""
    for path, told in sorted(bundle.manifest.files.items()):
        try:
            if not bundle.tree.has(path):
                bundle.problems.add(path, 0, "is missing, and the manifest has its checksum")
            elif _sha256(bundle, path) != told.sha256:
                bundle.problems.add(path, 0, "was changed after the bundle was kept: its checksum is another")
        except UNREADABLE as error:
            bundle.problems.add(path, 0, f"cannot be read: {error}")


def _sha256(bundle: Bundle, path: str) -> str:
    checksum = hashlib.sha256()
    with bundle.tree.open(path) as stream:
        while chunk := stream.read(1 << 20):
            checksum.update(chunk)
    return checksum.hexdigest()


class _LogCounter:
    """Counts entries by log while they stream by."""

    def __init__(self) -> None:
        self.oldest: datetime | None = None
        self.newest: datetime | None = None
        self._counts: Counter[str] = Counter()

    def count(self, entries: Iterable[LogEntry]) -> int:
        total = 0
        for entry in entries:
            total += 1
            if entry.log_name in self._counts or len(self._counts) < _MOST_LOGS:
                self._counts[entry.log_name] += 1
            if moment := entry.timestamp or entry.receive_timestamp:
                at = in_utc(moment)
                self.oldest = at if self.oldest is None else min(at, self.oldest)
                self.newest = at if self.newest is None else max(at, self.newest)
        return total

    def counts(self) -> tuple[LogCount, ...]:
        by_log: Counter[str] = Counter()
        for name, count in self._counts.items():
            by_log[_short_log_name(name)] += count
        ranked = sorted(by_log.items(), key=lambda one: (-one[1], one[0]))
        return tuple(LogCount(log=log, count=count) for log, count in ranked)


def _short_log_name(name: str) -> str:
    return name.rsplit("/logs/", 1)[-1].replace("%2F", "/") or "(no log name)"


def _row(bundle: Bundle, source: Source, logs: _LogCounter) -> SourceRow:
    coverage = bundle.coverage(source.id)
    told = next((one.items for one in bundle.manifest.sources if one.source == source.id), None)
    row = SourceRow(
        source=source,
        state=coverage.state,
        told=told,
        truncated=coverage.truncated,
        reason=coverage.reason,
        permission=coverage.permission if coverage.state == "denied" else "",
    )
    if not bundle.tree.has(source.path):
        return row
    count = _count(bundle, source, logs)
    damaged = bundle.problems.count(source.path) > 0
    if damaged and not count and row.state == "ok":
        row = replace(row, state="error", reason="nothing in it can be read")
    return replace(row, count=count, damaged=damaged)


def _count(bundle: Bundle, source: Source, logs: _LogCounter) -> int:
    if source.id == LOG_ENTRIES:
        return logs.count(bundle.entries())
    if source.id == TIME_SERIES:
        return sum(1 for _ in bundle.series())
    return len(bundle.resources(source.id) or ())


def _window_of(bundle: Bundle) -> Window | None:
    try:
        return bundle.window
    except BundleError:
        return None


def to_lines(report: BundleReport) -> list[str]:
    """Return the report as aligned plain text, harmless to a terminal."""
    return [
        *_heading(report),
        "",
        *_table(report.sources),
        *_section("log entries, by log", _log_lines(report)),
        *_section("problems; the rest of these files is used", [one_line(str(one)) for one in report.problems]),
        *_section("not part of a bundle, and not read", _stranger_lines(report)),
        "",
        *_conclusion(report.sources),
    ]


def _heading(report: BundleReport) -> list[str]:
    window = "unknown: the manifest has none, and there is no log entry or metric point to take it from"
    if report.window:
        minutes = report.window.length.total_seconds() / 60
        window = f"{rfc3339(report.window.start)} to {rfc3339(report.window.end)} ({minutes:.0f} min)"
    return [f"project  {one_line(report.project)}", f"window   {window}"]


def _table(rows: Iterable[SourceRow]) -> list[str]:
    cells = [("source", "state", "items", "")]
    cells += [(row.source.id, _state(row), _items(row), _remark(row)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    return [
        f"{source:<{widths[0]}}  {state:<{widths[1]}}  {items:>{widths[2]}}  {remark}".rstrip()
        for source, state, items, remark in cells
    ]


def _state(row: SourceRow) -> str:
    if row.state == "skipped":
        return "not collected"
    if row.state == "ok" and not row.whole:
        return "ok, not whole"
    return row.state


def _items(row: SourceRow) -> str:
    return "–" if row.count is None else f"{row.count:,}"


def _remark(row: SourceRow) -> str:
    remarks = [one_line(row.reason)] if row.reason else []
    if row.permission:
        remarks.append(f"needs {one_line(row.permission)}")
    if row.truncated:
        remarks.append("cut off at a limit when it was collected")
    if row.damaged:
        remarks.append("damaged, see below")
    if row.told is not None and row.count is not None and row.told != row.count:
        remarks.append(f"the manifest says {row.told:,}")
    return "; ".join(remarks)


def _log_lines(report: BundleReport) -> list[str]:
    shown = report.logs[:_LOGS_SHOWN]
    width = max((len(f"{one.count:,}") for one in shown), default=0)
    lines = [f"{one.count:>{width},}  {one_line(one.log, limit=80)}" for one in shown]
    if rest := sum(one.count for one in report.logs[_LOGS_SHOWN:]):
        lines.append(f"{rest:>{width},}  in {len(report.logs) - _LOGS_SHOWN} more logs")
    if report.oldest and report.newest:
        lines.append(f"from {rfc3339(report.oldest)} to {rfc3339(report.newest)}")
    return lines


def _stranger_lines(report: BundleReport) -> list[str]:
    lines = [one_line(path) for path in report.unknown_files[:_FILES_SHOWN]]
    if (rest := len(report.unknown_files) - len(lines)) > 0:
        lines.append(f"and {rest:,} more files")
    return lines + [f"source {one_line(name)} of the manifest" for name in report.unknown_sources[:_FILES_SHOWN]]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _conclusion(rows: tuple[SourceRow, ...]) -> list[str]:
    missing = sum(row.state != "ok" for row in rows)
    partial = sum(row.state == "ok" and not row.whole for row in rows)
    lines = [f"{len(rows) - missing - partial} of {len(rows)} sources are there, and whole."]
    if missing:
        lines.append(f"Missing: {missing}. What they would tell is unknown, not absent: it rules nothing out.")
    if partial:
        lines.append(f"There in part: {partial}. What is not in them may have been left out: unknown as well.")
    return lines
