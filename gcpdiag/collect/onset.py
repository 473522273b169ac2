"""Whether a failure is older than the window, and since when: read off the request counts from before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gcpdiag.model.json import JsonObject, number_at, objects_at, text_at
from gcpdiag.model.window import Window, from_epoch, in_utc

_REQUEST_COUNT = "run.googleapis.com/request_count"
_CALM = timedelta(minutes=10)  # shown before the onset, so that there is something to compare with
_PAUSE = 10  # minutes without a failure end what failed before
_FAILING, _SEVERAL = 0.02, 5  # share of the requests, and requests, that nobody calls stray


@dataclass(slots=True)
class _Requests:
    """Requests of one service by minute (Unix time over 60)."""

    failed: Counter[int] = field(default_factory=Counter)
    served: Counter[int] = field(default_factory=Counter)

    def fail(self, minutes: range) -> bool:
        """Tell whether a noticeable share failed."""
        errors = sum(self.failed[one] for one in minutes)
        requests = errors + sum(self.served[one] for one in minutes)
        return errors >= _SEVERAL and errors >= _FAILING * requests

    def onset_before(self, start: int) -> int:
        """Return the first minute of the failure that goes on at ``start``; ``start`` if it does not, or began then."""
        if not self.fail(range(start, start + _PAUSE)):
            return start
        onset = start
        for minute in range(start - 1, min([*self.served, *self.failed]) - 1, -1):
            if self.failed[minute]:
                onset = minute
            elif onset - minute > _PAUSE:
                break
        return onset if self.fail(range(onset, start)) else start


def earlier_stretch(series: Iterable[JsonObject], window: Window) -> Window | None:
    """Return the stretch before a window in which a failure began, with a little calm before; None if none did.

    ``series`` are raw ``TimeSeries``; only request counts are read, as far back as they go.
    """
    start = int(window.start.timestamp() // 60)
    onset = min((one.onset_before(start) for one in _by_service(series).values()), default=start)
    if onset == start:
        return None
    return Window(start=from_epoch(onset * 60) - _CALM, end=window.start)


def _by_service(series: Iterable[JsonObject]) -> dict[tuple[str, str], _Requests]:
    found: dict[tuple[str, str], _Requests] = {}
    for one in series:
        if text_at(one, "metric.type") != _REQUEST_COUNT:
            continue
        service = text_at(one, "resource.labels.location"), text_at(one, "resource.labels.service_name")
        requests = found.setdefault(service, _Requests())
        failed = text_at(one, "metric.labels.response_code_class") == "5xx"
        counted = requests.failed if failed else requests.served
        for point in objects_at(one, "points"):
            counted[_minute(text_at(point, "interval.endTime")) - 1] += int(number_at(point, "value.int64Value") or 0)
    return found


def _minute(text: str) -> int:
    return int(in_utc(datetime.fromisoformat(text)).timestamp() // 60)
