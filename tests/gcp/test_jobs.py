"""The one door through which jobs are made: over Google's own client and the real wire."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from google.cloud.run_v2 import ListJobsRequest, UpdateJobRequest
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from gcpdiag.emulator.serve import Emulator
from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator as Place
from gcpdiag.gcp.failure import CallError, MutationRefusedError
from gcpdiag.gcp.jobs import JobWriter
from gcpdiag.model.json import JsonObject, text_at
from tests.emulator.asking import http_answer
from tests.making import PARENT, bundle

NAME = f"{PARENT}/jobs/gcpdiag-probe-1a2b"
JOB: JsonObject = {"template": {"template": {"containers": [{"image": "gcpdiag", "args": ["--version"]}]}}}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(bundle({})) as running:
        yield running


@pytest.fixture
def jobs(emulator: Emulator) -> Iterator[JobWriter]:
    place = Place(http=emulator.http, grpc=emulator.grpc, project=emulator.state.project)
    with JobWriter(anonymous_access(), place, sleep=lambda _: None) as opened:
        yield opened


def test_a_job_is_made_run_and_deleted(emulator: Emulator, jobs: JobWriter) -> None:
    made = jobs.wait_operation(jobs.create_job(NAME, JOB), within=10)
    execution = text_at(jobs.run_job(NAME), "metadata.name")
    while not text_at(now := jobs.get_execution(execution), "completionTime"):
        time.sleep(0.02)
    jobs.delete_job(NAME)

    assert text_at(made, "response.name") == NAME
    assert execution.startswith(f"{NAME}/executions/gcpdiag-probe-1a2b-")
    assert now["succeededCount"] == 1
    assert [one.mutates for one in emulator.requests if one.method in ("POST", "DELETE")] == [True] * 3
    with pytest.raises(CallError) as caught:
        jobs.get_execution(execution)
    assert caught.value.failure.kind == "not-found"


def test_a_check_makes_nothing(emulator: Emulator, jobs: JobWriter) -> None:
    jobs.create_job(NAME, JOB, validate_only=True)

    assert http_answer(emulator.http, f"/v2/{PARENT}/jobs")[1] == {"jobs": []}


@pytest.mark.parametrize("name", [f"{PARENT}/jobs/nightly-billing", f"{PARENT}/services/gcpdiag-probe-1", "x"])
def test_what_is_not_ours_is_refused_before_anything_is_sent(emulator: Emulator, jobs: JobWriter, name: str) -> None:
    for call in (jobs.run_job, jobs.delete_job, lambda name: jobs.create_job(name, JOB)):
        with pytest.raises(ValueError, match="not a job of gcpdiag's"):
            call(name)

    assert emulator.requests == ()


def test_no_other_method_passes_the_door(emulator: Emulator, jobs: JobWriter) -> None:
    transport = JobsGrpcTransport(channel=jobs._channel)  # noqa: SLF001 - what somebody could do with it
    with pytest.raises(MutationRefusedError):
        transport.update_job(UpdateJobRequest())
    with pytest.raises(MutationRefusedError):
        transport.list_jobs(ListJobsRequest())

    assert emulator.requests == ()


def test_a_missing_permission_is_named(emulator: Emulator, jobs: JobWriter) -> None:
    http_answer(emulator.http, "/_emulator/deny", method="POST", body={"permissions": ["run.jobs.create"]})
    with pytest.raises(CallError) as caught:
        jobs.create_job(NAME, JOB)

    assert (caught.value.failure.kind, caught.value.failure.permission) == ("denied", "run.jobs.create")


def test_a_job_that_is_none_of_the_protocols_is_not_sent(emulator: Emulator, jobs: JobWriter) -> None:
    with pytest.raises(CallError) as caught:
        jobs.create_job(NAME, {"template": {"tasks": 1}})

    assert caught.value.failure.kind == "malformed"
    assert emulator.requests == ()
