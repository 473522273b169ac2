from __future__ import annotations

import threading
import time

import pytest

from gcpdiag.collect.share import PageShares

NAMES = ["failures", "applications", "routine", "changes"]


def shares(spare: int) -> PageShares:
    return PageShares(NAMES, spare, monotonic=time.monotonic)


@pytest.mark.parametrize(
    "wanting, expected",
    [
        ([], [0, 0, 0, 0]),
        (["routine"], [0, 0, 2, 0]),
        (["failures", "applications"], [1, 1, 0, 0]),
        (["applications", "routine", "changes"], [0, 1, 1, 0]),
        (NAMES, [1, 1, 0, 0]),
    ],
)
def test_spare_pages_go_round_among_those_that_want_some(wanting: list[str], expected: list[int]) -> None:
    divided = shares(2)
    for name in NAMES:
        divided.tell(name, wants=name in wanting)

    assert [divided.share_of(name, time.monotonic() + 10) for name in NAMES] == expected


def test_a_question_waits_until_all_have_told() -> None:
    divided = shares(2)
    found: list[int] = []
    divided.tell("failures", wants=True)
    waiting = threading.Thread(target=lambda: found.append(divided.share_of("failures", time.monotonic() + 60)))
    waiting.start()
    for name in NAMES[1:]:
        assert found == []
        divided.tell(name, wants=False)
    waiting.join()

    assert found == [2]


def test_nobody_waits_beyond_the_deadline_for_one_that_hangs() -> None:
    divided = shares(2)
    divided.tell("failures", wants=True)

    assert divided.share_of("failures", time.monotonic() + 0.05) == 0


def test_what_was_told_first_stands() -> None:
    divided = shares(2)
    divided.tell("failures", wants=True)
    for name in NAMES:
        divided.tell(name, wants=False)

    assert divided.share_of("failures", time.monotonic() + 10) == 2
