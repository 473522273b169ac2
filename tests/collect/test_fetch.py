from __future__ import annotations

from dataclasses import replace

from gcpdiag.collect.fetch import fetch
from gcpdiag.collect.share import PageShares
from tests.collect.making import FakeClock, failure, page, patience, question


def test_all_pages_are_read() -> None:
    asked, script = question(page("a", then="t"), page("b"))

    answer = fetch(asked, patience(FakeClock()))

    assert [one["name"] for one in answer.resources] == ["a", "b"]
    assert [token for token, _ in script.asked] == ["", "t"]
    assert not answer.cut_off


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    asked, _ = question(page(then="t"), page("b"))

    assert len(fetch(asked, patience(FakeClock())).resources) == 1


def test_pages_beyond_the_limit_are_reported_as_cut_off() -> None:
    asked, script = question(page("a", then="t"), page("b", then="u"), page("c"), most_pages=2)

    answer = fetch(asked, patience(FakeClock()))

    assert answer.cut_off
    assert len(script.asked) == 2


def test_a_server_error_is_tried_again_after_a_pause() -> None:
    clock = FakeClock()
    asked, _ = question(failure(), failure("quota"), page("a"))

    answer = fetch(asked, patience(clock))

    assert answer.failure is None
    assert len(clock.slept) == 2


def test_the_pause_that_google_asks_for_is_kept() -> None:
    clock = FakeClock()
    asked, _ = question(failure("quota", retry_after=7.0), page("a"))

    fetch(asked, patience(clock))

    assert clock.slept == [7.0]


def test_a_pause_beyond_the_deadline_is_not_waited_for() -> None:
    clock = FakeClock()
    asked, script = question(failure("quota", retry_after=60.0), page("a"))

    answer = fetch(asked, patience(clock, seconds=30.0))

    assert answer.failure is not None
    assert answer.failure.kind == "quota"
    assert clock.at < 30.0
    assert len(script.asked) == 1


def test_a_failure_that_stays_ends_after_four_attempts() -> None:
    asked, script = question(*[failure()] * 9)

    assert fetch(asked, patience(FakeClock())).failure == failure()
    assert len(script.asked) == 4


def test_a_missing_permission_is_not_tried_again() -> None:
    asked, script = question(failure("denied"), page("a"))

    assert fetch(asked, patience(FakeClock())).failure == failure("denied")
    assert len(script.asked) == 1


def test_pages_read_before_a_failure_are_kept() -> None:
    asked, _ = question(page("a", then="t"), failure("denied"))

    answer = fetch(asked, patience(FakeClock()))

    assert answer.resources == [{"name": "a"}]
    assert answer.failure is not None


def test_no_call_gets_more_time_than_is_left() -> None:
    asked, script = question(page("a"), wait=10.0)

    fetch(asked, patience(FakeClock(), seconds=3.0))

    assert script.asked == [("", 3.0)]


def test_after_the_deadline_nothing_is_asked() -> None:
    asked, script = question(page("a"))

    answer = fetch(asked, patience(FakeClock(), seconds=0.0))

    assert answer.failure is not None
    assert script.asked == []


def test_a_question_with_a_share_reads_its_share_and_no_more() -> None:
    shares = PageShares(["a"], 1, monotonic=FakeClock().monotonic)
    asked, script = question(page("a", then="t"), page("b", then="u"), page("c"), most_pages=1, shares=shares)

    answer = fetch(replace(asked, name="a"), patience(FakeClock()))

    assert len(script.asked) == 2
    assert answer.cut_off


def test_a_question_that_fails_keeps_no_other_waiting() -> None:
    shares = PageShares(["a"], 1, monotonic=FakeClock().monotonic)
    asked, _ = question(failure("denied"), most_pages=1, shares=shares)

    fetch(replace(asked, name="a"), patience(FakeClock()))

    assert shares.share_of("a", 0.0) == 0


def test_empty_pages_with_a_token_end_at_some_point() -> None:
    asked, script = question(*[page(then="t")] * 30)

    assert fetch(asked, patience(FakeClock())).cut_off
    assert len(script.asked) < 10
