"""JSON values out of a file, one at a time: JSON Lines, an array, or values one after the other.

``gcloud … --format=json`` prints an indented array where the contract says JSON Lines, ``describe`` an
object, and a shell on Windows may write UTF-16. All are read; what is broken is reported with its line.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

MAX_LINE = 8 << 20  # bytes; a log entry has at most 256 KiB
MAX_DOCUMENT = 256 << 20  # bytes; arrays and indented documents are read whole, JSON Lines are not
_BETWEEN_VALUES = re.compile(r"[ \t\r\n,]*")
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

OnProblem = Callable[[int, str], None]
"""Called with a line number (from 1; 0 is the whole file) and what is wrong there."""


def read_values(
    stream: BinaryIO, on_problem: OnProblem, *, max_document: int = MAX_DOCUMENT
) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line, JSON text)`` of every top-level value, or of every element where the value is an array.

    The lines of a JSON Lines file are not parsed here, so the caller may still find one malformed.
    """
    head, stream = _first_line(stream)
    first = 1
    while head.isspace():
        head, first = stream.readline(MAX_LINE), first + 1
    if head.lstrip().startswith(b"[") or head.strip() == b"{":
        document = head + stream.read(max_document)
        if stream.read(1):
            limit = f"{max_document >> 20} MiB"
            on_problem(0, f"longer than {limit}; the rest is left out (JSON Lines may be longer)")
        yield from _document_values(document, first, on_problem)
    else:
        yield from _line_values(head, first, stream, on_problem)


def utf8_of(content: bytes) -> bytes:
    """Return a JSON text as UTF-8 without a byte order mark."""
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", "replace").encode()
    return content.removeprefix(_UTF8_MARK)


def _first_line(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first line without any byte order mark, and the rest of the stream, as UTF-8."""
    head = stream.readline(MAX_LINE)
    if head.startswith(_UTF16_MARKS):
        stream = io.BytesIO(utf8_of(head + stream.read(MAX_DOCUMENT)))
        head = stream.readline(MAX_LINE)
    return head.removeprefix(_UTF8_MARK), stream


def _line_values(head: bytes, number: int, stream: BinaryIO, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    line = head
    while line:
        if len(line) >= MAX_LINE - len(_UTF8_MARK) and not line.endswith(b"\n"):
            on_problem(number, f"longer than {MAX_LINE >> 20} MiB; left out")
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
        elif not line.isspace():
            yield number, line
        line = stream.readline(MAX_LINE)
        number += 1


def _document_values(document: bytes, first: int, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    try:
        elements = msgspec.json.decode(document, type=list[msgspec.Raw])
    except (ValueError, RecursionError):
        yield from _salvaged_values(document.decode("utf-8", "replace"), first, on_problem)
        return
    line, position = first, 0
    for element in elements:
        value = bytes(element)
        found = document.find(value, position)
        line += document.count(b"\n", position, found)
        yield line, value
        position = found + len(value)
        line += value.count(b"\n")


def _salvaged_values(text: str, first: int, on_problem: OnProblem) -> Iterator[tuple[int, bytes]]:
    """Yield the values that can be parsed; after a broken one, go on at the next that opens like it."""
    decoder = json.JSONDecoder()
    line, counted, position, inside = first, 0, 0, False
    while (position := _after_blanks(text, position)) < len(text):
        line += text.count("\n", counted, position)
        counted = position
        if text[position] == ("]" if inside else "["):
            inside = not inside
            position += 1
            continue
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            on_problem(line, f"malformed JSON: {_reason(error)}")
            position = _next_opening(text, position)
            if position < 0:
                return
        else:
            yield line, text[position:end].encode()
            position = end
    if inside:
        on_problem(line + text.count("\n", counted), "malformed JSON: the array does not end")


def _after_blanks(text: str, position: int) -> int:
    found = _BETWEEN_VALUES.match(text, position)
    return found.end() if found else position


def _next_opening(text: str, position: int) -> int:
    """Return where the next object opens a line, as far indented as the one at the position; or -1.

    Objects that are indented further are parts of the broken one.
    """
    indent = text[text.rfind("\n", 0, position) + 1 : position]
    opening = f"\n{indent if indent.isspace() else ''}{{"
    found = text.find(opening, position)
    return found + len(opening) - 1 if found >= 0 else -1


def _reason(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return error.msg
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)
