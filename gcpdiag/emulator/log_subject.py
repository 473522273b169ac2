"""A log entry while a filter is asked about it: what several terms need is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gcpdiag.emulator.log_field import leaves
from gcpdiag.emulator.log_value import folded, plain_of
from gcpdiag.model.json import JsonObject

BETWEEN = "\x00"  # stands between two fields, so that no phrase matches across them


class Subject:
    """An entry, and the text of all its fields once a term asks for it."""

    __slots__ = ("_text", "entry")

    def __init__(self, entry: JsonObject) -> None:
        self.entry = entry
        self._text: str | None = None

    @property
    def text(self) -> str:
        """All values of the entry, folded; the names of fields are not searched (unverified)."""
        if self._text is None:
            self._text = folded(BETWEEN.join(plain_of(leaf) for leaf in leaves(self.entry)))
        return self._text


Test: TypeAlias = Callable[[Subject], bool]
