"""A frame of a watch: it always fits, says what is known and what is not, and hides nothing behind a colour."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from gcpdiag.diagnose.vigil import Miss, Vigil
from gcpdiag.model.diagnosis import ServiceState
from gcpdiag.model.finding import Gap
from gcpdiag.model.resource import ServiceRef
from gcpdiag.report.canvas import Canvas
from gcpdiag.report.chart import ASCII, BLOCKS, chart, folded, meter
from gcpdiag.report.watch import Stage, frame_of
from gcpdiag.report.watch_line import line_of
from gcpdiag.signals.pulse import Beat
from tests.diagnose.watching import EGRESS, MEMORY, NOON, after, beats, cause, pulse_of_api, sight, with_services
from tests.report.hostile import HOSTILE, telling

LATER = NOON + timedelta(seconds=12)
SIZES = [(80, 24), (200, 50), (40, 10), (100, 30)]
SMALL, LARGE = Canvas(width=80, height=24), Canvas(width=200, height=50)


def stage(vigil: Vigil, **more: object) -> Stage:
    return replace(Stage(vigil=vigil, now=LATER, next_in=timedelta(seconds=18)), **more)  # type: ignore[arg-type]


def drawn(vigil: Vigil, canvas: Canvas = SMALL, **more: object) -> str:
    return frame_of(stage(vigil, **more), canvas).plain


def line_with(text: str, frame: str) -> str:
    return next(line for line in frame.splitlines() if text in line)


def crowd(number: int) -> Vigil:
    """A watch over many services, of which one fails."""
    names = [f"service-{one:03}" for one in range(number)]
    refs = [ServiceRef(name=one, region="us-central1") for one in names]
    pulses = [pulse_of_api(service=one) for one in refs]
    states = [ServiceState(service=one, health="healthy", requests=360, errors=0) for one in refs]
    states[0] = replace(states[0], health="failing")
    return after(with_services(sight("failing", *pulses), *states))


def hostile() -> Vigil:
    """A watch in which everything that others may write means harm."""
    told = sight("failing")
    return after(replace(told, diagnosis=telling(HOSTILE))).with_miss(Miss(at=NOON, why=HOSTILE))


@given(
    width=st.integers(1, 220),
    height=st.integers(1, 60),
    services=st.integers(1, 12),
    unicode=st.booleans(),
    missed=st.booleans(),
)
def test_a_frame_always_fits(*, width: int, height: int, services: int, unicode: bool, missed: bool) -> None:
    vigil = crowd(services)
    vigil = vigil.with_miss(Miss(at=NOON, why="no network " * 30)) if missed else vigil

    frame = drawn(vigil, Canvas(width=width, height=height, unicode=unicode))

    lines = frame.split("\n")
    assert len(lines) <= max(height, 8) - 1
    assert max(cell_len(one) for one in lines) <= max(width, 40)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unicode", [True, False])
def test_words_of_others_neither_break_a_frame_nor_command_the_terminal(
    size: tuple[int, int], *, unicode: bool
) -> None:
    width, height = size

    frame = drawn(hostile(), Canvas(width=width, height=height, unicode=unicode))

    assert max(cell_len(one) for one in frame.split("\n")) <= width
    assert len(frame.split("\n")) < height
    assert all(one.isprintable() for one in frame.replace("\n", ""))
    assert "hunter2" not in frame


@pytest.mark.parametrize("vigil", [crowd(3), hostile(), Vigil(began=NOON)])
def test_where_there_is_only_ascii_nothing_else_is_drawn(vigil: Vigil) -> None:
    assert drawn(vigil, Canvas(width=80, height=24, unicode=False)).isascii()


def test_without_colour_nothing_is_styled_and_the_text_is_the_same() -> None:
    vigil = after(sight())

    plain = frame_of(stage(vigil), Canvas(width=80, height=24, color=False))

    assert {str(span.style) for span in plain.spans} <= {""}
    assert plain.plain == drawn(vigil)


def test_a_frame_is_a_pure_function_of_its_stage() -> None:
    first: Text = frame_of(stage(crowd(4)), LARGE)

    assert first == frame_of(stage(crowd(4)), LARGE)


def test_a_frame_at_80_by_24_says_all_that_matters() -> None:
    frame = drawn(after(sight(), sight()))

    assert frame.startswith("INCIDENT  demo-staging  round 2 · as of 12:00:00, 12 s ago")
    assert "FAIL" in line_with("api  ", frame)
    assert "90%" in line_with(f"CAUSE {MEMORY}", frame)
    assert "the last 30 s ago" in line_with("no 5xx for 15 min", frame)
    assert "next round in 18 s · last: 24 calls, 5 of 60 log reads/min" in frame


def test_minutes_that_nobody_knows_yet_are_drawn_as_unknown_and_not_as_zero() -> None:
    known: list[int | None] = [6] * 50
    late = replace(pulse_of_api(), beats=beats([*known, *[None] * 10], [*[0] * 50, *[None] * 10]))

    row = line_with("api  ", drawn(after(sight("failing", late))))

    shares = row.split("–")[1].split()[0]
    assert shares.endswith("·····")
    assert "▁·" in shares


def test_a_minute_without_requests_is_zero_in_the_chart_of_requests() -> None:
    idle = replace(pulse_of_api(), beats=beats([0] * 60, [0] * 60))

    assert "▁▁▁" in line_with("api  ", drawn(after(sight("failing", idle))))


def test_a_service_without_a_pulse_has_nothing_but_unknown_charts() -> None:
    vigil = after(with_services(sight(), ServiceState(service=ServiceRef(name="ghost", region=""), health="unknown")))

    row = line_with("ghost", drawn(vigil))

    assert set(row.removeprefix("ghost").replace("?", " ", 1).replace(" ", "")) == {"–", "·"}


def test_of_many_services_the_unwell_come_first_and_the_rest_is_counted() -> None:
    frame = drawn(crowd(40))

    assert "service-000" in frame
    assert "and 3" in line_with("more services", frame)


def test_a_wide_terminal_has_words_for_states_and_waits_where_there_are_some() -> None:
    waiting = pulse_of_api()
    waiting = replace(waiting, beats=tuple(replace(one, pending=1234.0) for one in waiting.beats))

    frame = drawn(after(sight("failing", waiting)), LARGE)

    assert "failing" in line_with("api  ", frame)
    assert "pending p99" in frame
    assert "1.2s" in line_with("api  ", frame)
    assert "pending p99" not in drawn(after(sight("failing", waiting)), SMALL)


def test_the_confidence_of_the_top_cause_is_drawn_over_the_rounds() -> None:
    vigil = after(*[sight(causes=[cause(MEMORY, one)]) for one in (0.1, 0.5, 0.99)])
    vigil = vigil.with_miss(Miss(at=NOON, why="")).with_sight(sight(causes=[cause(MEMORY, 0.99)]))

    assert "99% ▂▅█·█" in line_with("CAUSE", drawn(vigil))


def test_other_causes_and_the_next_command_are_told_where_there_is_room() -> None:
    vigil = after(sight(causes=[cause(MEMORY, 0.9), cause(EGRESS, 0.6)]))

    assert line_with("also", drawn(vigil, LARGE)).startswith(f"also  {EGRESS} 60%")


def test_an_incident_without_a_cause_names_what_was_weighed() -> None:
    frame = drawn(after(sight("failing", status="inconclusive", causes=[])))

    assert line_with("CAUSE", frame) == f"CAUSE no cause is named; {EGRESS} is weighed at 40%"


def test_after_a_recovery_the_cause_that_it_was_is_kept() -> None:
    frame = drawn(after(sight("failing"), sight("recovered", pulse_of_api(failed_ago=20))))

    assert line_with("CAUSE", frame) == f"CAUSE none; it was {MEMORY} (90%)"


def test_a_round_that_failed_is_said_with_the_age_of_what_is_shown() -> None:
    vigil = after(sight()).with_miss(Miss(at=NOON + timedelta(seconds=30), why="429 Quota exceeded"))

    frame = drawn(vigil, now=NOON + timedelta(seconds=50))

    assert "as of 12:00:00, 50 s ago" in frame
    assert line_with("ROUND FAILED", frame).startswith(
        "ROUND FAILED at 12:00:30; what follows is what was known: 429 Quota"
    )
    assert "api" in frame


def test_what_could_not_be_seen_is_named_first_what_a_permission_closes() -> None:
    told = sight()
    gaps = (
        Gap(check="log entries", reason="cut off", source="logging.entries"),
        Gap(check="VPC connectors", reason="permission denied", source="vpcaccess.connectors", permission="p"),
    )
    vigil = after(replace(told, diagnosis=replace(told.diagnosis, gaps=gaps)))

    assert "not seen (2): VPC connectors · log entries" in drawn(vigil)
    assert "VPC connectors (permission denied) · log entries (cut off)" in drawn(vigil, LARGE)


def test_the_foot_says_what_goes_on() -> None:
    vigil = after(sight())

    assert "asking: 12 of 31 answers" in drawn(vigil, next_in=None, asking="12 of 31 answers")
    assert "next round in 40 s (quota hit)" in drawn(vigil, next_in=timedelta(seconds=40), slowed="quota hit")
    assert drawn(vigil, ending="healthy again").endswith("healthy again")


def test_before_the_first_round_there_is_a_frame_too() -> None:
    assert drawn(Vigil(began=NOON), next_in=None, asking="3 of 31 answers").splitlines() == [
        "WATCH" + " " * 63 + "12:00:12 UTC",
        "asking: 3 of 31 answers",
    ]


def test_a_healthy_project_ticks_green() -> None:
    vigil = after(sight("failing"), *[sight("recovered", pulse_of_api(failed_ago=20, restarted_ago=20))] * 2)

    frame = frame_of(stage(vigil), SMALL)

    assert "RECOVERY 4 of 4 · 2 of 2 healthy rounds in a row" in frame.plain
    assert frame.plain.count("[✓]") == 4
    assert "━━━━━━━━━━" in line_with("no 5xx", frame.plain)


def test_the_line_of_a_round_has_time_status_share_and_cause() -> None:
    mixed = replace(pulse_of_api(), beats=beats([10] * 60, [*[5] * 60]))

    assert line_of(after(sight("failing", mixed)), LATER) == (
        f"2025-09-15T12:00:12Z status=incident 5xx=50.0% requests=30 cause={MEMORY} confidence=0.90 calls=24"
    )


def test_the_line_of_a_healthy_round_without_requests_knows_no_share() -> None:
    idle = pulse_of_api(each_minute=0)

    assert "status=healthy 5xx=unknown requests=0 cause=none calls=24" in line_of(after(sight("healthy", idle)), LATER)


def test_the_line_of_a_failed_round_has_the_last_status_its_age_and_why() -> None:
    vigil = after(sight()).with_miss(Miss(at=LATER, why='429 "Quota" exceeded\nfor reads'))

    assert line_of(vigil, LATER) == (
        "2025-09-15T12:00:12Z round=failed status=incident age=12s why=\"429 'Quota' exceeded for reads\""
    )


def test_the_line_is_one_line_whatever_others_wrote() -> None:
    assert "\n" not in line_of(hostile(), LATER)


@pytest.mark.parametrize(
    "values, drawing",
    [
        ([0.0, None, 1.0], "··▁·█"),
        ([0.01, 0.5, 0.99, 1.0, 2.0], "▂▅███"),
        ([], "·····"),
        ([1.0] * 9, "█████"),
    ],
)
def test_a_chart_has_a_block_for_each_value_and_the_newest_at_the_right(
    values: list[float | None], drawing: str
) -> None:
    assert chart(values, 5, top=1.0, glyphs=BLOCKS) == drawing


def test_a_chart_in_ascii_tells_zero_unknown_and_least_apart() -> None:
    assert chart([0.0, None, 0.01, 1.0], 4, top=1.0, glyphs=ASCII) == "_?.@"


def test_values_are_folded_from_the_newest_and_what_is_unknown_is_left_out() -> None:
    assert folded([1.0, 2.0, None, None, None, 5.0, 6.0], 2, max) == [1.0, 2.0, None, 6.0]


@pytest.mark.parametrize("progress, drawing", [(0.0, "────"), (0.5, "━━──"), (0.99, "━━━─"), (1.0, "━━━━")])
def test_only_the_whole_way_fills_a_meter(progress: float, drawing: str) -> None:
    assert meter(progress, 4, glyphs=BLOCKS) == drawing


def test_a_beat_knows_nothing_unless_it_is_told() -> None:
    told = Beat(minute=1, settled=False)

    assert {told.requests, told.errors, told.instances, told.latency, told.pending} == {None}
