"""What records say about recovery, and when it is too early to say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.verification import Criterion
from gcpdiag.shipped import playbook_root
from gcpdiag.signals.catalogue import catalogue_of, load_signals
from gcpdiag.verify.verification import records_of
from tests.making import ENTRIES, PARENT, REVISIONS, SERVICES, START, Files, bundle, requests, service, system

CATALOGUE = catalogue_of(load_signals(playbook_root()))
OOM = "Memory limit of 512 MiB exceeded with 530 MiB used. Consider increasing the memory limit"
LIVENESS = "LIVENESS HTTP probe failed 3 times consecutively for container"


def many(status: int, minutes: range, a_minute: int = 6) -> list[JsonObject]:
    return [one for _ in range(a_minute) for one in requests(status, minutes)]


def ready(**more: Json) -> JsonObject:
    """A service whose latest revision is ready, unless more is told."""
    return {**service(), "latestCreatedRevision": f"{PARENT}/services/api/revisions/api-00001-abc", **more}


CALM = many(200, range(20))
BROKEN = [*many(503, range(20, 40)), *many(200, range(20, 40), 1)]
WELL = many(200, range(40, 60))


def judged(*entries: JsonObject, since: float | None = 40, files: Files | None = None) -> dict[str, Criterion]:
    """The criteria by title; the action was taken in that minute of the hour."""
    whole: Files = {SERVICES: [ready()], ENTRIES: [*entries], **(files or {})}
    action = START + timedelta(minutes=since) if since is not None else None
    return {one.title: one for one in records_of(bundle(whole), CATALOGUE, since=action)}


def test_a_rate_that_has_fallen_to_its_baseline_is_met_with_all_three_numbers() -> None:
    rate = judged(*CALM, *BROKEN, *WELL)["5xx rate has fallen"]

    assert rate.verdict == "met"
    assert rate.subject == "api"
    assert rate.text.startswith("0.0% of ")
    assert "in the incident before; 0.0% before it" in rate.text


def test_a_rate_that_is_only_half_of_the_incidents_has_not_fallen() -> None:
    rate = judged(*CALM, *BROKEN, *many(200, range(40, 60), 3), *many(503, range(40, 60), 3))["5xx rate has fallen"]

    assert rate.verdict == "not met"
    assert rate.text.startswith("50.0% of ")


def test_one_answer_among_failures_is_no_recovery() -> None:
    rate = judged(*CALM, *many(503, range(20, 60)), *requests(200, range(59, 60)))["5xx rate has fallen"]

    assert rate.verdict == "not met"


def test_errors_that_were_there_before_the_incident_may_stay() -> None:
    noisy = [*many(200, range(60), 10), *requests(503, range(2, 60, 6)), *many(503, range(20, 40))]
    rate = judged(*noisy)["5xx rate has fallen"]

    assert rate.verdict == "met"


def test_right_after_the_action_it_is_too_early_and_it_says_when_to_ask_again() -> None:
    rate = judged(*CALM, *many(503, range(20, 58)), *many(200, range(58, 60)), since=58)["5xx rate has fallen"]

    assert rate.verdict == "too early"
    assert "records are visible until 20:24:00 (60 s behind)" in rate.text
    assert rate.at == START + timedelta(minutes=58 + 1 + 3 + 1)


def test_with_hardly_a_request_since_the_action_it_is_too_early() -> None:
    rate = judged(*CALM, *BROKEN, *requests(200, range(50, 55)))["5xx rate has fallen"]

    assert rate.verdict == "too early"
    assert rate.text.startswith("only 5 requests")


def test_without_any_request_nothing_can_be_said() -> None:
    found = records_of(bundle({SERVICES: [ready()], ENTRIES: []}), CATALOGUE, services=["api"])

    assert {one.title: one.verdict for one in found}["5xx rate has fallen"] == "unknown"


@pytest.mark.parametrize(
    "text,title",
    [(OOM, "restarts have stopped"), (LIVENESS, "no new probe failures")],
)
@pytest.mark.parametrize(
    "minute,since,verdict", [(57, 40, "not met"), (30, 40, "met"), (30, 57, "too early"), (57, 57, "not met")]
)
def test_restarts_and_probe_failures_must_have_stopped(
    text: str, title: str, minute: float, since: float, verdict: str
) -> None:
    found = judged(*CALM, *BROKEN, *WELL, system(text, minute=minute + 0.5 if minute < 57 else 58.5), since=since)

    assert found[title].verdict == verdict


def test_a_latest_revision_that_is_ready_and_serves_is_met() -> None:
    assert judged(*CALM)["latest revision serves"].verdict == "met"


def test_a_latest_revision_that_is_not_ready_is_not_met() -> None:
    document = ready(latestCreatedRevision="api-00002-new")
    found = judged(*CALM, files={SERVICES: [document]})["latest revision serves"]

    assert found.verdict == "not met"
    assert found.text == "api-00002-new is not ready; api-00001-abc serves in its place"


def test_traffic_that_is_pinned_to_an_older_revision_is_a_choice() -> None:
    pinned: JsonObject = {
        "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
        "revision": "api-00001-abc",
        "percent": 100,
    }
    document = ready(
        latestCreatedRevision="api-00002-new",
        latestReadyRevision="api-00002-new",
        traffic=[pinned],
        trafficStatuses=[pinned],
    )
    found = judged(*CALM, files={SERVICES: [document]})["latest revision serves"]

    assert found.verdict == "met"
    assert "serves by choice" in found.text


def test_a_rollout_under_way_is_too_early() -> None:
    assert judged(*CALM, files={SERVICES: [ready(reconciling=True)]})["latest revision serves"].verdict == ("too early")


def test_services_that_were_not_collected_have_no_latest_revision_to_judge() -> None:
    found = records_of(
        bundle({ENTRIES: CALM, REVISIONS: [{"name": f"{PARENT}/services/api/revisions/api-00001-abc"}]}), CATALOGUE
    )

    assert {one.title: one.verdict for one in found}.get("latest revision serves", "unknown") == "unknown"


def test_logs_that_were_cut_off_prove_no_silence() -> None:
    cut: Json = [{"source": "logging.entries", "status": "ok", "truncated": True}]
    found = records_of(bundle({SERVICES: [ready()], ENTRIES: CALM}, sources=cut), CATALOGUE)

    assert {one.title: one.verdict for one in found}["restarts have stopped"] == "unknown"
