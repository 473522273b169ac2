"""Likelihood words changed in place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.errors import PlaybookError
from gcpdiag.playbook.format import PROBABILITY, Likelihood
from gcpdiag.playbook.load import load_playbook, playbook_files
from gcpdiag.playbook.reword import reword_file, reworded
from gcpdiag.shipped import playbook_root

HERE = Path("cause.yaml")
FILES = [one for one in playbook_files(playbook_root()) if len(load_playbook(one).findings) > 1]
WORDS: list[Likelihood] = list(PROBABILITY)
TEXT = """\
# A comment – with signs of more than one byte: ünïcode.
id: a/cause
title: usually
summary: often
explanation: usually, and often
findings:
  - {signal: one, likelihood: usually, specific: true}  # usually
  - signal: two   # in another style
    likelihood:    often
---
test: likelihood: often stays
"""


def test_the_word_changes_and_nothing_else() -> None:
    after = reworded(TEXT, {"one": "rarely", "two": "always"}, path=HERE)

    expected = TEXT.replace("one, likelihood: usually", "one, likelihood: rarely")
    assert after == expected.replace("likelihood:    often", "likelihood:    always")


@given(st.sampled_from(FILES), st.sampled_from(WORDS), st.data())
def test_in_every_playbook_one_line_at_most_differs(path: Path, word: Likelihood, data: st.DataObject) -> None:
    signal = data.draw(st.sampled_from([one.signal for one in load_playbook(path).findings]))
    text = path.read_text(encoding="utf-8")

    lines = zip(text.splitlines(), reworded(text, {signal: word}, path=path).splitlines(), strict=True)

    differing = [(before, after) for before, after in lines if before != after]
    assert len(differing) <= 1
    assert all(signal in before for before, _ in differing)


def test_line_ends_of_another_system_stay(tmp_path: Path) -> None:
    path = tmp_path / "cause.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())

    reword_file(path, {"two": "rarely"})

    after = path.read_bytes()
    assert after == TEXT.replace("    often", "    rarely").replace("\n", "\r\n").encode()
    assert [one.name for one in tmp_path.iterdir()] == ["cause.yaml"]


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.replace("usually, specific", '"usually", specific'), "findings: [", "findings: 3", ""]
)
def test_what_cannot_be_changed_in_place_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "cause.yaml"
    path.write_text(text, encoding="utf-8")
    signal = "three" if text == TEXT else "one"

    with pytest.raises(PlaybookError, match=r"cause\.yaml"):
        reword_file(path, {signal: "rarely"})

    assert path.read_text(encoding="utf-8") == text
