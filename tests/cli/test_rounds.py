"""Rounds of a watch: their pace, and how they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcpdiag.cli.rounds import LEAST_INTERVAL, Pace, Round, Watch
from gcpdiag.cli.watch import exit_code_of
from gcpdiag.diagnose.vigil import Vigil
from gcpdiag.errors import UnreachableError
from tests.cli.pacing import (
    BLIND,
    BROKEN,
    FAILING,
    HALF,
    HEALTHY,
    INTERRUPTED,
    LIMITED,
    FakeClock,
    Recorder,
    Script,
    watched,
)
from tests.diagnose.watching import NOON


def test_two_healthy_rounds_in_a_row_end_it_with_0() -> None:
    code, script, screen = watched(FAILING, FAILING, HEALTHY, HEALTHY, FAILING)

    assert (code, len(script.starts)) == (0, 4)
    assert screen.last[0].ending == "healthy again: the watch is over"


@pytest.mark.parametrize("rounds, code", [((FAILING,), 10), ((BLIND,), 11), ((FAILING, BROKEN), 10)])
def test_the_timeout_ends_it_with_the_code_of_the_last_status(rounds: tuple[Round, ...], code: int) -> None:
    ended, script, _ = watched(*rounds, timeout=timedelta(minutes=5))

    assert ended == code
    assert script.starts[-1] <= 300


def test_a_last_round_comes_when_the_time_is_over() -> None:
    assert watched(FAILING, timeout=timedelta(seconds=140))[1].starts[-1] == 140


def test_healthy_rounds_that_do_not_suffice_by_then_are_no_proof() -> None:
    soon = timedelta(seconds=10)

    assert watched(HEALTHY, timeout=soon)[0] == 11
    assert watched(HEALTHY, timeout=soon, until_healthy=False)[0] == 0


def test_rounds_come_at_the_interval_whatever_they_take() -> None:
    _, script, _ = watched(FAILING, timeout=timedelta(minutes=3), takes=7)

    assert set(script.gaps) == {30.0}


def test_the_next_round_is_announced_while_time_goes_by() -> None:
    _, _, screen = watched(FAILING, timeout=timedelta(seconds=60), takes=2)

    told = [one.next_in.total_seconds() for one in screen.drawn if one.next_in is not None]
    assert told[:3] == [28.0, 18.0, 8.0]
    assert [one.asking for one in screen.drawn if one.asking]


def test_a_429_lengthens_the_interval_and_its_absence_shortens_it_again() -> None:
    _, script, screen = watched(
        FAILING, LIMITED, LIMITED, FAILING, FAILING, FAILING, timeout=timedelta(minutes=10), takes=1
    )

    assert script.gaps[:5] == [30.0, 60.0, 120.0, 60.0, 30.0]
    assert {one.slowed for one in screen.drawn} == {"", "quota hit"}


def test_many_quotas_used_up_do_not_make_it_wait_for_ever() -> None:
    pace = Pace(HALF)

    assert [pace.period_after(LIMITED)[0] for _ in range(20)][-1] == timedelta(minutes=10)


@pytest.mark.parametrize("reads", [0, 6, 7, 24, 40])
def test_a_watch_takes_no_more_than_a_third_of_the_quota_of_log_reads(reads: int) -> None:
    period, _ = Pace(LEAST_INTERVAL).period_after(Round(reads=reads))

    assert reads / period.total_seconds() <= 20 / 60
    assert period >= LEAST_INTERVAL


def test_a_round_that_fails_is_shown_and_the_watch_goes_on() -> None:
    code, script, screen = watched(FAILING, BROKEN, HEALTHY, HEALTHY)

    assert (code, len(script.starts)) == (0, 4)
    miss = screen.done[1].vigil.miss
    assert miss is not None
    assert miss.why == "nothing could be collected: 503 unavailable"
    assert screen.done[1].vigil.sight is FAILING.sight


def test_a_first_round_that_fails_ends_it_as_it_would_a_triage() -> None:
    with pytest.raises(UnreachableError):
        watched(BROKEN)


def test_an_interruption_in_a_round_leaves_the_last_frame_and_its_code() -> None:
    code, _, screen = watched(FAILING, INTERRUPTED)

    assert code == 10
    assert screen.last[0].vigil.sight is FAILING.sight
    assert screen.last[0].ending == "interrupted; this is the last that was known"


def test_an_interruption_while_waiting_does_the_same() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    time, screen = FakeClock(then=interrupt), Recorder()
    vigil, ending = Watch(take=Script((BLIND,), time), screen=screen, clock=time.clock, interval=HALF).run(
        Vigil(began=NOON)
    )

    assert (ending, exit_code_of(vigil, ending, until_healthy=False)) == ("interrupted", 11)
    assert len(screen.last) == 1


def test_an_interruption_before_anything_was_seen_has_the_shells_code() -> None:
    assert watched(INTERRUPTED)[0] == 130
