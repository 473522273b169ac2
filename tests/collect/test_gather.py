from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from gcpdiag.collect.fetch import Patience
from gcpdiag.collect.gather import Progress, gather
from gcpdiag.collect.limiter import RateLimiter
from gcpdiag.collect.metrics import METRICS
from gcpdiag.collect.question import Question
from gcpdiag.gcp.read import Page
from gcpdiag.model.json import JsonObject
from tests.collect.making import FakeClock, failure, page, patience, question


def real_patience(seconds: float) -> Patience:
    limiter = RateLimiter(60, 60.0, monotonic=time.monotonic, sleep=time.sleep)
    return Patience(deadline=time.monotonic() + seconds, monotonic=time.monotonic, sleep=time.sleep, logging=limiter)


def test_answers_come_in_the_order_of_the_questions() -> None:
    asked = [question(page(name), source=name)[0] for name in ("b", "a", "c")]

    gathering = gather(asked, patience(FakeClock()))

    assert [one.question.source for one in gathering.answers] == ["b", "a", "c"]


def test_what_hangs_is_a_gap_and_the_rest_is_there() -> None:
    release = threading.Event()

    def hang(_token: str, _timeout: float) -> Page:
        release.wait()
        return page()

    hanging = Question(source="redis.instances", name="hanging", call=hang)
    gathering = gather([hanging, question(page("a"))[0]], real_patience(0.3))
    release.set()

    assert gathering.answers[0].failure is not None
    assert "deadline" in gathering.answers[0].failure.text
    assert gathering.answers[1].resources == [{"name": "a"}]


def test_what_depends_on_a_source_is_asked_after_it() -> None:
    first, _ = question(page("db"), source="sqladmin.instances")
    second, script = question(page("series"), source="monitoring.time_series", after="sqladmin.instances")

    gathering = gather([second, first], patience(FakeClock()))

    assert len(script.asked) == 1
    assert len(gathering.answers) == 2


def test_what_depends_on_nothing_that_exists_is_not_asked() -> None:
    first, _ = question(page(), source="sqladmin.instances")
    second, script = question(page("series"), source="monitoring.time_series", after="sqladmin.instances")

    gathering = gather([first, second], patience(FakeClock()))

    assert script.asked == []
    assert [one.failure for one in gathering.answers] == [None]


@pytest.mark.parametrize(
    "version, asked",
    [("POSTGRES_16", {"num_backends"}), ("MYSQL_8_4", {"connections"}), ("", {"num_backends", "connections"})],
)
def test_a_metric_of_one_engine_is_read_where_such_a_database_is(version: str, asked: set[str]) -> None:
    database: JsonObject = {"name": "orders", "databaseVersion": version}
    metrics = [one for one in METRICS if one.type.endswith(("/num_backends", "/network/connections"))]
    assert {one.type.rsplit("/", 1)[-1] for one in metrics if one.fits(database)} == asked


@pytest.mark.parametrize("name, times", [("a", 1), ("b", 0)])
def test_what_only_some_resources_have_is_asked_where_one_of_them_is(name: str, times: int) -> None:
    first, _ = question(page(name), source="sqladmin.instances")
    second, script = question(page("series"), source="monitoring.time_series", after="sqladmin.instances")
    only_of_a = replace(second, only=lambda resource: resource["name"] == "a")

    gather([first, only_of_a], patience(FakeClock()))

    assert len(script.asked) == times


def test_what_depends_on_a_source_that_nobody_could_see_is_asked_all_the_same() -> None:
    first, _ = question(failure("denied"), source="sqladmin.instances")
    second, script = question(page("series"), source="monitoring.time_series", after="sqladmin.instances")

    gather([first, second], patience(FakeClock()))

    assert len(script.asked) == 1


def test_a_source_that_is_never_asked_leaves_nothing_waiting() -> None:
    orphan, _ = question(page("series"), source="monitoring.time_series", after="vpcaccess.connectors")

    assert gather([orphan], patience(FakeClock())).answers == []


def test_an_unexpected_error_in_a_thread_becomes_a_gap() -> None:
    def broken(_token: str, _timeout: float) -> Page:
        raise LookupError("surprise")

    gathering = gather([Question(source="run.services", name="broken", call=broken)], patience(FakeClock()))

    assert gathering.answers[0].failure is not None
    assert "LookupError: surprise" in gathering.answers[0].failure.text


def test_an_interruption_ends_the_wait_with_what_is_known() -> None:
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.answered == 1:
            raise KeyboardInterrupt

    release = threading.Event()

    def hang(_token: str, _timeout: float) -> Page:
        release.wait()
        return page()

    hanging = Question(source="redis.instances", name="hanging", call=hang)
    gathering = gather([question(page("a"))[0], hanging], real_patience(30), on_progress=interrupt)
    release.set()

    assert gathering.interrupted
    assert [one.failure is None for one in gathering.answers] == [True, False]
    assert gathering.answers[1].failure is not None
    assert gathering.answers[1].failure.text == "interrupted"
