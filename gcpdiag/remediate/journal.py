"""The journal of changes: append-only JSON Lines, each line with the SHA-256 of the one before, flushed to the disk.

A line is written before and after everything that is sent, so that whatever kills the process, the journal says what
was about to happen. A last line that a crash tore stays where it is; the next one says so.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gcpdiag.errors import GcpdiagError
from gcpdiag.model.json import JsonObject, text_at

SCHEMA = "gcpdiag.journal/v1"
PATH_VARIABLE = "GCPDIAG_JOURNAL"
_FIRST = "0" * 64  # what the first line has in the place of a hash
_OWNER_ONLY, _OWNER_ONLY_DIRECTORY = 0o600, 0o700
_NEWLINE = b"\n"


class JournalError(GcpdiagError):
    """The journal cannot be read or written; without it nothing is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The records of a journal, oldest first, and what is wrong with it in plain words."""

    records: tuple[JsonObject, ...]
    problems: tuple[str, ...] = ()
    is_broken: bool = False
    """Somebody has changed it; a line that a crash tore is none of that."""


def journal_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the journal is: ``GCPDIAG_JOURNAL``, or the user's state directory."""
    if told := environ.get(PATH_VARIABLE, ""):
        return Path(told)
    state = environ.get("XDG_STATE_HOME", "")
    home = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return home / "gcpdiag" / "journal.jsonl"


class Journal:
    """A journal file; several processes may append to it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, run: str, content: JsonObject, *, at: datetime) -> None:
        """Add one line and wait until the disk has it; JournalError when it does not."""
        record: JsonObject = {"schema": SCHEMA, "at": at.isoformat(), "event": event, "run": run, **content}
        try:
            with self._locked() as descriptor:
                last, is_torn = _last_line(descriptor)
                if is_torn:
                    record["after_torn_line"] = True
                record["previous"] = _hash(last) if last else _FIRST
                _write(descriptor, (_NEWLINE if last and not _is_ended(descriptor) else b"") + _encoded(record))
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be written",
                cause=error.strerror or str(error),
                hint=f"Nothing is changed without it; free the disk, or name another place in {PATH_VARIABLE}",
            ) from error

    def read(self) -> Reading:
        """Return every record, with the chain verified; a journal that does not exist is empty."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Reading(records=())
        except OSError as error:
            raise JournalError(f"the journal {self.path} cannot be read", cause=error.strerror or str(error)) from error
        return verify_chain(content)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file for appending, with no other process in it meanwhile."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY_DIRECTORY)
        is_new = not self.path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, _OWNER_ONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
            if is_new:
                _flush_directory(self.path.parent)
        finally:
            os.close(descriptor)


def verify_chain(content: bytes) -> Reading:
    """Return the records of a journal's bytes, and each place where the chain is broken or a line is torn."""
    records: list[JsonObject] = []
    problems: list[str] = []
    previous = _FIRST
    lines = content.split(_NEWLINE)
    if not lines[-1]:
        lines.pop()
    torn, is_broken = 0, False
    for number, line in enumerate(lines, start=1):
        record = _decoded(line)
        if record is None:
            torn = number
        else:
            told = text_at(record, "previous")
            if told != previous:
                is_broken = True
                problems.append(f"line {number} does not follow line {number - 1}: the journal was changed")
            if torn and record.get("after_torn_line") is not True:
                is_broken = True
                problems.append(f"line {torn} is not a record, and line {number} does not know of it")
            elif torn:
                problems.append(f"line {torn} was torn by a crash; what it said is lost")
            torn = 0
            records.append(record)
        previous = _hash(line)
    if torn:
        problems.append(f"line {torn}, the last, was torn by a crash; what it said is lost")
    return Reading(records=tuple(records), problems=tuple(problems), is_broken=is_broken)


def _encoded(record: JsonObject) -> bytes:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + _NEWLINE


def _decoded(line: bytes) -> JsonObject | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("schema") == SCHEMA else None


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _last_line(descriptor: int) -> tuple[bytes, bool]:
    """Return the last line without its end, and whether it is torn; empty for an empty file."""
    size = os.fstat(descriptor).st_size
    block, start = 1 << 16, size
    tail = b""
    while start and tail.rstrip(_NEWLINE).count(_NEWLINE) < 1:
        step = min(block, start)
        start -= step
        tail = os.pread(descriptor, step, start) + tail
    if not tail:
        return b"", False
    line = tail.removesuffix(_NEWLINE).rsplit(_NEWLINE, 1)[-1]
    return line, _decoded(line) is None


def _is_ended(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == _NEWLINE


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
    os.fsync(descriptor)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
