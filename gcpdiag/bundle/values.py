"""JSON values out of a file, one at a time: JSON Lines, an array, or values one after the other.

``gcloud … --format=json`` prints an indented array where the contract says JSON Lines, ``describe`` prints one
object, and a shell on Windows may write UTF-16. All of them are read; what is broken is reported with its line.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

MAX_LINE = 8 << 20  # bytes; a log entry has at most 256 KiB
MAX_DOCUMENT = 1 << 30  # bytes; arrays and indented documents are read whole
_NEXT_OBJECT = re.compile(r"\n\s*\{")
_BETWEEN_VALUES = " \t\r\n,"

OnProblem = Callable[[int, str], None]
"""Called with a line number (from 1) and what is wrong there."""


def read_values(stream: BinaryIO, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line, JSON text)`` of every top-level value, or of every element where the value is an array.

    The lines of a JSON Lines file are not parsed here, so the caller may still find one malformed.
    """
    head, stream = _first_line(stream)
    if head.lstrip().startswith(b"[") or head.strip() == b"{":
        yield from _document_values(head + stream.read(MAX_DOCUMENT), on_problem)
    else:
        yield from _line_values(head, stream, on_problem)


def _first_line(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first line without any byte order mark, and the rest of the stream, as UTF-8."""
    head = stream.readline(MAX_LINE)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        stream = io.BytesIO((head + stream.read(MAX_DOCUMENT)).decode("utf-16", "replace").encode())
        head = stream.readline(MAX_LINE)
    return head.removeprefix(b"\xef\xbb\xbf"), stream


def _line_values(head: bytes, stream: BinaryIO, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    line, number = head, 0
    while line:
        number += 1
        if len(line) >= MAX_LINE and not line.endswith(b"\n"):
            on_problem(number, f"longer than {MAX_LINE >> 20} MiB; left out")
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
        elif not line.isspace():
            yield number, line
        line = stream.readline(MAX_LINE)


def _document_values(document: bytes, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    try:
        elements = msgspec.json.decode(document, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        yield from _salvaged_values(document.decode("utf-8", "replace"), on_problem)
        return
    line, position = 1, 0
    for element in elements:
        value = bytes(element)
        found = document.find(value, position)
        line += document.count(b"\n", position, found)
        yield line, value
        position = found


def _salvaged_values(text: str, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    """Yield the values that can be parsed; after a broken one, go on at the next line that opens an object."""
    decoder = json.JSONDecoder()
    position = _skip(text, 0)
    if text[position : position + 1] == "[":
        position += 1
    while (position := _skip(text, position)) < len(text) and text[position] != "]":
        line = text.count("\n", 0, position) + 1
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            on_problem(line, f"malformed JSON: {_reason(error)}")
            following = _NEXT_OBJECT.search(text, position + 1)
            if following is None:
                return
            position = following.end() - 1
        else:
            yield line, text[position:end].encode()
            position = end


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BETWEEN_VALUES:
        position += 1
    return position


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
