"""Stretches of time and runs of values, as tests in playbooks write them."""

from datetime import timedelta

import pytest

from gcpdiag.playbook.notation import START, moment_of, nearest, points_of, span_of


@pytest.mark.parametrize(
    "text, seconds",
    [("30s", 30), ("+20m", 1200), ("-3h", -10800), ("1h30m", 5400), ("1.5m", 90), ("2d", 172800)],
)
def test_a_stretch_of_time_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert span_of(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "20", "m", "20 m", "+-3h", "20min", "10:20"])
def test_a_stretch_without_number_or_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no stretch of time"):
        span_of(text)


def test_moments_are_counted_from_the_start_of_the_window() -> None:
    assert moment_of("-1h") == START - timedelta(hours=1)


def test_a_series_is_runs_of_values_with_gaps() -> None:
    assert points_of("0.5x2 _x2 7 -1e3") == [0.5, 0.5, None, None, 7.0, -1000.0]


@pytest.mark.parametrize("text", ["", "0.3*20", "x20", "0.3x", "1x100000"])
def test_a_series_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"run of values|without values|longer than a day"):
        points_of(text)


def test_the_nearest_known_word_is_suggested() -> None:
    assert nearest("stder", ["stdout", "stderr"]) == "did you mean 'stderr'?"


def test_without_a_near_word_all_known_ones_are_told() -> None:
    assert nearest("zzz", ["b", "a"]) == "known: a, b"
