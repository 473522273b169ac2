"""Reading fields out of JSON that may be anything."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.model.json import Json, field_at, number_at, object_at, objects_at, text_at, texts_at

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)


def test_a_path_leads_through_objects() -> None:
    assert field_at({"a": {"b": [1]}}, "a.b") == [1]


@pytest.mark.parametrize("path", ["x", "a.x", "a.b.c", "a.b.0"])
def test_a_path_that_leads_nowhere_gives_none(path: str) -> None:
    assert field_at({"a": {"b": [1]}}, path) is None


@pytest.mark.parametrize(
    "value, text",
    [("x", "x"), (80, "80"), (80.0, "80"), (0.5, "0.5"), (True, ""), (None, ""), ([], ""), ({"a": 1}, "")],
)
def test_texts_are_texts_and_numbers(value: Json, text: str) -> None:
    assert text_at({"a": value}, "a") == text


@pytest.mark.parametrize(
    "value, number",
    [
        (5, 5.0),
        ("5", 5.0),
        ("0.5", 0.5),
        (True, None),
        ("x", None),
        ("", None),
        (None, None),
        ([1], None),
        ("nan", None),
        ("inf", None),
        (math.inf, None),
        ("1e999", None),
        (10**400, None),
    ],
)
def test_numbers_are_finite_whatever_they_are_written_as(value: Json, number: float | None) -> None:
    assert number_at({"a": value}, "a") == number


def test_lists_keep_what_has_the_right_type() -> None:
    mixed: Json = {"a": ["x", 1, {"b": 2}, None, [3]]}
    assert (texts_at(mixed, "a"), objects_at(mixed, "a")) == (["x"], [{"b": 2}])


@given(DOCUMENTS, st.sampled_from(["a", "a.b", "a.b.a"]))
def test_any_document_can_be_asked_for_anything(document: Json, path: str) -> None:
    assert isinstance(text_at(document, path), str)
    assert isinstance(object_at(document, path), dict)
    assert all(isinstance(one, dict) for one in objects_at(document, path))
    assert all(isinstance(one, str) for one in texts_at(document, path))
    number = number_at(document, path)
    assert number is None or math.isfinite(number)
