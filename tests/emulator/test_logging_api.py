"""Cloud Logging: filters, order, pages, and refusals of what the API refuses."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.logging_api import order_of
from gcpdiag.emulator.rest import ApiError
from gcpdiag.model.json import Json, JsonObject, objects_at, text_at, texts_at
from tests.emulator.asking import backend_of, get, post
from tests.making import ENTRIES, PROJECT, entry

PARENT = f"projects/{PROJECT}"


def listed(backend: Backend, **body: Json) -> JsonObject:
    return post(backend, "/v2/entries:list", {"resourceNames": [PARENT], **body})


def texts(answer: JsonObject) -> list[str]:
    return [text_at(one, "textPayload") for one in objects_at(answer, "entries")]


def every_page(backend: Backend, **body: Json) -> list[list[str]]:
    answer = listed(backend, **body)
    pages = [texts(answer)]
    while token := text_at(answer, "nextPageToken"):
        assert len(pages) < 100
        answer = listed(backend, **body, pageToken=token)
        pages.append(texts(answer))
    return pages


THREE = [entry("b", minute=2), entry("a", minute=1, severity="ERROR"), entry("c", minute=3)]


def test_the_oldest_entry_comes_first_unless_asked_otherwise() -> None:
    backend = backend_of({ENTRIES: THREE})

    assert texts(listed(backend)) == ["a", "b", "c"]
    assert texts(listed(backend, orderBy="timestamp asc")) == ["a", "b", "c"]
    assert texts(listed(backend, orderBy="timestamp desc")) == ["c", "b", "a"]


def test_entries_of_one_time_are_ordered_by_their_insert_id() -> None:
    backend = backend_of({ENTRIES: [entry("y", insertId="2"), entry("x", insertId="1")]})

    assert texts(listed(backend)) == ["x", "y"]


def test_fractions_of_seconds_and_zones_count_in_the_order() -> None:
    times = ["2025-01-01T00:00:00Z", "2025-01-01T00:00:00.05Z", "2025-01-01T00:00:00.5Z", "2025-01-01T02:00:01+02:00"]

    assert sorted(times, key=lambda time: order_of({"timestamp": time})) == times


def test_entries_come_as_they_were_recorded() -> None:
    told = entry({"message": "x", "n": 1.5}, insertId="i", unknownField=[1])

    assert objects_at(listed(backend_of({ENTRIES: [told]})), "entries") == [told]


def test_a_filter_selects() -> None:
    assert texts(listed(backend_of({ENTRIES: THREE}), filter="severity>=ERROR")) == ["a"]


def test_pages_are_whole_and_end() -> None:
    backend = backend_of({ENTRIES: THREE})

    assert every_page(backend, pageSize=2) == [["a", "b"], ["c"]]
    assert every_page(backend, pageSize=3) == [["a", "b", "c"]]
    assert every_page(backend, pageSize=1, filter='textPayload="a"') == [["a"]]


@given(st.lists(st.integers(min_value=0, max_value=5), max_size=30), st.integers(min_value=1, max_value=7))
def test_the_pages_of_a_filter_are_what_it_selects(minutes: list[int], size: int) -> None:
    told = [entry(str(number), minute=minute, insertId=f"{number:03}") for number, minute in enumerate(minutes)]
    backend = backend_of({ENTRIES: told})
    wanted = f'timestamp>="{told[0]["timestamp"]}"' if told else "severity>=DEFAULT"

    pages = every_page(backend, pageSize=size, filter=wanted, orderBy="timestamp desc")

    assert list(chain.from_iterable(pages)) == texts(
        listed(backend, filter=wanted, orderBy="timestamp desc", pageSize=1000)
    )
    assert all(len(page) == size for page in pages[:-1])


def test_fifty_entries_are_a_page_by_default() -> None:
    backend = backend_of({ENTRIES: [entry(str(number), minute=number / 60) for number in range(60)]})

    assert [len(page) for page in every_page(backend)] == [50, 10]


def test_what_is_appended_between_two_pages_is_on_none_of_them() -> None:
    backend = backend_of({ENTRIES: THREE})
    token = text_at(listed(backend, pageSize=2, orderBy="timestamp desc"), "nextPageToken")

    backend.state.entries().append(entry("new", minute=9))

    assert texts(listed(backend, pageSize=2, orderBy="timestamp desc", pageToken=token)) == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        {"filter": "severity>="},
        {"filter": "nonsense((("},
        {"orderBy": "severity"},
        {"orderBy": "timestamp up"},
        {"pageSize": 1001},
        {"pageSize": -1},
        {"pageToken": "made-up"},
        {"resourceNames": []},
    ],
)
def test_what_cannot_be_done_is_an_invalid_argument(body: JsonObject) -> None:
    with pytest.raises(ApiError) as refused:
        listed(backend_of({ENTRIES: THREE}), **body)
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("name", ["projects/other", "organizations/1"])
def test_another_project_is_refused(name: str) -> None:
    with pytest.raises(ApiError) as refused:
        listed(backend_of({ENTRIES: THREE}), resourceNames=[PARENT, name])
    assert refused.value.status == "PERMISSION_DENIED"


def test_the_views_of_the_project_are_its_own() -> None:
    view = f"{PARENT}/locations/global/buckets/_Default/views/_AllLogs"

    assert texts(listed(backend_of({ENTRIES: THREE}), resourceNames=[view])) == ["a", "b", "c"]


def test_no_entry_at_all_is_an_empty_answer() -> None:
    assert listed(backend_of({})) == {}


def test_the_logs_are_the_names_that_entries_have() -> None:
    answer = get(backend_of({ENTRIES: [*THREE, entry("z", log="run.googleapis.com%2Frequests")]}), f"/v2/{PARENT}/logs")

    assert texts_at(answer, "logNames") == [
        f"{PARENT}/logs/run.googleapis.com%2Frequests",
        f"{PARENT}/logs/run.googleapis.com%2Fstderr",
    ]


def test_entries_without_a_time_come_first() -> None:
    timeless = {key: value for key, value in entry("no time").items() if key != "timestamp"}
    odd = {**entry("odd time"), "timestamp": "yesterday"}

    assert set(texts(listed(backend_of({ENTRIES: [*THREE, timeless, odd]})))[:2]) == {"no time", "odd time"}
