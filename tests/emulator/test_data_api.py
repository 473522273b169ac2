"""Cloud SQL and Redis instances."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.backend import Backend
from gcpdiag.model.json import JsonObject, objects_at, text_at
from tests.emulator.asking import backend_of, get, refusal
from tests.making import DATABASES, PARENT, PROJECT, REDIS

SQL: JsonObject = {"kind": "sql#instance", "name": "db", "state": "RUNNABLE"}
CACHE: JsonObject = {"name": f"{PARENT}/instances/cache", "state": "READY"}


def backend() -> Backend:
    return backend_of({DATABASES: [SQL, {**SQL, "name": "other"}], REDIS: [CACHE]})


@pytest.mark.parametrize("version", ["/v1", "/sql/v1beta4", "/sql/v1"])
def test_databases_are_served_as_the_client_libraries_and_as_gcloud_ask(version: str) -> None:
    base = f"{version}/projects/{PROJECT}"

    assert [text_at(one, "name") for one in objects_at(get(backend(), f"{base}/instances"), "items")] == ["db", "other"]
    assert get(backend(), f"{base}/instances/db") == SQL
    assert get(backend(), f"{base}/operations", instance="db") == {"kind": "sql#operationsList"}


def test_databases_come_in_pages() -> None:
    path = f"/v1/projects/{PROJECT}/instances"
    first = get(backend(), path, maxResults="1")

    second = get(backend(), path, maxResults="1", pageToken=text_at(first, "nextPageToken"))

    assert [text_at(one, "name") for one in objects_at(second, "items")] == ["other"]
    assert "nextPageToken" not in second


def test_databases_are_filtered() -> None:
    answer = get(backend(), f"/v1/projects/{PROJECT}/instances", filter="name:other")

    assert [text_at(one, "name") for one in objects_at(answer, "items")] == ["other"]


@pytest.mark.parametrize("path", ["instances/none", "operations/none"])
def test_what_does_not_exist_is_not_found(path: str) -> None:
    assert refusal(backend(), f"/v1/projects/{PROJECT}/{path}").code == 404


@pytest.mark.parametrize("region, count", [("us-central1", 1), ("-", 1), ("us-east1", 0)])
def test_redis_instances_are_listed_by_region(region: str, count: int) -> None:
    answer = get(backend(), f"/v1/projects/{PROJECT}/locations/{region}/instances")

    assert len(objects_at(answer, "instances")) == count


def test_one_redis_instance_is_found_by_its_name() -> None:
    assert get(backend(), f"/v1/{PARENT}/instances/cache") == CACHE
    assert refusal(backend(), f"/v1/{PARENT}/instances/none").code == 404
