"""Counting matches by minute, and keeping the few that are shown; the order of entries makes no difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_MAX_INSTANCES = 500


@dataclass(slots=True)
class Tally:
    """Matches of one signal for one subject: how many, when, on which instances, and the first one's text."""

    count: int = 0
    first: float = float("inf")
    last: float = float("-inf")
    minutes: Counter[int] = field(default_factory=Counter)
    instances: set[str] = field(default_factory=set)
    revisions: Counter[str] = field(default_factory=Counter)
    ports: Counter[str] = field(default_factory=Counter)
    _sample_key: tuple[float, str] = (float("inf"), "")

    def add(self, at: float, text: str, *, instance: str = "", revision: str = "") -> None:
        """Count a match; ``at`` is Unix time in seconds."""
        self.count += 1
        self.first = min(self.first, at)
        self.last = max(self.last, at)
        self.minutes[int(at // 60)] += 1
        if revision:
            self.revisions[revision] += 1
        if instance and len(self.instances) < _MAX_INSTANCES:
            self.instances.add(instance)
        self._sample_key = min(self._sample_key, (at, text))

    @property
    def sample(self) -> str:
        """The text of the earliest match, as it was logged."""
        return self._sample_key[1]

    def rate_before(self, minute: int) -> float:
        """Return matches a minute before a minute of Unix time, over the stretch since the first one."""
        before = [count for at, count in self.minutes.items() if at < minute]
        return sum(before) / max(1, minute - int(self.first // 60)) if before else 0.0

    def rate_from(self, minute: int) -> float:
        """Return matches a minute from a minute on, until the last one."""
        after = [count for at, count in self.minutes.items() if at >= minute]
        return sum(after) / max(1, int(self.last // 60) + 1 - minute) if after else 0.0
