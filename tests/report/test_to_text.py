"""The report for the terminal."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from gcpdiag.model.diagnosis import Diagnosis, ServiceState
from gcpdiag.model.resource import ServiceRef
from gcpdiag.report.to_text import render_text
from tests.report.hostile import HOSTILE, telling
from tests.report.samples import egress_blocked, healthy, incident, inconclusive, weight
from tests.report.scene import API, GRANT, LINK, ROLLBACK

STYLE_OR_LINK = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;;[!-~]*\x1b\\")


def told(diagnosis: Diagnosis, *, width: int = 200) -> str:
    return render_text(diagnosis, width=width, color=False)


def headings(diagnosis: Diagnosis) -> list[str]:
    return re.findall(r"^[A-Z][A-Z ]+(?=  |$)", told(diagnosis), re.MULTILINE)


def test_what_is_needed_first_stands_first() -> None:
    assert headings(incident()) == [
        "INCIDENT",
        "ROOT CAUSE",
        "CONTRIBUTING",
        "SUSPECTS",
        "WARNINGS",
        "SERVICES",
        "TIMELINE",
        "COULD NOT BE LOOKED AT",
        "ERRORS THAT NO SIGNATURE KNOWS",
        "COULD NOT BE READ",
    ]


def test_what_is_empty_is_left_out() -> None:
    assert headings(healthy()) == ["HEALTHY", "SERVICES"]


def test_an_inconclusive_report_says_what_to_look_at_next() -> None:
    assert f"NEXT CHECK\n  Look for: VPC connectors (permission denied).\n    {GRANT}\n" in told(inconclusive())
    assert "<1%  database-connections/client-pool-exhausted" in told(inconclusive())


def test_a_line_of_evidence_begins_with_its_weight_and_ends_with_its_time() -> None:
    assert "\n  −1.2 dB  throughput of the connector stays below 12% · at 20:03:08\n" in told(incident())


def test_a_sign_has_its_title_above_what_the_logs_say() -> None:
    report = told(incident())
    assert "\n   +9.1 dB  the proxy cannot dial out\n            412 × in api on 6 instances: dial" in report
    assert "connection timed out · since 20:03:08\n" in report


def test_the_sum_can_be_redone() -> None:
    assert "prior −15.1 dB + evidence +29.7 dB + against −1.2 dB = +13.4 dB" in told(incident())


def test_a_timeline_of_several_days_has_the_date_on_every_line() -> None:
    assert "  2025-09-14 10:58:07  deploy  api: revision api-00042-wiz\n" in told(incident())
    assert "  2025-09-15 20:03:01  onset   api: first 5xx" in told(incident())


def test_several_root_causes_are_numbered() -> None:
    both = replace(incident(), root_causes=(egress_blocked(), replace(egress_blocked(), id="platform/incident")))
    assert "ROOT CAUSE 2 OF 2  confidence 97%" in told(both)


def test_the_same_entry_is_quoted_once() -> None:
    quoted = "dial tcp 34.10.2.7:3307: connect: connection timed out"
    lines = (weight("a", 9.0, f"4 × in api: {quoted}"), weight("b", 3.0, f"5 × in api: {quoted}"))
    report = told(replace(incident(), root_causes=(replace(egress_blocked(), evidence=lines),), contributing=()))
    assert report.count(quoted) == 1
    assert "5 × in api: as above" in report


def test_many_lines_of_one_signal_are_told_by_a_few() -> None:
    lines = tuple(weight("a", 9.0 if not one else 0.0, f"{one} × in s{one}: no") for one in range(30))
    report = told(replace(incident(), root_causes=(replace(egress_blocked(), evidence=lines),)))
    assert "and 27 more lines like it" in report


def test_many_healthy_services_are_told_by_a_few() -> None:
    services = tuple(
        ServiceState(service=ServiceRef(name=f"s{one}", region="r"), health="healthy") for one in range(40)
    )
    assert "and 35 more healthy services" in told(replace(healthy(), services=services))


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_commands_are_never_broken(width: int) -> None:
    lines = [one.strip() for one in told(incident(), width=width).splitlines()]
    assert {ROLLBACK, GRANT} <= set(lines)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_everything_but_commands_fits_the_width(width: int) -> None:
    lines = [one for one in told(incident(), width=width).splitlines() if not one.strip().startswith("gc")]
    assert max(cell_len(one) for one in lines) <= width


@given(st.text(), st.integers(min_value=0, max_value=250))
@example(HOSTILE, 80)
def test_no_text_brings_a_control_character_into_a_plain_report(text: str, width: int) -> None:
    report = told(telling(text), width=width)
    assert {one for one in report if unicodedata.category(one) in {"Cc", "Cf", "Cs"}} == {"\n"}


@given(st.text())
@example(HOSTILE)
@example(LINK)
def test_a_coloured_report_has_only_styles_and_console_links(text: str) -> None:
    report = render_text(telling(text), width=80, color=True)
    assert STYLE_OR_LINK.sub("", report) == told(telling(text), width=80)


def test_the_markup_of_the_terminal_library_is_text() -> None:
    assert "[bold]b[/bold]" in told(telling(HOSTILE))


def test_secrets_are_hidden() -> None:
    assert "hunter2" not in told(telling(HOSTILE))
    assert "hunter2" not in told(telling("pass\u200bword=hunter2hunter2"))


def test_evidence_links_to_its_records_in_colour_alone() -> None:
    assert f"\x1b]8;;{LINK}\x1b\\" in render_text(incident(), width=80, color=True)
    assert "https://console" not in told(incident())


@pytest.mark.parametrize("color", [True, False])
def test_two_renderings_are_the_same_to_the_byte(*, color: bool) -> None:
    assert render_text(incident(), width=80, color=color) == render_text(incident(), width=80, color=color)


def test_a_failure_older_than_the_window_says_so() -> None:
    state = ServiceState(service=API, health="failing", requests=10, errors=10, older_than_window=True)
    assert "10 (100%)  before the window" in told(replace(incident(), services=(state,)))
