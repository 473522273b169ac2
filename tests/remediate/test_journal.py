"""The journal: append-only, chained, private, and readable after any crash."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.model.json import JsonObject
from gcpdiag.remediate.journal import Journal, JournalError, journal_path, verify_chain

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state" / "journal.jsonl")


def written(journal: Journal, *runs: str) -> bytes:
    for run in runs:
        journal.append("started", run, {"target": run}, at=NOON)
    return journal.path.read_bytes()


def append_many(path: Path, name: str) -> None:
    for number in range(20):
        Journal(path).append("started", f"{name}{number}", {}, at=NOON)


def test_what_is_written_is_read_in_order(journal: Journal) -> None:
    written(journal, "a", "b", "c")

    reading = journal.read()
    assert [one["run"] for one in reading.records] == ["a", "b", "c"]
    assert (reading.problems, reading.is_broken) == ((), False)


def test_a_journal_that_is_not_there_is_empty(journal: Journal) -> None:
    assert journal.read().records == ()


def test_its_owner_alone_may_read_it(journal: Journal) -> None:
    old = os.umask(0)
    try:
        written(journal, "a")
    finally:
        os.umask(old)

    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("line", [0, 1])
def test_an_edited_line_breaks_the_chain(journal: Journal, line: int) -> None:
    lines = written(journal, "alpha", "beta", "gamma").splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"target":"', b'"target":"x')

    reading = verify_chain(b"".join(lines))
    assert reading.is_broken
    assert reading.problems == (f"line {line + 2} does not follow line {line + 1}: the journal was changed",)


@pytest.mark.parametrize("line", [0, 1])
def test_a_removed_line_breaks_the_chain(journal: Journal, line: int) -> None:
    lines = written(journal, "alpha", "beta", "gamma").splitlines(keepends=True)
    del lines[line]

    assert verify_chain(b"".join(lines)).is_broken


@given(st.integers(min_value=1, max_value=200))
def test_a_line_torn_anywhere_leaves_the_others_readable(kept: int) -> None:
    first = json.dumps({"schema": "gcpdiag.journal/v1", "run": "a", "previous": "0" * 64}).encode() + b"\n"
    torn = (json.dumps({"schema": "gcpdiag.journal/v1", "run": "b", "text": "x" * 200}).encode())[:kept]

    reading = verify_chain(first + torn)
    assert [one["run"] for one in reading.records] == ["a"]
    assert reading.problems == ("line 2, the last, was torn by a crash; what it said is lost",)
    assert not reading.is_broken


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_writing_goes_on_after_a_torn_line_and_nothing_is_cut_off(journal: Journal, cut: int) -> None:
    whole = written(journal, "a", "b")
    journal.path.write_bytes(whole[:-cut])
    written(journal, "c", "d")

    reading = journal.read()
    assert journal.path.read_bytes().startswith(whole[:-cut])
    assert [one["run"] for one in reading.records] == (["a", "b", "c", "d"] if cut == 1 else ["a", "c", "d"])
    assert not reading.is_broken
    assert len(reading.problems) == (0 if cut == 1 else 1)


def test_a_line_that_somebody_spoilt_is_no_crash(journal: Journal) -> None:
    lines = written(journal, "a", "b", "c").splitlines(keepends=True)
    lines[1] = b"{}\n"

    assert verify_chain(b"".join(lines)).is_broken


def test_lines_of_two_processes_stay_whole_and_chained(journal: Journal) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(journal.path, name)) for name in ("a", "b")]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)

    reading = journal.read()
    assert (len(reading.records), reading.problems) == (40, ())


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file" / "journal.jsonl").append("started", "a", {}, at=NOON)


def test_a_long_line_is_chained_as_well(journal: Journal) -> None:
    content: JsonObject = {"text": "x" * 200_000}
    journal.append("started", "a", content, at=NOON)
    journal.append("started", "b", content, at=NOON)
    written(journal, "c")

    assert journal.read().problems == ()


@pytest.mark.parametrize(
    "environ, path",
    [
        ({"GCPDIAG_JOURNAL": "/elsewhere/j.jsonl", "XDG_STATE_HOME": "/state"}, Path("/elsewhere/j.jsonl")),
        ({"XDG_STATE_HOME": "/state"}, Path("/state/gcpdiag/journal.jsonl")),
        ({"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/gcpdiag/journal.jsonl"),
        ({}, Path.home() / ".local/state/gcpdiag/journal.jsonl"),
    ],
)
def test_where_it_is(environ: dict[str, str], path: Path) -> None:
    assert journal_path(environ) == path
