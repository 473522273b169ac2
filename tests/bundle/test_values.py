"""JSON values out of files of many shapes, whole and broken."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.bundle.values import MAX_LINE, read_values

OBJECTS = [{"a": 1}, {"b": [1, {"c": "}\n{"}]}, {}, {"d": "é – 日本"}]
INDENTED = json.dumps(OBJECTS, indent=2, ensure_ascii=False)
LINES = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in OBJECTS)


def read(content: bytes) -> tuple[list[object], list[tuple[int, str]]]:
    """The values and the problems of a file."""
    problems: list[tuple[int, str]] = []
    found = read_values(io.BytesIO(content), lambda line, text: problems.append((line, text)))
    return [json.loads(value) for _, value in found], problems


def lines_of(content: bytes) -> list[int]:
    return [line for line, _ in read_values(io.BytesIO(content), lambda *_: None)]


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.rstrip("\n").encode(),
        LINES.replace("\n", "\r\n").encode(),
        f"\n\n{LINES}".replace("\n", "\n  \n").encode(),
        b"\xef\xbb\xbf" + LINES.encode(),
        LINES.encode("utf-16"),
        b"\xfe\xff" + LINES.encode("utf-16-be"),
        json.dumps(OBJECTS).encode(),
        INDENTED.encode(),
        b"\n \n" + INDENTED.encode(),
        INDENTED.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + INDENTED.encode(),
        INDENTED.replace("\n", "\r\n").encode("utf-16"),
        "\n".join(json.dumps(one, indent=2) for one in OBJECTS).encode(),
        "\n".join(json.dumps([one], indent=2) for one in OBJECTS).encode(),
    ],
    ids=[
        "JSON Lines",
        "no line break at the end",
        "CRLF",
        "blank lines",
        "UTF-8 mark",
        "UTF-16 of PowerShell",
        "UTF-16 big end first",
        "array",
        "array of gcloud",
        "array after blank lines",
        "array with CRLF",
        "array with a UTF-8 mark",
        "array in UTF-16",
        "indented objects in a row",
        "arrays in a row",
    ],
)
def test_every_shape_gives_the_same_values(content: bytes) -> None:
    assert read(content) == (OBJECTS, [])


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none())), st.sampled_from([None, 1, 2]))
def test_an_array_and_lines_say_the_same(objects: list[dict[str, object]], indent: int | None) -> None:
    lines = "".join(f"{json.dumps(one)}\n" for one in objects)
    assert read(json.dumps(objects, indent=indent).encode()) == read(lines.encode()) == (objects, [])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]", b"[ ]\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_values(content: bytes) -> None:
    assert read(content) == ([], [])


def test_an_indented_object_is_one_value() -> None:
    assert read(json.dumps({"services": [{"name": "a"}]}, indent=2).encode()) == (
        [{"services": [{"name": "a"}]}],
        [],
    )


def test_lines_are_counted_from_one_and_blank_ones_too() -> None:
    assert lines_of(b'{"a": 1}\n\n{"b": 1}\n') == [1, 3]


def test_elements_of_an_array_have_the_line_on_which_they_begin() -> None:
    assert lines_of(b'\n[\n  {\n    "a": {}\n  },\n  {},\n  {}\n]') == [3, 6, 7]


def test_a_truncated_array_gives_what_is_whole_and_reports_the_line() -> None:
    found, problems = read(INDENTED.encode()[:-12])
    assert (found, [line for line, _ in problems]) == (OBJECTS[:3], [14])


def test_an_array_that_ends_after_an_element_is_reported_as_well() -> None:
    assert read(b'[\n  {"a": 1},\n  {"b": 2},\n') == (
        [{"a": 1}, {"b": 2}],
        [(4, "malformed JSON: the array does not end")],
    )


def test_a_broken_element_costs_that_element_only() -> None:
    broken = '[\n  {\n    "a": oops,\n    "parts": [\n      {"x": 1}\n    ]\n  },\n  {\n    "b": 1\n  }\n]'
    found, problems = read(broken.encode())
    assert (found, [line for line, _ in problems]) == ([{"b": 1}], [2])


def test_a_huge_line_is_left_out_and_the_next_ones_are_read() -> None:
    content = b'{"a": 1}\n{"b": "' + b"x" * (MAX_LINE + 10) + b'"}\n{"c": 1}\n'
    assert read(content) == ([{"a": 1}, {"c": 1}], [(2, "longer than 8 MiB; left out")])


def test_a_huge_first_line_after_a_mark_is_one_problem() -> None:
    assert read(b"\xef\xbb\xbf" + b"x" * (2 * MAX_LINE)) == ([], [(1, "longer than 8 MiB; left out")])


def test_an_array_beyond_the_limit_is_read_up_to_it() -> None:
    problems: list[tuple[int, str]] = []
    array = json.dumps([{"text": "x" * 1000}] * 2000, indent=2).encode()
    found = read_values(io.BytesIO(array), lambda line, text: problems.append((line, text)), max_document=1 << 20)
    assert 1000 < len(list(found)) < 1100
    assert problems[0] == (0, "longer than 1 MiB; the rest is left out (JSON Lines may be longer)")


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{\n"a":' + b'{"a":' * 100_000, b"[" + b'{"a":' * 100_000],
)
def test_deep_nesting_is_a_problem_and_no_crash(content: bytes) -> None:
    found, problems = read(content)
    assert (found, len(problems)) == ([], 1)


def test_a_broken_array_of_blank_lines_takes_no_quadratic_time() -> None:
    assert read(b"[ x" + b"\n" * 1_000_000) == ([], [(1, "malformed JSON: Expecting value")])


def test_a_truncated_array_of_many_elements_takes_no_quadratic_time() -> None:
    found, problems = read(b"[\n" + b'  {\n    "a": 1\n  },\n' * 100_000)
    assert (len(found), problems) == (100_000, [(300_002, "malformed JSON: the array does not end")])


@given(st.binary(max_size=200) | st.text('[]{}",:1a\n \\', max_size=60).map(str.encode))
def test_any_bytes_end_without_an_exception(content: bytes) -> None:
    list(read_values(io.BytesIO(content), lambda *_: None))


class Zeros(io.RawIOBase):
    """Half a gigabyte without a line break, none of it held."""

    left = 512 << 20

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        size = min(len(buffer), self.left)
        buffer[:size] = bytes(size)
        self.left -= size
        return size


def test_a_line_without_end_takes_no_more_memory_than_a_few_lines() -> None:
    problems: list[int] = []
    tracemalloc.start()
    stream = io.BufferedReader(Zeros(), 1 << 20)
    assert list(read_values(stream, lambda line, _: problems.append(line))) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (problems, peak < 8 * MAX_LINE) == ([1], True)
