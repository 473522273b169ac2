"""Jobs of the emulator: the container's command is a process of this machine, and its lines are log entries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from gcpdiag.emulator.serve import Emulator
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from tests.emulator.asking import http_answer
from tests.making import PARENT, PROJECT, bundle

JOBS = f"/v2/{PARENT}/jobs"
TARGETS = json.dumps([{"kind": "tcp", "address": "127.0.0.1:1"}])


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(bundle({}), now=True) as running:
        yield running


def ask(emulator: Emulator, path: str, method: str = "GET", body: JsonObject | None = None) -> tuple[int, JsonObject]:
    return http_answer(emulator.http, path, method=method, body=body, host="run.googleapis.com")


def job(*arguments: str, env: dict[str, Json] | None = None, **task: Json) -> JsonObject:
    variables: list[Json] = [{"name": name, **_told(value)} for name, value in (env or {}).items()]
    container: JsonObject = {"image": "any", "args": [*arguments], "env": variables}
    return {"template": {"template": {"containers": [container], **task}}}


def _told(value: Json) -> JsonObject:
    return {"valueSource": value} if isinstance(value, dict) else {"value": value}


def started(emulator: Emulator, body: JsonObject) -> str:
    """Make and run a job; return its execution's name."""
    assert ask(emulator, f"{JOBS}?jobId=one", "POST", body)[0] == 200
    return text_at(ask(emulator, f"{JOBS}/one:run", "POST", {})[1], "metadata.name")


def ended(emulator: Emulator, execution: str) -> JsonObject:
    while not text_at(now := ask(emulator, f"/v2/{execution}")[1], "completionTime"):
        time.sleep(0.02)
    return now


def entries(emulator: Emulator, execution: str) -> list[JsonObject]:
    label = f'labels."run.googleapis.com/execution_name"="{execution.rpartition("/")[2]}"'
    body: JsonObject = {
        "resourceNames": [f"projects/{PROJECT}"],
        "filter": f'resource.type="cloud_run_job" AND {label}',
    }
    answer = http_answer(emulator.http, "/v2/entries:list", method="POST", body=body, host="logging.googleapis.com")
    return objects_at(answer[1], "entries")


def test_a_line_of_json_is_a_structured_entry_of_the_execution(emulator: Emulator) -> None:
    execution = started(emulator, job("probe", env={"GCPDIAG_TARGETS": TARGETS}))
    end = ended(emulator, execution)

    found = entries(emulator, execution)
    assert end["succeededCount"] == 1
    assert [text_at(one, "jsonPayload.target") for one in found] == ["tcp://127.0.0.1:1"]
    assert found[0]["severity"] == "ERROR"
    assert "severity" not in object_at(found[0], "jsonPayload")
    assert object_at(found[0], "resource.labels") == {
        "job_name": "one",
        "location": "us-central1",
        "project_id": PROJECT,
    }
    assert found[0]["logName"] == f"projects/{PROJECT}/logs/run.googleapis.com%2Fstdout"


def test_other_lines_are_text_and_an_exit_code_fails_the_execution(emulator: Emulator) -> None:
    execution = started(emulator, job("probe"))
    end = ended(emulator, execution)

    assert end["failedCount"] == 1
    assert objects_at(end, "conditions")[0]["executionReason"] == "NON_ZERO_EXIT_CODE"
    assert "GCPDIAG_TARGETS is not set" in text_at(entries(emulator, execution)[0], "textPayload")


def test_a_secret_is_put_into_the_environment_and_a_missing_one_fails(emulator: Emulator) -> None:
    reference: Json = {"secretKeyRef": {"secret": "targets", "version": "latest"}}
    missing = ended(emulator, started(emulator, job("probe", env={"GCPDIAG_TARGETS": reference})))
    http_answer(emulator.http, "/_emulator/secrets", method="POST", body={"secret": "targets", "value": TARGETS})
    there = ended(emulator, text_at(ask(emulator, f"{JOBS}/one:run", "POST", {})[1], "metadata.name"))

    assert (missing.get("failedCount"), there.get("succeededCount")) == (1, 1)


def test_a_task_that_takes_too_long_is_ended(emulator: Emulator) -> None:
    end = ended(emulator, started(emulator, job("probe", env={"GCPDIAG_TARGETS": TARGETS}, timeout="0.01s")))

    assert end["failedCount"] == 1


def test_deleting_a_job_ends_what_runs_of_it(emulator: Emulator) -> None:
    execution = started(emulator, job("probe", env={"GCPDIAG_TARGETS": TARGETS}))
    code, _ = ask(emulator, f"{JOBS}/one", "DELETE")

    assert code == 200
    assert emulator.state.job_store.running == {}
    assert ask(emulator, f"/v2/{execution}")[0] == 404
    assert ask(emulator, f"{JOBS}/one")[0] == 404


def test_a_reset_and_a_stop_end_what_runs(emulator: Emulator) -> None:
    started(emulator, job("probe", env={"GCPDIAG_TARGETS": TARGETS}))
    http_answer(emulator.http, "/_emulator/reset", method="POST")

    assert ask(emulator, JOBS)[1] == {"jobs": []}
    started(emulator, job("probe", env={"GCPDIAG_TARGETS": TARGETS}))  # the fixture's end stops it


@pytest.mark.parametrize(
    "body, code",
    [
        ({}, 400),
        (job("probe"), 409),
        ({"template": {"template": {"containers": [{"image": "i", "command": ["sh"]}]}}}, 501),
    ],
)
def test_what_cannot_be_made_is_refused(emulator: Emulator, body: JsonObject, code: int) -> None:
    ask(emulator, f"{JOBS}?jobId=one", "POST", job("probe"))

    assert ask(emulator, f"{JOBS}?jobId=one", "POST", body)[0] == code


def test_executions_are_listed_newest_first(emulator: Emulator) -> None:
    first = started(emulator, job("--version"))
    second = text_at(ask(emulator, f"{JOBS}/one:run", "POST", {})[1], "metadata.name")

    listed = objects_at(ask(emulator, f"{JOBS}/one/executions")[1], "executions")
    assert [text_at(one, "name") for one in listed] == [second, first]
