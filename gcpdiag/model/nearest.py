"""What somebody meant who mistyped a name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(wanted: str, names: Iterable[str]) -> str:
    """Return the name most like the one wanted, or an empty text when none is like it."""
    return next(iter(difflib.get_close_matches(wanted, sorted(set(names)), n=1)), "")
