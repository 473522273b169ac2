"""A fair share of the pages: every question gets its first, and the rest goes to those that have more to tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence


class PageShares:
    """Divides spare pages among questions that run side by side, always in the same way.

    Each question tells, after its first page, whether there is more; once all have told, the spare pages go round
    among those that want some, in the order of ``names``. So a flood in one log leaves the others their part, and
    two collections of the same logs read the same pages.
    """

    def __init__(self, names: Sequence[str], spare: int, *, monotonic: Callable[[], float]) -> None:
        self._names = names
        self._spare = spare
        self._monotonic = monotonic
        self._wants: dict[str, bool] = {}
        self._all_told = threading.Condition()

    def tell(self, name: str, *, wants: bool) -> None:
        """Note whether a question has more pages after its first; what was told before stands."""
        with self._all_told:
            self._wants.setdefault(name, wants)
            self._all_told.notify_all()

    def share_of(self, name: str, until: float) -> int:
        """Return how many further pages a question may read; none where others have not told by ``until``."""
        with self._all_told:
            told = self._all_told.wait_for(lambda: len(self._wants) == len(self._names), self._left(until))
        wanting = [one for one in self._names if self._wants.get(one)]
        if not told or name not in wanting:
            return 0
        place = wanting.index(name)
        return self._spare // len(wanting) + (place < self._spare % len(wanting))

    def _left(self, until: float) -> float:
        return max(0.0, until - self._monotonic())
