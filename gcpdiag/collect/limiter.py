"""Not more calls in any stretch of time than a quota allows."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

LOG_READS_A_MINUTE = 60
"""Cloud Logging's fixed quota of entries.list for a project (Logging quotas and limits)."""


class RateLimiter:
    """Lets at most ``most`` calls start in any ``seconds``; callers in several threads wait their turn."""

    def __init__(
        self, most: int, seconds: float, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()

    def wait(self, until: float) -> bool:
        """Wait for a turn and take it; False, and no turn taken, when it would come after ``until``."""
        with self._lock:
            now = self._monotonic()
            turn = now if len(self._starts) < self._most else max(now, self._starts[0] + self._seconds)
            if turn > until:
                return False
            if len(self._starts) == self._most:
                self._starts.popleft()
            self._starts.append(turn)
        if turn > now:
            self._sleep(turn - now)
        return True
