"""What ``gcpdiag bundle check`` says of a bundle."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import pytest

from gcpdiag.bundle.check import BundleReport, SourceRow, check_bundle, to_lines
from gcpdiag.bundle.format import parse_manifest
from gcpdiag.bundle.read import Bundle, bundle_of, load_bundle
from gcpdiag.model.json import Json
from tests.making import ENTRIES, SERIES, SERVICES, bundle, entry, jsonl, manifest, request, series, service

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures").glob("*/manifest.json"))
DENIED: dict[str, Json] = {"source": "vpcaccess.connectors", "status": "denied", "error": "403 Permission denied"}


def row_of(report: BundleReport, source: str) -> SourceRow:
    return next(row for row in report.sources if row.source.id == source)


def line_of(told: Bundle, start: str) -> str:
    return next(line for line in to_lines(check_bundle(told)) if line.startswith(start))


def test_there_is_one_row_for_each_source_of_the_contract() -> None:
    assert len(check_bundle(bundle({})).sources) == 20


def test_items_are_counted_by_source() -> None:
    files = {ENTRIES: [entry("a"), entry("b")], SERIES: [series("m", {1: 1.0})], SERVICES: [service()]}
    report = check_bundle(bundle(files))
    counts = [row_of(report, one).count for one in ("logging.entries", "monitoring.time_series", "run.services")]
    assert counts == [2, 1, 1]


def test_an_empty_file_was_collected_and_holds_none() -> None:
    row = row_of(check_bundle(bundle({SERVICES: []})), "run.services")
    assert (row.state, row.count, row.whole) == ("ok", 0, True)


def test_a_missing_file_was_not_collected() -> None:
    row = row_of(check_bundle(bundle({})), "run.services")
    assert (row.state, row.count, row.whole) == ("skipped", None, False)


def test_a_denied_source_says_what_it_takes() -> None:
    row = row_of(check_bundle(bundle({}, sources=[DENIED])), "vpcaccess.connectors")
    assert (row.state, row.permission, row.reason) == ("denied", "vpcaccess.connectors.list", "403 Permission denied")


def test_a_truncated_source_is_not_whole() -> None:
    cut: dict[str, Json] = {"source": "logging.entries", "status": "ok", "truncated": True, "items": 1}
    assert not row_of(check_bundle(bundle({ENTRIES: [entry("a")]}, sources=[cut])), "logging.entries").whole


def test_a_damaged_source_counts_what_could_be_read() -> None:
    report = check_bundle(bundle({ENTRIES: jsonl(entry("a")) + b"oops\n"}))
    row = row_of(report, "logging.entries")
    assert (row.state, row.count, row.damaged, row.whole) == ("ok", 1, True, False)
    assert [(one.path, one.line) for one in report.problems] == [(ENTRIES, 2)]


def test_a_source_of_which_nothing_can_be_read_is_an_error() -> None:
    row = row_of(check_bundle(bundle({SERVICES: b"oops"})), "run.services")
    assert (row.state, row.count, row.reason) == ("error", 0, "nothing in it can be read")


def test_a_count_that_differs_from_the_manifests_is_remarked() -> None:
    told: dict[str, Json] = {"source": "logging.entries", "status": "ok", "items": 5000}
    line = line_of(bundle({ENTRIES: [entry("a")]}, sources=[told]), "logging.entries")
    assert "the manifest says 5,000" in line


def test_entries_are_counted_by_log_and_span() -> None:
    report = check_bundle(bundle({ENTRIES: [entry("a", minute=40), request(200, minute=5), request(200, minute=9)]}))
    assert [(one.log, one.count) for one in report.logs] == [
        ("run.googleapis.com/requests", 2),
        ("run.googleapis.com/stderr", 1),
    ]
    assert report.oldest is not None
    assert report.newest is not None
    assert (report.newest - report.oldest).total_seconds() == 35 * 60


def test_files_and_sources_that_the_contract_does_not_know_are_listed() -> None:
    report = check_bundle(bundle({"notes.txt": b"x", "expected.json": b"{}"}, sources=[{"source": "gke.clusters"}]))
    assert (report.unknown_files, report.unknown_sources) == (("notes.txt",), ("gke.clusters",))


def test_a_bundle_without_any_time_has_no_window_and_is_reported_all_the_same() -> None:
    told = bundle_of({"manifest.json": b'{"format": "gcpdiag-bundle", "version": 1, "project": "p"}'})
    assert check_bundle(told).window is None
    assert "unknown" in line_of(told, "window")


def test_missing_is_called_unknown_and_not_absent() -> None:
    lines = to_lines(check_bundle(bundle({SERVICES: []}, sources=[DENIED])))
    assert "Missing: 19. What they would tell is unknown, not absent: it rules nothing out." in lines


def test_columns_are_aligned() -> None:
    lines = to_lines(check_bundle(bundle({SERVICES: [service()], ENTRIES: []}, sources=[DENIED])))
    head = lines.index(next(line for line in lines if line.startswith("source")))
    table = lines[head : head + 21]
    column = table[0].index("state")
    assert all(line[column - 1] == " " and line[column] != " " for line in table)


def test_every_problem_is_told_with_file_and_line() -> None:
    assert any(f"{ENTRIES}:1: not a log entry" in line for line in to_lines(check_bundle(bundle({ENTRIES: b"oops"}))))


HOSTILE = "\x1b[2J\u202eevil\nline password=hunter2"


def test_hostile_names_are_harmless_text() -> None:
    log = {**entry("a"), "logName": f"projects/p/logs/{HOSTILE}"}
    sources: list[Json] = [{**DENIED, "error": HOSTILE, "permission": HOSTILE}, {"source": HOSTILE}]
    told = bundle({HOSTILE: b"", ENTRIES: [log]}, sources=sources, project=HOSTILE)
    lines = to_lines(check_bundle(told))
    assert not any(char in line for line in lines for char in "\x1b\u202e\n")
    assert "hunter2" not in "\n".join(lines)


def test_very_many_unknown_files_are_cut_short() -> None:
    lines = to_lines(check_bundle(bundle({f"junk/{number}": b"" for number in range(1000)})))
    assert "  and 980 more files" in lines


class Streaming:
    """A tree whose log is generated while it is read: as long as one wants, and never held."""

    def __init__(self, count: int) -> None:
        self._line, self._count = jsonl(entry("boom " * 40)), count

    def has(self, path: str) -> bool:
        return path == ENTRIES

    def paths(self) -> list[str]:
        return [ENTRIES]

    def open(self, path: str) -> BinaryIO:
        assert path == ENTRIES
        return io.BufferedReader(Repeated(self._line, self._count), 1 << 20)


class Repeated(io.RawIOBase):
    """One line, many times."""

    def __init__(self, line: bytes, count: int) -> None:
        super().__init__()
        self._line, self._left, self._rest = line, count, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        times = min(self._left, len(buffer) // len(self._line) + 1)
        self._left -= times
        content = self._rest + self._line * times
        size = min(len(content), len(buffer))
        buffer[:size], self._rest = content[:size], content[size:]
        return size


def test_counting_holds_no_entries() -> None:
    told = Bundle(tree=Streaming(50_000), manifest=parse_manifest(json.dumps(manifest()).encode()))
    tracemalloc.start()
    report = check_bundle(told)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert row_of(report, "logging.entries").count == 50_000
    assert peak < 8 << 20  # bytes, of 25 million read


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.parent.name)
def test_the_fixtures_have_no_problem(path: Path) -> None:
    report = check_bundle(load_bundle(path.parent))
    assert (report.problems, report.unknown_files, report.unknown_sources) == ((), (), ())
