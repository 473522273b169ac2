"""The pulse of services: what each minute was like, and which minutes nobody can tell yet."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.resource import ServiceRef
from gcpdiag.shipped import playbook_root
from gcpdiag.signals.catalogue import Catalogue, catalogue_of, load_signals
from gcpdiag.signals.pulse import Beat, Pulse, ServicePulse, pulse_of
from tests.making import (
    END,
    ENTRIES,
    PARENT,
    REGION,
    SERIES,
    SERVICES,
    START,
    Files,
    bundle,
    moment,
    request,
    requests,
    series,
    service,
    system,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
API = ServiceRef(name="api", region=REGION)
COUNT = "run.googleapis.com/request_count"
INSTANCES = "run.googleapis.com/container/instance_count"
PENDING = "run.googleapis.com/request_latency/pending"
WHOLE = {"source": "logging.entries", "status": "ok"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogue_of(load_signals(playbook_root()))


def pulse(catalogue: Catalogue, files: Files, *sources: JsonObject, services: tuple[str, ...] = ()) -> Pulse:
    told: list[Json] = list(sources)
    more = {"sources": told} if told else {}
    return pulse_of(bundle(files, **more), catalogue, services=services)


def api(found: Pulse) -> ServicePulse:
    told = found.of(API)
    assert told is not None
    return told


def beat(found: Pulse, minute: int) -> Beat:
    """The beat of a minute of the window."""
    return api(found).beats[minute]


def counts(values: dict[int, int], *, code: str = "200") -> JsonObject:
    """Request counts by the minute in which the requests were."""
    points: list[Json] = [
        {"interval": {"startTime": moment(minute), "endTime": moment(minute + 1)}, "value": {"int64Value": str(value)}}
        for minute, value in sorted(values.items(), reverse=True)
    ]
    labels: JsonObject = {"response_code": code, "response_code_class": f"{code[0]}xx"}
    return {**series(COUNT, {}, labels=labels), "points": points}


def test_a_minute_has_its_requests_and_its_failures_from_the_log(catalogue: Catalogue) -> None:
    told = [request(200, minute=10.1), request(503, minute=10.2), request(404, minute=10.3), request(200, minute=11)]

    found = pulse(catalogue, {ENTRIES: told})

    assert (beat(found, 10).requests, beat(found, 10).errors) == (3, 1)
    assert (beat(found, 11).requests, beat(found, 11).errors) == (1, 0)


def test_there_is_a_beat_for_each_minute_of_the_last_hour(catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [request(200)]})

    minutes = [one.minute for one in api(found).beats]
    assert minutes == list(range(int(START.timestamp() // 60), int(END.timestamp() // 60)))
    assert found.at == END


def test_a_minute_without_entries_in_a_whole_log_is_zero(catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [request(200, minute=10)]})

    assert (beat(found, 40).requests, beat(found, 40).errors) == (0, 0)


def test_a_minute_that_may_still_come_in_is_unknown_and_never_zero(catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [request(200, minute=10)]})

    assert beat(found, 58).settled
    assert not beat(found, 59).settled
    assert (beat(found, 59).requests, beat(found, 59).errors) == (None, None)


def test_what_came_in_already_is_told_before_the_minute_is_settled(catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [request(503, minute=59.2), request(200, minute=59.3)]})

    assert not beat(found, 59).settled
    assert (beat(found, 59).requests, beat(found, 59).errors) == (2, 1)


def test_late_metrics_are_unknown_and_never_zero(catalogue: Catalogue) -> None:
    values = dict.fromkeys(range(1, 57), 3.0)
    told = [series(INSTANCES, values), series(PENDING, dict.fromkeys(range(1, 57), 40.0))]

    found = pulse(catalogue, {ENTRIES: [], SERIES: told, SERVICES: [service()]})

    assert [beat(found, minute).instances for minute in (54, 55, 56, 57, 59)] == [3, 3, None, None, None]
    assert [beat(found, minute).pending for minute in (55, 56)] == [40.0, None]


def test_a_point_inside_the_delay_may_be_one_of_several_and_does_not_count_yet(catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [], SERIES: [series(INSTANCES, {58: 1.0})], SERVICES: [service()]})

    assert {one.instances for one in api(found).beats} == {None}


def test_instances_of_all_states_and_revisions_are_summed_in_their_own_region(catalogue: Catalogue) -> None:
    elsewhere: JsonObject = {
        "type": "cloud_run_revision",
        "labels": {"service_name": "api", "location": "europe-west1"},
    }
    told = [
        series(INSTANCES, {30: 2.0}, labels={"state": "active"}),
        series(INSTANCES, {30: 1.0}, labels={"state": "idle"}),
        series(INSTANCES, {30: 50.0}, resource=elsewhere),
    ]

    found = pulse(catalogue, {ENTRIES: [], SERIES: told, SERVICES: [service()]})

    assert beat(found, 29).instances == 3


def test_latency_is_the_tail_of_the_answers_without_open_sockets(catalogue: Catalogue) -> None:
    quick = [request(200, minute=10 + number / 100, latency="0.010s") for number in range(18)]
    slow = [request(200, minute=10.5, latency="2s"), request(200, minute=10.6, latency="2s")]
    socket = request(101, minute=10.7, latency="1800s")

    found = pulse(catalogue, {ENTRIES: [*quick, *slow, socket]})

    assert beat(found, 10).latency == pytest.approx(2000.0)


@pytest.mark.parametrize("latency", ["", "soon", "nans", "-1s", "1e400s"])
def test_a_latency_that_is_none_is_left_out(latency: str, catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [request(200, minute=10, latency=latency)]})

    assert (beat(found, 10).requests, beat(found, 10).latency) == (1, None)


def test_of_a_log_that_was_cut_off_only_the_minutes_after_its_oldest_entries_are_known(catalogue: Catalogue) -> None:
    told = [*requests(503, range(40, 60)), *requests(200, range(50, 60))]

    found = pulse(catalogue, {ENTRIES: told}, {**WHOLE, "truncated": True})

    assert beat(found, 30).errors is None
    assert beat(found, 45).errors == 1
    assert beat(found, 45).requests is None
    assert (beat(found, 55).requests, beat(found, 55).errors) == (2, 1)


def test_answers_of_a_sampled_log_are_those_that_metrics_counted(catalogue: Catalogue) -> None:
    told = [*requests(503, range(20, 60)), *requests(200, range(50, 60))]
    counted = counts(dict.fromkeys(range(60), 9))

    found = pulse(
        catalogue,
        {ENTRIES: told, SERIES: [counted]},
        {**WHOLE, "sampled": True},
        {"source": "monitoring.time_series", "status": "ok"},
    )

    assert (beat(found, 30).requests, beat(found, 30).errors) == (10, 1)
    assert (beat(found, 55).requests, beat(found, 55).errors) == (2, 1)


def test_without_a_log_metrics_tell_failures_but_prove_no_minute_without_any(catalogue: Catalogue) -> None:
    told = [counts(dict.fromkeys(range(60), 9)), counts({30: 4}, code="503")]
    denied: JsonObject = {"source": "logging.entries", "status": "denied"}

    found = pulse(catalogue, {SERIES: told}, denied, {"source": "monitoring.time_series", "status": "ok"})

    assert (beat(found, 30).requests, beat(found, 30).errors) == (13, 4)
    assert (beat(found, 31).requests, beat(found, 31).errors) == (9, None)
    assert (beat(found, 58).requests, beat(found, 58).errors) == (None, None)
    assert found.whole_from is None


def test_a_log_question_without_an_answer_leaves_the_log_unknown(catalogue: Catalogue) -> None:
    failed: JsonObject = {**WHOLE, "truncated": True, "error": "failed requests and system events: 429 Quota exceeded"}

    found = pulse(catalogue, {ENTRIES: requests(200, range(60))}, failed)

    assert {one.errors for one in api(found).beats} == {None}
    assert found.whole_from is None


def test_the_last_failure_counts_before_its_minute_is_settled(catalogue: Catalogue) -> None:
    found = pulse(catalogue, {ENTRIES: [request(200, minute=10), request(503, minute=59.5)]})

    assert api(found).last_error == START + timedelta(minutes=59.5)


def test_restarts_are_those_of_the_system_log(catalogue: Catalogue) -> None:
    killed = "Memory limit of 512 MiB exceeded with 530 MiB used. Consider increasing the memory limit"

    found = pulse(catalogue, {ENTRIES: [system(killed, minute=20), system(killed, minute=30)], SERVICES: [service()]})

    assert api(found).restarts == 2
    assert api(found).last_restart == START + timedelta(minutes=30)


@pytest.mark.parametrize(
    "more, rolling, pinned",
    [
        ({}, False, False),
        ({"reconciling": True}, True, False),
        ({"traffic": [{"revision": "api-00001-abc", "percent": 100}]}, False, True),
    ],
)
def test_which_revision_serves_is_told(more: JsonObject, rolling: bool, pinned: bool, catalogue: Catalogue) -> None:  # noqa: FBT001 - parametrized
    latest = f"{PARENT}/services/api/revisions/api-00002-def"

    found = pulse(catalogue, {SERVICES: [{**service(), "latestCreatedRevision": latest, **more}]})

    serving = api(found).serving
    assert serving is not None
    assert (serving.revision, serving.latest, serving.latest_ready) == (
        "api-00001-abc",
        "api-00002-def",
        "api-00001-abc",
    )
    assert (serving.rolling, serving.pinned) == (rolling, pinned)


def test_only_the_named_services_are_told(catalogue: Catalogue) -> None:
    told = [request(200), request(200, service="worker")]

    assert [one.service.name for one in pulse(catalogue, {ENTRIES: told}).services] == ["api", "worker"]
    assert [one.service.name for one in pulse(catalogue, {ENTRIES: told}, services=("worker",)).services] == ["worker"]


def test_the_order_of_entries_makes_no_difference(catalogue: Catalogue) -> None:
    told = [*requests(503, range(20, 40)), *requests(200, range(60), latency="0.3s")]

    assert pulse(catalogue, {ENTRIES: told}) == pulse(catalogue, {ENTRIES: told[::-1]})


def test_a_recorded_incident_has_the_failures_that_its_diagnosis_counts(catalogue: Catalogue) -> None:
    found = pulse_of(load_bundle(FIXTURES / "staging-503"), catalogue)

    told = {one.service.name: sum(beat.errors or 0 for beat in one.beats) for one in found.services}
    assert told["backend-staging"] > 200
    assert told["frontend-staging"] == 0
