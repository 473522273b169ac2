"""Signs of distress where no request log could be read: what Cloud Run refuses never reaches the request metrics."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import in_utc
from gcpdiag.signals.metric import INSTANCES, PENDING, SLOTS
from tests.making import ENTRIES, REVISIONS, SERIES, SERVICES, Files, entry, moment, series, service
from tests.signals.making import API, seen_in

DENIED: dict[str, Json] = {"source": "logging.entries", "status": "denied"}
ANSWERED = series(
    "run.googleapis.com/request_count", dict.fromkeys(range(1, 60), 20.0), labels={"response_code": "200"}
)
LIMITED = service(scaling={"maxInstanceCount": 10}, maxInstanceRequestConcurrency=40)


def rising(metric: str, before: float, after: float, start: int = 30) -> JsonObject:
    return series(metric, {minute: after if minute >= start else before for minute in range(60)})


def health(files: Files, *sources: Json) -> tuple[str, str]:
    """The state of the service and the minute of its onset."""
    state = seen_in(files, {}, sources=list(sources)).states[API]
    return state.health, in_utc(state.onset).strftime("%M") if state.onset else ""


FULL = [rising(INSTANCES, 3, 10), rising(SLOTS, 8, 40)]


@pytest.mark.parametrize(
    "told, expected",
    [
        (FULL, ("unknown", moment(30)[14:16])),
        ([rising(PENDING, 4, 9000)], ("unknown", moment(30)[14:16])),
        ([rising(INSTANCES, 3, 10)], ("healthy", "")),
        ([rising(SLOTS, 8, 40)], ("healthy", "")),
        ([rising(PENDING, 4, 200)], ("healthy", "")),
        ([series(PENDING, {20: 9000.0, 21: 9000.0, 22: 9000.0} | dict.fromkeys(range(23, 60), 4.0))], ("healthy", "")),
        ([], ("healthy", "")),
    ],
    ids=["full", "waiting", "instances alone", "slots alone", "short waits", "over by now", "no metrics"],
)
def test_full_instances_and_long_waits_are_distress(told: list[JsonObject], expected: tuple[str, str]) -> None:
    assert health({SERVICES: [LIMITED], SERIES: [ANSWERED, *told]}, DENIED) == expected


def test_short_dips_do_not_end_a_stretch() -> None:
    waits = {minute: 9000.0 if minute >= 20 else 4.0 for minute in range(60)} | {40: 3.0, 41: 5.0}
    files: Files = {SERVICES: [LIMITED], SERIES: [ANSWERED, series(PENDING, waits)]}
    assert health(files, DENIED) == ("unknown", moment(20)[14:16])


def test_where_the_request_log_was_read_it_decides() -> None:
    files: Files = {SERVICES: [LIMITED], SERIES: [ANSWERED, *FULL], ENTRIES: [entry("x")]}
    assert health(files)[0] == "healthy"


def unready(at: str) -> JsonObject:
    """The only revision, which can serve nobody since then."""
    name = f"{service()['name']}/revisions/api-00001-abc"
    condition: JsonObject = {"type": "Ready", "state": "CONDITION_FAILED", "lastTransitionTime": at}
    return {"name": name, "createTime": moment(-600), "conditions": [condition]}


def test_a_serving_revision_that_is_not_ready_is_distress() -> None:
    files: Files = {SERVICES: [service()], REVISIONS: [unready(moment(25))], SERIES: [ANSWERED]}
    assert health(files, DENIED) == ("unknown", moment(25)[14:16])


def test_what_broke_long_ago_and_gets_no_requests_is_nobodys_distress() -> None:
    files: Files = {SERVICES: [service()], REVISIONS: [unready(moment(-300))], SERIES: [rising(PENDING, 0, 0)]}
    assert health(files, DENIED)[0] == "healthy"
