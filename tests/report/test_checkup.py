"""A check-up on paper: the verdict in a sentence, and nothing of others that a terminal would obey."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gcpdiag.collect.checkup import Api, Caller, Checkup, Grant, Holding, LogReads, Told, Verdict
from gcpdiag.collect.installation import Command, Installation, Program
from gcpdiag.collect.permission import PERMISSIONS
from gcpdiag.gcp.failure import Failure
from gcpdiag.report.checkup import render_checkup, verdict_line
from gcpdiag.report.checkup_json import render_checkup_json

HOSTILE = "p\x1b]0;owned\x07\x1b[31m\n\u202eevil"


def installation(program: Program = "this") -> Installation:
    commands = (Command(name="gcpdiag", path="/opt/bin/gcpdiag", program=program),)
    return Installation(version="0.1.0", python="3.11.7", libraries={"google-cloud-run": "0.16"}, commands=commands)


def checkup(*, project: str = "demo", grant: Grant = "granted", **more: object) -> Checkup:
    return Checkup(
        installation=installation(),
        project=Told(value=project, origin="--project"),
        apis=(Api(name="run.googleapis.com", switch="on"),),
        holdings=tuple(Holding(permission=one, grant=grant) for one in PERMISSIONS),
        **more,  # type: ignore[arg-type]
    )


def text_of(found: Checkup, *, width: int = 80, color: bool = False) -> str:
    return render_checkup(found, width=width, color=color)


@pytest.mark.parametrize(
    "verdict, line",
    [
        (Verdict(readiness="ready"), "Ready: triage sees everything"),
        (Verdict(readiness="partial", without=("metrics", "metrics")), "Triage works, without metrics"),
        (Verdict(readiness="partial", unsure=("routes",)), "Triage works, perhaps without routes"),
        (Verdict(readiness="partial", reason="more is not known"), "Triage works; more is not known"),
        (Verdict(readiness="unverified", reason="nobody says"), "Triage may work: nobody says"),
        (Verdict(readiness="blocked", reason="no project is set"), "Triage cannot work: no project is set"),
        (Verdict(readiness="partial", without=tuple("abcdefgh")), "Triage works, without a, b, c, d, e, f and 2 more"),
    ],
)
def test_the_verdict_is_one_sentence(verdict: Verdict, line: str) -> None:
    assert verdict_line(verdict) == line


def test_what_cannot_be_known_is_told_once_with_the_reason() -> None:
    text = text_of(checkup(grant="unknown", holdings_failure=Failure(kind="timeout", text="no answer in time")))

    assert text.count("not known: no answer in time") == 1
    assert "run.services.list" not in text


def test_googles_own_gcpdiag_first_on_path_is_pointed_out() -> None:
    found = Checkup(installation=installation("other-program"))

    assert "ANOTHER PROGRAM (Google's own has this name); use gcptriage" in " ".join(text_of(found).split())


def test_log_reads_are_unknown_or_told_with_their_time() -> None:
    known = LogReads(used=12, until=datetime(2025, 9, 15, 20, 21, tzinfo=UTC))

    assert "how many are left is unknown" in " ".join(text_of(checkup()).split())
    assert "48 left in the busiest minute until 20:21:00 UTC" in " ".join(text_of(checkup(log_reads=known)).split())


def test_the_account_of_whom_to_grant_is_in_every_command() -> None:
    caller = Caller(kind="user", account=Told(value="ada@example.com", origin="the credentials"))

    text = text_of(checkup(grant="missing", caller=caller), width=140)

    commands = [line for line in text.splitlines() if line.lstrip().startswith("gcloud ")]
    assert commands
    assert all("--member=user:ada@example.com" in one for one in commands)


@pytest.mark.parametrize("color", [True, False])
def test_names_of_others_cannot_steer_a_terminal(color: bool) -> None:  # noqa: FBT001 - a table of two
    text = text_of(
        checkup(project=HOSTILE, grant="missing", caller=Caller(account=Told(value=HOSTILE), quota_project=HOSTILE)),
        color=color,
    )

    assert "\x07" not in text
    assert "\x1b]" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("width", [80, 120, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = text_of(checkup(grant="missing"), width=width)

    assert [one for one in text.splitlines() if len(one) > width] == []


def test_programs_get_nothing_that_is_not_known() -> None:
    told = json.loads(render_checkup_json(checkup(grant="unknown")))

    assert told["caller"]["member"] is None
    assert told["log_reads"] == {
        "limit_per_minute": 60,
        "used_in_busiest_minute": None,
        "left": None,
        "known_until": None,
    }
