"""A checklist on paper: for the terminal, the ticket, programs and CI; and nothing of others that these would obey."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from gcpdiag.model.probe import Measure, ProbeResult
from gcpdiag.model.verification import Criterion, CriterionGroup, CriterionVerdict, Verification
from gcpdiag.report.verification import conclusion_of, render_verification
from gcpdiag.report.verification_json import render_verification_json
from gcpdiag.report.verification_junit import render_verification_junit
from gcpdiag.report.verification_markdown import render_verification_markdown

AT = datetime(2025, 9, 15, 20, 25, tzinfo=UTC)
HOSTILE = "\x1b]0;owned\x07\x1b[31m\n\u202eevil <script> ]]> & **bold** @all password=hunter2"


def criterion(
    verdict: CriterionVerdict = "met",
    *,
    text: str = "200, 3 of 3 in a row",
    group: CriterionGroup = "health",
    **more: object,
) -> Criterion:
    return Criterion(
        group=group,
        title="HTTP 200, 3 times in a row",
        subject="https://api.example.com/health",
        verdict=verdict,
        text=text,
        **more,  # type: ignore[arg-type]
    )


def verification(*criteria: Criterion) -> Verification:
    probe = ProbeResult(
        target="https://api.example.com/health",
        kind="http",
        at=AT,
        status=503,
        failed_at="protocol",
        error="503 instead of 200",
        latency=timedelta(milliseconds=1642),
        origin="outside",
        measures=(Measure(name="consecutive", value="0 of 3"),),
    )
    return Verification(at=AT, criteria=criteria, probes=(probe,), project="demo", since=AT - timedelta(minutes=10))


@pytest.mark.parametrize(
    "verdicts,outcome,words",
    [
        (("met", "met"), "met", "Recovered: 2 of 2 criteria met."),
        (
            ("met", "not met", "unknown"),
            "not met",
            "Not recovered: 1 of 3 criteria met, 1 not met, 1 could not be looked at.",
        ),
        (("met", "too early"), "undecided", "Not decided yet: 1 of 2 criteria met, 1 too early to say."),
        (("met", "unknown"), "undecided", "Not decided yet: 1 of 2 criteria met, 1 could not be looked at."),
        ((), "nothing probed", "There was nothing to verify."),
    ],
)
def test_the_outcome_is_one_sentence(verdicts: tuple[CriterionVerdict, ...], outcome: str, words: str) -> None:
    found = verification(*(criterion(one) for one in verdicts))

    assert found.outcome == outcome
    assert conclusion_of(found) == words


def test_the_terminal_shows_a_mark_a_word_and_what_was_seen() -> None:
    early = criterion("too early", group="traffic", text="only 3 requests", at=AT, notes=("a remark",))
    text = render_verification(verification(criterion(), early), width=80, color=False)

    assert "HEALTH\n  ✓ met       HTTP 200, 3 times in a row\n" in text
    assert "https://api.example.com/health: 200, 3 of 3 in a row" in text
    assert "… too early" in text
    assert "note: a remark" in text
    assert "ask again after 20:25:00 UTC" in text
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_colour_is_added_only_when_asked_for() -> None:
    assert "\x1b[" in render_verification(verification(criterion("not met")), width=80, color=True)


def test_in_markdown_only_what_is_met_is_ticked() -> None:
    text = render_verification_markdown(
        verification(criterion(), criterion("not met"), criterion("too early", at=AT), criterion("unknown"))
    )

    assert text.count("- [x] ") == 1
    assert text.count("- [ ] ") == 3
    assert "*(too early)*" in text
    assert "after the change of 2025-09-15T20:15:00Z" in text


def test_json_has_criteria_and_probes_as_a_bundle_has_them() -> None:
    document = json.loads(render_verification_json(verification(criterion("not met"))))

    assert document["schema"] == "gcpdiag.verification/v1"
    assert document["outcome"] == "not met"
    assert document["criteria"][0]["verdict"] == "not met"
    probe = document["probes"][0]
    assert {key: probe[key] for key in ("target", "kind", "ok", "status", "latency_ms", "error", "at")} == {
        "target": "https://api.example.com/health",
        "kind": "http",
        "ok": False,
        "status": 503,
        "latency_ms": 1642,
        "error": "503 instead of 200",
        "at": "2025-09-15T20:25:00Z",
    }
    assert probe["measures"] == {"consecutive": "0 of 3"}


def test_junit_fails_what_is_not_met_and_skips_what_is_not_known() -> None:
    found = verification(criterion(), criterion("not met"), criterion("too early"), criterion("unknown"))
    suite = ET.fromstring(render_verification_junit(found)).find("testsuite")  # noqa: S314 - of our own making

    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "2",
    }
    assert [[inside.tag for inside in case] for case in suite] == [
        ["system-out"],
        ["failure"],
        ["skipped"],
        ["skipped"],
    ]


def test_what_others_wrote_is_harmless_everywhere() -> None:
    found = verification(criterion("not met", text=HOSTILE, notes=(HOSTILE,)), criterion("unknown", text=HOSTILE))
    texts = [
        render_verification(found, width=80, color=False),
        render_verification_markdown(found),
        render_verification_json(found),
        render_verification_junit(found),
    ]

    ET.fromstring(texts[3])  # noqa: S314 - of our own making
    assert "<script>" not in texts[1]
    assert "**bold**" not in texts[1]
    for text in texts:
        assert "hunter2" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
