"""Which signatures match a text, all of them at once (google-re2's ``Set``: linear time, safe with any pattern)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import re2

from gcpdiag.errors import PlaybookError

_BLANK = r"\s+"
_BEFORE_MATCH = 40  # characters
_MAX_MEMORY = 64 << 20  # bytes for the automaton of all signatures together


def spaced(pattern: str) -> str:
    """Return the pattern with every blank matching any white space: log texts are wrapped in many ways.

    A blank that may be missing (`` ?``, `` *``) stays one that may be missing; blanks in character classes stay blanks.
    """
    out: list[str] = []
    in_class = escaped = False
    for char in pattern:
        if char == " " and not in_class and not escaped:
            if not out or out[-1] != _BLANK:
                out.append(_BLANK)
            continue
        if char in "?*" and out and out[-1] == _BLANK:
            out[-1] = r"\s*"
            continue
        if not escaped:
            in_class = char == "[" or (in_class and char != "]")
        escaped = char == "\\" and not escaped
        out.append(char)
    return "".join(out)


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> re2._Regexp[str]:
    """Return one signature ready for searching; ``re2.error`` when it is not RE2."""
    return re2.compile(spaced(pattern), _options())


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return options


def captured(text: str, patterns: Iterable[str], group: str) -> list[str]:
    """Return what the patterns captured under a group's name, for those that match."""
    found = (compiled(pattern).search(text) for pattern in patterns)
    return [value for one in found if one is not None and (value := one.groupdict().get(group))]


def excerpt(text: str, patterns: Iterable[str]) -> str:
    """Return the text from a little before the first match on, so that what was matched can be seen."""
    found = (compiled(pattern).search(text) for pattern in patterns)
    starts = [one.start() for one in found if one is not None]
    start = min(starts, default=0)
    line = text.rfind("\n", 0, start) + 1
    if start - line <= _BEFORE_MATCH:
        return text[line:]
    blank = text.find(" ", start - _BEFORE_MATCH, start)
    return "… " + text[(blank + 1) if blank >= 0 else start :]


def check_patterns(owner: str, patterns: Iterable[str]) -> None:
    """Raise PlaybookError when one of a signal's patterns is not RE2."""
    for pattern in patterns:
        try:
            compiled(pattern)
        except re2.error as error:
            raise PlaybookError(f"signal {owner}: not an RE2 pattern: {pattern!r}") from error


class SignatureSet:
    """Signatures, each belonging to an owner; a text is matched against all of them in one pass."""

    def __init__(self, patterns: Mapping[str, Iterable[str]]) -> None:
        self._owners: list[str] = []
        self._set = re2.Set.SearchSet(_options())
        for owner in sorted(patterns):
            for pattern in patterns[owner]:
                try:
                    self._set.Add(spaced(pattern))
                except re2.error as error:
                    raise PlaybookError(f"signal {owner}: not an RE2 pattern: {pattern!r}") from error
                self._owners.append(owner)
        if self._owners:
            self._set.Compile()

    def owners_of(self, text: str | bytes) -> set[str]:
        """Return the owners of all signatures that match somewhere in the text (bytes are UTF-8)."""
        if not self._owners:
            return set()
        return {self._owners[index] for index in self._set.Match(text) or ()}
