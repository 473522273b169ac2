"""Lines of fields and items in files of several YAML documents."""

from pathlib import Path

import pytest

from gcpdiag.playbook.position import Steps, read_documents

_TEXT = """\
# a comment
id: a/b
findings:
  - {signal: one}
  - signal: two
    likelihood: often
---
test: first

expect:
  named:
    - x
---
test: second
"""


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "file.yaml"
    path.write_text(_TEXT)
    return path


@pytest.mark.parametrize(
    "document, steps, line",
    [
        (0, ("id",), 2),
        (0, ("findings", 0, "signal"), 4),
        (0, ("findings", 1, "likelihood"), 6),
        (0, ("findings", 1, "no such field"), 5),
        (0, ("title",), 2),
        (1, (), 8),
        (1, ("expect", "named", 0), 12),
        (2, ("test",), 14),
    ],
)
def test_a_value_stands_on_its_line_of_the_file(path: Path, document: int, steps: Steps, line: int) -> None:
    assert read_documents(path)[document].place(*steps).line == line


def test_a_document_after_a_leading_break_keeps_its_lines(path: Path) -> None:
    path.write_text("---\nid: a/b\n")

    (document,) = read_documents(path)

    assert document.place("id").line == 2


def test_a_broken_document_leaves_the_others_readable(path: Path) -> None:
    path.write_text(_TEXT.replace("  named:\n", "  named: ]\n"))

    first, broken, last = read_documents(path)

    assert first.value is not None
    assert broken.unreadable is not None
    assert broken.unreadable.place.line == 11
    assert last.value == {"test": "second"}


@pytest.mark.parametrize("text", ["a: &x 1", "a: *x", "a: !!python/name:os.system ''", "a: !x {b: 1}"])
def test_anchors_aliases_and_tags_are_told_and_not_followed(path: Path, text: str) -> None:
    path.write_text(f"b: 1\n{text}\n")

    (document,) = read_documents(path)

    assert [one.place.line for one in document.extras] == [2]
    assert document.value is None


def test_a_key_that_comes_again_is_told_with_both_lines(path: Path) -> None:
    path.write_text("a: 1\nb: {c: 1}\na: 2\n")

    (document,) = read_documents(path)

    assert [(one.place.line, "line 1" in one.text) for one in document.doubled] == [(3, True)]


def test_a_document_nested_too_deeply_is_unreadable(path: Path) -> None:
    path.write_text("[" * 20000)

    (document,) = read_documents(path)

    assert document.unreadable is not None
