"""Finding a service, and every action from plan to update to inverse, over Google's own client and the real wire."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from gcpdiag.bundle.read import Bundle, load_bundle
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator
from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.gcp.access import AccessOptions
from gcpdiag.model.json import Json, JsonObject, text_at
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_egress import plan_egress
from gcpdiag.remediate.action_restart import plan_restart
from gcpdiag.remediate.action_rollback import RollbackOptions, Served, plan_rollback
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.action_traffic import plan_unpin
from gcpdiag.remediate.inverse import inverse_of
from gcpdiag.remediate.request_count import count_requests
from gcpdiag.remediate.session import Session, open_session
from gcpdiag.remediate.target import find_target
from gcpdiag.remediate.validate import validate
from tests.emulator.asking import http_answer
from tests.emulator.rolling import FIXTURES, NAME, OLDER
from tests.making import PROJECT, SERVICES, bundle
from tests.remediate.services import NOON

TRANSIENT = (
    "conditions",
    "etag",
    "generation",
    "lastModifier",
    "latestCreatedRevision",
    "latestReadyRevision",
    "observedGeneration",
    "terminalCondition",
    "updateTime",
)


@pytest.fixture(scope="module")
def staging() -> Bundle:
    return load_bundle(FIXTURES / "staging-503")


@pytest.fixture(scope="module")
def running(staging: Bundle) -> Iterator[Emulator]:
    with Emulator(staging) as emulator:
        yield emulator


@pytest.fixture
def session(running: Emulator) -> Iterator[Session]:
    http_answer(running.http, "/_emulator/reset", method="POST")
    with opened(running) as session:
        yield session


def opened(emulator: Emulator, project: str = "") -> Session:
    return open_session(project, AccessOptions(), {"GCPDIAG_EMULATOR_HOST": emulator.http})


def taken(session: Session, emulator: Emulator, step: Step) -> JsonObject:
    """Send a step, and return the service when it is done."""
    body: JsonObject = {"service": step.service, "seconds": 0}
    http_answer(emulator.http, "/_emulator/rollout", method="POST", body=body)
    now = session.writer.get_service(step.target)
    session.writer.update_service(step.request(now), step.update_mask, validate_only=False, timeout=20)
    return session.writer.get_service(step.target)


def lasting(service: JsonObject) -> JsonObject:
    return {key: one for key, one in copy.deepcopy(service).items() if key not in TRANSIENT}


ACTIONS: dict[str, Callable[[JsonObject, list[JsonObject]], Step]] = {
    "restart": lambda service, there: plan_restart(service, there, now=NOON),
    "memory": lambda service, there: plan_scale(service, there, ScaleOptions(memory="8Gi")),
    "concurrency": lambda service, there: plan_scale(service, there, ScaleOptions(concurrency=40)),
    "fewer": lambda service, there: plan_scale(service, there, ScaleOptions(max_instances=10)),
    "more": lambda service, there: plan_scale(service, there, ScaleOptions(min_instances=2, max_instances=40)),
    "none kept": lambda service, there: plan_scale(service, there, ScaleOptions(min_instances=0)),
    "rollback": lambda service, there: plan_rollback(service, there, RollbackOptions(to=OLDER)),
    "egress": lambda service, there: plan_egress(service, there, "private-ranges-only"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_plan_and_its_inverse_leave_the_service_as_it_was(action: str, session: Session, running: Emulator) -> None:
    before = session.writer.get_service(NAME)
    step = ACTIONS[action](before, session.writer.list_revisions(NAME))
    assert validate(session.writer, step, before).text == "accepted"
    assert session.writer.get_service(NAME) == before

    after = taken(session, running, step)
    assert lasting(after) != lasting(before)
    back = taken(session, running, inverse_of(step, after))

    assert lasting(back) == lasting(before)


@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_read_after_a_step_is_what_the_plan_has_promised(
    action: str, session: Session, running: Emulator
) -> None:
    before = session.writer.get_service(NAME)
    step = ACTIONS[action](before, session.writer.list_revisions(NAME))

    after = taken(session, running, step)

    assert inverse_of(step, after).diff == inverse_of(step, step.after).diff


def test_traffic_that_a_rollback_has_pinned_is_unpinned(session: Session, running: Emulator) -> None:
    before = session.writer.get_service(NAME)
    there = session.writer.list_revisions(NAME)
    pinned = taken(session, running, plan_rollback(before, there, RollbackOptions(to=OLDER)))

    unpinned = taken(session, running, plan_unpin(pinned, there))

    assert unpinned["traffic"] == before["traffic"]


def test_the_servers_refusal_is_told_in_its_own_words(session: Session) -> None:
    before = session.writer.get_service(NAME)
    step = plan_scale(before, [], ScaleOptions(max_instances=10))

    verdict = validate(session.writer, step, {**before, "etag": '"old"'})

    assert verdict.is_refusal
    assert verdict.text.startswith("409 Conflict for resource 'backend-staging'")


def test_no_answer_is_no_refusal(staging: Bundle) -> None:
    step = plan_scale(_service(staging), [], ScaleOptions(max_instances=10))

    with Emulator(staging, faults=[parse_fault("run.services=503")]) as emulator, opened(emulator) as session:
        verdict = validate(session.writer, step, {**_service(staging), "etag": '"e"'})

    assert (verdict.is_refusal, verdict.text[:3]) == (False, "503")


def _service(told: Bundle) -> JsonObject:
    with Emulator(told) as emulator, opened(emulator) as session:
        return session.writer.get_service(NAME)


def test_requests_are_counted_for_each_revision() -> None:
    fixture = load_bundle(FIXTURES / "regression")
    orders = "projects/saffron-meals/locations/asia-northeast3/services/orders"

    with Emulator(fixture) as emulator, opened(emulator) as session:
        counts = count_requests(session.reader, orders, now=fixture.window.end)
        step = plan_rollback(
            session.writer.get_service(orders), session.writer.list_revisions(orders), RollbackOptions(served=counts)
        )

    assert counts == {
        "orders-00203-fnl": Served(requests=139, errors=0),
        "orders-00204-jqp": Served(requests=140, errors=46),
    }
    assert [text_at(one, "revision") for one in _objects(step.after["traffic"])] == ["orders-00203-fnl"]


def _objects(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def test_requests_that_nobody_can_count_are_unknown(staging: Bundle) -> None:
    faults = [parse_fault("monitoring.time_series=denied")]

    with Emulator(staging, faults=faults) as emulator, opened(emulator) as session:
        assert count_requests(session.reader, NAME, now=staging.window.end) is None


def test_a_short_name_is_found_where_there_is_one(session: Session) -> None:
    assert find_target(session, "backend-staging") == NAME
    assert find_target(session, "backend-staging", ["us-central1"]) == NAME
    assert find_target(session, NAME) == NAME
    assert (session.project, bool(session.author), bool(session.host)) == ("demo-staging", True, True)


def test_a_name_that_is_not_there_gives_the_nearest(session: Session) -> None:
    with pytest.raises(UsageError, match=r"no service backend-stagin.*Did you mean backend-staging"):
        find_target(session, "backend-stagin")
    with pytest.raises(UsageError, match=r"no service xyz in us-central1.*There are"):
        find_target(session, "xyz", ["us-central1"])


def test_a_full_name_that_is_not_there_gives_the_nearest_too(session: Session) -> None:
    with pytest.raises(UsageError, match=r"no service backend-stagin in us-central1.*Did you mean backend-staging"):
        find_target(session, NAME.removesuffix("g"))


def test_a_service_of_another_project_is_not_meant(session: Session) -> None:
    with pytest.raises(UsageError, match="--project other"):
        find_target(session, NAME.replace("demo-staging", "other"))


@pytest.mark.parametrize("odd", ["", "a/b", "projects/p/services/s"])
def test_what_is_no_name_is_refused(odd: str, session: Session) -> None:
    with pytest.raises(UsageError, match="is not a service"):
        find_target(session, odd)


def test_of_several_of_one_name_the_region_tells_which() -> None:
    named = [_located(region) for region in ("us-central1", "europe-west1")]

    told = bundle({SERVICES: named}, regions=["us-central1", "europe-west1"])

    with Emulator(told) as emulator, opened(emulator) as session:
        with pytest.raises(UsageError, match="2 services named api, in europe-west1, us-central1"):
            find_target(session, "api")
        assert find_target(session, "api", ["europe-west1"]) == named[1]["name"]
        assert find_target(replace(session, region="us-central1"), "api") == named[0]["name"]


def _located(region: str) -> JsonObject:
    return {
        "name": f"projects/{PROJECT}/locations/{region}/services/api",
        "template": {"containers": [{"image": "gcr.io/demo/api"}]},
    }


def test_a_project_without_services_says_so() -> None:
    nothing = bundle({SERVICES: []})

    with (
        Emulator(nothing) as emulator,
        opened(emulator) as session,
        pytest.raises(UsageError, match="no services at all"),
    ):
        find_target(session, "api")


def test_who_may_not_look_is_told_what_is_missing(staging: Bundle) -> None:
    with (
        Emulator(staging, faults=[parse_fault("run.services=denied")]) as emulator,
        opened(emulator) as session,
        pytest.raises(UnreachableError, match="gcpdiag doctor"),
    ):
        find_target(session, "backend-staging")


def test_looking_for_a_service_only_reads(running: Emulator, session: Session) -> None:
    seen = len(running.requests)

    find_target(session, "backend-staging")
    count_requests(session.reader, NAME, now=NOON)

    assert not [one for one in running.requests[seen:] if one.mutates]
