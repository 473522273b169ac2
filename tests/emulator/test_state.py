"""The emulated project: what is loaded, what a reset brings back, and moving it to now."""

from __future__ import annotations

from datetime import timedelta

from gcpdiag.emulator.state import State
from gcpdiag.model.json import JsonObject, object_at, text_at
from tests.emulator.asking import NOON
from tests.making import (
    CONNECTORS,
    DATABASES,
    END,
    ENTRIES,
    PROJECT,
    SERIES,
    SERVICES,
    bundle,
    entry,
    moment,
    series,
    service,
)

KNATIVE: JsonObject = {
    "apiVersion": "serving.knative.dev/v1",
    "metadata": {"name": "api", "labels": {"cloud.googleapis.com/location": "us-central1"}},
}


def state_of(files: dict[str, bytes | list[JsonObject]], *, now: bool = False) -> State:
    return State(bundle(files), clock=lambda: NOON, now=now)


def test_an_absent_file_is_none_and_an_empty_one_an_empty_list() -> None:
    state = state_of({CONNECTORS: []})

    assert state.resources("vpcaccess.connectors") == []
    assert state.resources("redis.instances") is None
    assert state.listed("redis.instances") == []


def test_entries_and_series_are_raw() -> None:
    told = entry("hello", insertId="a", unknownField={"kept": True})
    count = series("run.googleapis.com/x", {1: 2.5})

    state = state_of({ENTRIES: [told], SERIES: [count]})

    assert state.entries() == [told]
    assert state.series() == [count]


def test_knative_services_are_loaded_in_the_shape_of_v2() -> None:
    found = state_of({SERVICES: [KNATIVE]}).resources("run.services")

    assert found is not None
    assert found[0]["name"] == f"projects/{PROJECT}/locations/us-central1/services/api"


def test_a_reset_brings_back_what_was_changed_added_and_removed() -> None:
    state = state_of({SERVICES: [service("api"), service("web")], ENTRIES: [entry("one")]})
    live = state.resources("run.services")
    assert live is not None
    live[0]["uri"] = "changed"
    object_at(live[1], "template")["timeout"] = "1s"
    live.pop()
    state.entries().append(entry("two"))
    state.operations["projects/p/operations/1"] = {"done": True}

    state.reset()

    assert state.resources("run.services") == [service("api"), service("web")]
    assert state.entries() == [entry("one")]
    assert not state.operations


def test_now_moves_every_time_so_that_the_window_ends_now() -> None:
    started = {**service(), "createTime": "2025-09-15T19:30:00.123456789Z"}
    state = state_of({SERVICES: [started], ENTRIES: [entry("x", minute=59)]}, now=True)

    assert state.window.end == NOON
    assert state.entries()[0]["timestamp"] == "2030-01-01T11:59:00Z"
    assert text_at(state.listed("run.services")[0], "createTime") == "2030-01-01T11:05:00.123456789Z"


def test_without_now_times_stay() -> None:
    state = state_of({ENTRIES: [entry("x", minute=59)]})

    assert (state.window.end, state.window.length) == (END, timedelta(hours=1))
    assert state.entries()[0]["timestamp"] == moment(59)


def test_regions_come_from_the_manifest_or_else_from_the_resources() -> None:
    assert state_of({}).regions == ("us-central1",)
    told = bundle({SERVICES: [service()], DATABASES: [{"name": "db", "region": "europe-west1"}]}, regions=[])
    assert State(told, clock=lambda: NOON).regions == ("us-central1",)


def test_the_project_number_is_the_one_that_the_bundle_tells() -> None:
    account = "p411205768213-1up57x@gcp-sa-cloud-sql.iam.gserviceaccount.com"

    assert (
        state_of({DATABASES: [{"name": "db", "serviceAccountEmailAddress": account}]}).project_number == "411205768213"
    )


def test_a_project_without_a_known_number_has_the_same_one_every_time() -> None:
    number = state_of({}).project_number

    assert (len(number), number) == (12, state_of({ENTRIES: []}).project_number)


def test_a_broken_line_is_left_out() -> None:
    state = state_of({ENTRIES: b'{"textPayload": "a"}\n{broken\n[1]\n{"textPayload": "b"}\n'})

    assert [one["textPayload"] for one in state.entries()] == ["a", "b"]


def test_entries_may_be_appended_where_the_bundle_has_none() -> None:
    state = state_of({})

    state.entries().append(entry("first"))

    assert state.entries() == [entry("first")]
