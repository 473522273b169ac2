"""The only door through which gcpdiag starts anything: one short Cloud Run job, made, run once, and deleted.

It may be imported by ``remediate`` alone. Jobs that gcpdiag did not make are out of its reach: their names begin
otherwise, and such a name is refused before anything is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.failure import CallError, Failure
from gcpdiag.gcp.message import document_of
from gcpdiag.gcp.rpc import channel_that_allows, failures_told
from gcpdiag.model.json import JsonObject
from gcpdiag.model.resource import last_segment

if TYPE_CHECKING:
    from google.cloud.run_v2 import ExecutionsClient, JobsClient

PREFIX = "gcpdiag-probe-"
"""What the names of our jobs begin with."""

_HOST = "run.googleapis.com"
_METHODS = frozenset({"CreateJob", "RunJob", "DeleteJob", "GetExecution", "GetOperation"})
_WITHIN = 30.0  # seconds
_PAUSE = 1.0  # seconds between two questions about an operation
_NO_RETRY = None


class JobWriter:
    """Makes, runs and deletes our own Cloud Run jobs; every call has a time limit, none is repeated.

    All raise CallError. After a failure of kind ``timeout`` or ``unavailable`` nobody knows whether the server acted.
    """

    def __init__(
        self,
        access: Access,
        emulator: Emulator | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from google.cloud.run_v2 import ExecutionsClient, JobsClient
        from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
        from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

        self._monotonic = monotonic
        self._sleep = sleep
        create = JobsGrpcTransport.create_channel
        self._channel = channel_that_allows(_METHODS.__contains__, create, _HOST, access, emulator)
        self._jobs: JobsClient = JobsClient(transport=JobsGrpcTransport(channel=self._channel))
        self._executions: ExecutionsClient = ExecutionsClient(transport=ExecutionsGrpcTransport(channel=self._channel))

    def close(self) -> None:
        """Let the connection go."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_job(
        self, name: str, job: JsonObject, *, validate_only: bool = False, timeout: float = _WITHIN
    ) -> JsonObject:
        """Ask for a job of a full name and return the operation; with ``validate_only`` it is only checked."""
        _require_ours(name)
        with failures_told():
            from google.cloud.run_v2 import CreateJobRequest, Job
            from google.protobuf.json_format import ParseDict, ParseError

            try:
                wanted = Job.wrap(ParseDict({**job, "name": ""}, Job.pb()()))
            except ParseError as error:
                told = " ".join(str(error).split())[:200]
                raise CallError(Failure(kind="malformed", text=told)) from error
            parent, _, job_id = name.partition("/jobs/")
            request = CreateJobRequest(parent=parent, job_id=job_id, job=wanted, validate_only=validate_only)
            operation = self._jobs.create_job(request=request, timeout=timeout, retry=_NO_RETRY)
            return document_of(operation.operation)

    def run_job(self, name: str, *, timeout: float = _WITHIN) -> JsonObject:
        """Start a job and return the operation, whose ``metadata`` is the execution."""
        _require_ours(name)
        with failures_told():
            operation = self._jobs.run_job(request={"name": name}, timeout=timeout, retry=_NO_RETRY)
            return document_of(operation.operation)

    def get_execution(self, name: str, *, timeout: float = _WITHIN) -> JsonObject:
        """Return an execution by its full name as it stands now."""
        with failures_told():
            execution = self._executions.get_execution(name=name, timeout=timeout, retry=_NO_RETRY)
        return document_of(type(execution).pb(execution))

    def delete_job(self, name: str, *, timeout: float = _WITHIN) -> JsonObject:
        """Delete a job, with its executions, and return the operation."""
        _require_ours(name)
        with failures_told():
            operation = self._jobs.delete_job(request={"name": name}, timeout=timeout, retry=_NO_RETRY)
            return document_of(operation.operation)

    def wait_operation(self, operation: JsonObject, *, within: float) -> JsonObject:
        """Return an operation when it is done, or as it stands when the time is over."""
        deadline = self._monotonic() + within
        while not operation.get("done") and self._monotonic() < deadline:
            self._sleep(min(_PAUSE, max(0.0, deadline - self._monotonic())))
            with failures_told():
                told = self._jobs.get_operation({"name": operation["name"]}, timeout=_WITHIN, retry=_NO_RETRY)
            operation = document_of(told)
        return operation


def _require_ours(name: str) -> None:
    """Raise ValueError for the name of a job that cannot be one of ours."""
    if "/jobs/" not in name or not last_segment(name).startswith(PREFIX):
        raise ValueError(f"{name} is not a job of gcpdiag's")
