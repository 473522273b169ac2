from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.collect.limiter import RateLimiter
from tests.collect.making import FakeClock


def limiter(clock: FakeClock, most: int = 3, seconds: float = 60.0) -> RateLimiter:
    return RateLimiter(most, seconds, monotonic=clock.monotonic, sleep=clock.sleep)


def test_calls_within_the_quota_do_not_wait() -> None:
    clock = FakeClock()
    limited = limiter(clock)

    assert all(limited.wait(until=100.0) for _ in range(3))
    assert clock.slept == []


def test_a_call_beyond_the_quota_waits_until_the_oldest_is_a_minute_ago() -> None:
    clock = FakeClock()
    limited = limiter(clock)
    for _ in range(3):
        limited.wait(until=100.0)

    assert limited.wait(until=100.0)
    assert clock.slept == [60.0]


def test_a_turn_that_would_come_too_late_is_refused_and_not_taken() -> None:
    clock = FakeClock()
    limited = limiter(clock, most=1)
    limited.wait(until=10.0)

    assert not limited.wait(until=10.0)
    assert limited.wait(until=70.0)


@given(st.lists(st.floats(min_value=0.0, max_value=30.0), min_size=1, max_size=40))
def test_no_stretch_ever_holds_more_calls_than_allowed(pauses: list[float]) -> None:
    clock = FakeClock()
    limited = limiter(clock, most=4, seconds=60.0)
    starts = []
    for pause in pauses:
        clock.at += pause
        limited.wait(until=float("inf"))
        starts.append(clock.at)

    for start in starts:
        assert sum(start <= other < start + 59.999 for other in starts) <= 4
