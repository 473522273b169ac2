"""Whether a service fails, since when, or has recovered: what its users saw."""

from __future__ import annotations

from itertools import pairwise

from gcpdiag.model.diagnosis import ServiceState
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window, from_epoch
from gcpdiag.signals.traffic import Traffic

_FEW, _SEVERAL = 3, 5  # errors: fewer than few are stray ones
_MANY_OF_FEW, _NOTICED_SHARE, _BURST_SHARE = 0.25, 0.02, 0.1  # of all requests
_ENOUGH_SERVED = 10  # requests since the last error
_STRETCH = 5  # minutes
_PAUSE = 3  # minutes without an error that still belong to a failure
_QUIET = 15  # minutes without an error before anybody calls it over
_NOTICEABLE = 0.15  # a part that fails at this share of the later rate belongs to the failure
_EDGE = 0.05  # share of the window: errors that early are older than it


def state_of(service: ServiceRef, traffic: Traffic, window: Window) -> ServiceState:
    """Return the state of one service from its requests in the window."""
    if not fails(traffic):
        return ServiceState(service=service, health="healthy", requests=traffic.requests, errors=traffic.errors)
    first = onset_minute(traffic, window)
    start, end = window.start.timestamp() / 60, window.end.timestamp() / 60
    seen_from = max(start, min([*traffic.ok_minutes, *traffic.error_minutes]))
    begins = traffic.error_starts.get(first, first * 60.0)
    return ServiceState(
        service=service,
        health="recovered" if _recovered(traffic, end) else "failing",
        requests=traffic.requests,
        errors=traffic.errors,
        onset=from_epoch(begins),
        last_error_at=from_epoch(traffic.last_error),
        older_than_window=first - seen_from <= _EDGE * (end - start) and seen_from - start <= _EDGE * (end - start),
    )


def fails(traffic: Traffic) -> bool:
    """Tell errors that users notice from a stray one: many and a real share, overall or in some five minutes."""
    if traffic.errors < _FEW:
        return False
    share = traffic.errors / traffic.requests
    if share >= _MANY_OF_FEW or (traffic.errors >= _SEVERAL and share >= _NOTICED_SHARE):
        return True
    return any(_burst(traffic, minute) for minute in traffic.error_minutes)


def _burst(traffic: Traffic, minute: int) -> bool:
    stretch = range(minute, minute + _STRETCH)
    failed = sum(traffic.error_minutes[one] for one in stretch)
    served = sum(traffic.ok_minutes[one] for one in stretch)
    return failed >= _SEVERAL and failed / (failed + served) >= _BURST_SHARE


def onset_minute(traffic: Traffic, window: Window) -> int:
    """Return the minute of the first departure from the calm, as Unix time over 60.

    The split of the window that explains most variance may be where a failure grew worse, so what lies before it is
    split again, as long as it fails noticeably, too.
    """
    start, end = int(window.start.timestamp() // 60), int(window.end.timestamp() // 60) + 1
    split = _best_split(traffic, start, end)
    while split > start:
        earlier = _best_split(traffic, start, split)
        failed = [minute for minute in range(earlier, split) if traffic.error_minutes[minute]]
        before = sum(traffic.error_minutes[minute] for minute in failed)
        if not failed or before < _SEVERAL or _rate(traffic, earlier, split) < _NOTICEABLE * _rate(traffic, split, end):
            break
        if earlier == start:
            split = failed[0]
            break
        split = earlier
    split = min((minute for minute in traffic.error_minutes if minute >= split), default=min(traffic.error_minutes))
    while closer := [minute for minute in range(split - _PAUSE, split) if traffic.error_minutes[minute]]:
        split = closer[0]
    return split


def _best_split(traffic: Traffic, start: int, end: int) -> int:
    """Return the first minute of the later, worse part; ``start`` where there is no such part."""
    counts = [traffic.error_minutes[minute] for minute in range(start, end)]
    total, length = sum(counts), len(counts)
    best, best_split, before = 0.0, 0, 0
    for split in range(1, length):
        before += counts[split - 1]
        left, right = before / split, (total - before) / (length - split)
        explained = split * (length - split) * (right - left) ** 2 if right > left else 0.0
        if explained > best:
            best, best_split = explained, split
    return start + best_split


def _rate(traffic: Traffic, start: int, end: int) -> float:
    """Return the share of failed requests between two minutes."""
    failed = sum(traffic.error_minutes[minute] for minute in range(start, end))
    served = sum(traffic.ok_minutes[minute] for minute in range(start, end))
    return failed / (failed + served) if failed else 0.0


def _recovered(traffic: Traffic, end: float) -> bool:
    """Tell whether errors have stopped for long, measured by their own gaps, while requests are answered."""
    failed = sorted(traffic.error_minutes)
    gap = max((after - before for before, after in pairwise(failed)), default=1)
    quiet = end - failed[-1] - 1
    served = sum(count for minute, count in traffic.good_minutes.items() if minute > failed[-1])
    return quiet >= max(_QUIET, 2 * gap) and served >= _ENOUGH_SERVED
