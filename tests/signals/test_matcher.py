"""Signatures: blanks that match any space, and many patterns at once."""

from __future__ import annotations

import pytest

from gcpdiag.errors import PlaybookError
from gcpdiag.signals.matcher import SignatureSet, captured, compiled, excerpt, spaced


@pytest.mark.parametrize(
    "pattern, written",
    [
        ("no blank", r"no\s+blank"),
        ("two  blanks", r"two\s+blanks"),
        ("[a b] c", r"[a b]\s+c"),
        (r"a\ b", r"a\ b"),
        (r"\[a b", r"\[a\s+b"),
        ("a ?b", r"a\s*b"),
        ("a *b", r"a\s*b"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_blanks_match_any_white_space_but_not_in_a_class_or_after_a_backslash(pattern: str, written: str) -> None:
    assert spaced(pattern) == written


@pytest.mark.parametrize("text", ["pool is  exhausted", "Pool\nis\n   exhausted", "POOL\tIS EXHAUSTED!"])
def test_a_signature_matches_wrapped_text_in_any_case(text: str) -> None:
    assert compiled("pool is exhausted").search(text)


def test_a_set_names_the_owners_of_all_matches() -> None:
    told = SignatureSet({"pool": ["pool exhausted", "QueuePool limit"], "redis": ["redis"], "dns": ["ENOTFOUND"]})
    assert told.owners_of("QueuePool limit reached, pool exhausted, redis too") == {"pool", "redis"}


def test_an_empty_set_matches_nothing() -> None:
    assert SignatureSet({}).owners_of("anything") == set()


def test_a_set_without_a_match_has_no_owners() -> None:
    assert SignatureSet({"a": ["b"]}).owners_of("xyz") == set()


@pytest.mark.parametrize("text", ["\x00", "\ud7ff", "日本", "x" * 100_000])
def test_any_text_can_be_matched(text: str) -> None:
    assert SignatureSet({"a": ["needle"]}).owners_of(text) == set()


@pytest.mark.parametrize("pattern", ["(", "(?=ahead)", r"(a)\1", "[z-a]"])
def test_what_is_not_re2_names_its_owner(pattern: str) -> None:
    with pytest.raises(PlaybookError, match="signal owner: not an RE2 pattern"):
        SignatureSet({"owner": [pattern]})


def test_a_pattern_that_kills_other_engines_takes_no_time() -> None:
    assert not SignatureSet({"a": ["(a+)+$"]}).owners_of("a" * 50_000 + "b")


def test_what_a_pattern_captured_is_found_by_name() -> None:
    assert captured("listening on port 3000", [r"port (?P<port>\d+)", "nothing"], "port") == ["3000"]


def test_an_excerpt_begins_a_little_before_the_match() -> None:
    text = "first line\n" + "word " * 40 + "pool exhausted here"
    shown = excerpt(text, ["pool exhausted"])
    assert shown.startswith("… word")
    assert shown.endswith("pool exhausted here")
    assert len(shown) < 70
