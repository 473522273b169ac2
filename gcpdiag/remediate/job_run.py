"""Carrying out a probe from inside: the job is made, run once, its results are read, and it is deleted, come what may.

The journal has a line before the job is made and one when it is gone, so that one that was left can be found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gcpdiag.gcp.failure import CallError, FailureKind
from gcpdiag.gcp.jobs import JobWriter
from gcpdiag.gcp.read import PageCall
from gcpdiag.model.json import JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment, location_of
from gcpdiag.remediate.job_plan import JobPlan, Jobs
from gcpdiag.remediate.journal import Journal, JournalError
from gcpdiag.remediate.refusal import RefusedError
from gcpdiag.remediate.rollout import Clock
from gcpdiag.remediate.session import Session
from gcpdiag.verify.job_results import results_in
from gcpdiag.verify.runner import Probed, Unprobed

EXECUTION_LABEL = "run.googleapis.com/execution_name"
"""The label that Cloud Run puts on every log entry of an execution."""

_READY_WITHIN = 120.0  # seconds for the job to be made
_ENDED_WITHIN = 300.0  # seconds for its execution, on top of the task's own limit that is in the plan
_TOLD_WITHIN = 60.0  # seconds for log entries to appear; Logging documents no bound
_TOLD_OF_FAILURE_WITHIN = 8.0  # what a job that failed had told before
_GONE_WITHIN = 20.0
_LOOK_EVERY = 2.0
_READ_EVERY = 4.0  # Logging takes 60 reads a minute
_PAGE_WITHIN = 15.0
_REFUSALS: frozenset[FailureKind] = frozenset(
    {"denied", "disabled", "not-found", "not-offered", "rejected", "conflict", "quota", "malformed"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobShop:
    """What a probe from inside takes: the door to jobs, questions to the log, journal, clock, and who listens."""

    jobs: Jobs
    entries: Callable[[str, str], PageCall]
    journal: Journal
    clock: Clock
    on_progress: Callable[[str], None] = lambda _: None


class _FailedError(Exception):
    """The job did not come to its end; the text says how far it came."""


@dataclass(slots=True)
class _Course:
    """What is known of a job by now."""

    is_made: bool = False
    problem: str = ""
    found: dict[int, Probed] = field(default_factory=dict)


def open_jobs(session: Session) -> JobWriter:
    """Return the door to jobs, for who has the session; a context manager that closes it."""
    return JobWriter(session.access, session.emulator)


def run_probe_job(made: JobPlan, shop: JobShop, *, run: str) -> list[Probed]:
    """Return what the job saw of each target, in their order; what it told nothing of is unprobed, with the reason.

    RefusedError: Cloud Run did not make the job. JournalError: nothing was made. Whatever else happens, be it an
    interruption, the job is deleted; that it could not be is said to ``on_progress``, with the command that does it.
    """
    shop.journal.append("job-intent", run, _intent(made), at=shop.clock.now())
    course = _Course()
    try:
        _carry_out(made, shop, course)
    except _FailedError as error:
        course.problem = str(error)
    except CallError as error:
        course.problem = f"the job could not be followed: {error.failure.text}"
    finally:
        if course.is_made:
            delete_job(made.name, shop, run=run)
        else:
            _note(shop, run, {"result": "not-made", "job": made.name})
    return _in_order(made, course)


def delete_job(name: str, shop: JobShop, *, run: str) -> bool:
    """Delete a job and tell whether it is gone; where it is not, that is said with the command that does it."""
    shop.on_progress("deleting the job")
    try:
        operation = shop.jobs.wait_operation(shop.jobs.delete_job(name), within=_GONE_WITHIN)
        problem = text_at(operation, "error.message")
    except CallError as error:
        problem = "" if error.failure.kind == "not-found" else error.failure.text
    except KeyboardInterrupt:
        problem = "interrupted once more"
    _note(shop, run, {"result": "left" if problem else "deleted", "job": name, "message": problem})
    if problem:
        shop.on_progress(f"the job could not be deleted ({problem}); do it with: {_by_hand(name)}")
    return not problem


def jobs_left(records: Iterable[JsonObject]) -> dict[str, str]:
    """Return the jobs that were made from here and not seen deleted, by run; not those whose process still runs."""
    found: dict[str, str] = {}
    for record in records:
        run, event = text_at(record, "run"), text_at(record, "event")
        if event == "job-intent" and not _is_running(int(number_at(record, "pid") or 0)):
            found[run] = text_at(record, "job")
        elif event == "job-finished" and text_at(record, "result") != "left":
            found.pop(run, None)
    return found


def _carry_out(made: JobPlan, shop: JobShop, course: _Course) -> None:
    shop.on_progress(f"making the job {last_segment(made.name)}")
    _make(made, shop, course)
    shop.on_progress("running it")
    execution = _run(made, shop)
    ended = _await_end(execution, made, shop)
    shop.on_progress("reading its results")
    reason = _reason(ended)
    _read(execution, made, shop, course, within=_TOLD_OF_FAILURE_WITHIN if reason else _TOLD_WITHIN)
    if len(course.found) < len(made.packed):
        course.problem = reason or "its results did not appear in the log in time"


def _make(made: JobPlan, shop: JobShop, course: _Course) -> None:
    """Make the job; from when it is asked for it may be there, unless the server says no."""
    course.is_made = True
    try:
        asked = shop.jobs.create_job(made.name, made.job)
    except CallError as error:
        if error.failure.kind in _REFUSALS:
            course.is_made = False
            needs = f"It takes {error.failure.permission}" if error.failure.permission else "See docs/verify.md"
            raise RefusedError(
                "Cloud Run does not make the job, and nothing was changed", cause=error.failure.text, hint=needs
            ) from error
        raise
    operation = shop.jobs.wait_operation(asked, within=_READY_WITHIN)
    if not operation.get("done"):
        raise _FailedError(f"the job was not ready within {_READY_WITHIN:g} s")
    if told := text_at(operation, "error.message"):
        raise _FailedError(f"the job did not become ready: {told}")


def _run(made: JobPlan, shop: JobShop) -> str:
    """Start the job and return the full name of its execution."""
    operation = shop.jobs.run_job(made.name)
    name = text_at(operation, "metadata.name") or text_at(operation, "response.name")
    if not name:
        raise _FailedError(f"it could not be started: {text_at(operation, 'error.message') or 'no execution is named'}")
    return name


def _await_end(execution: str, made: JobPlan, shop: JobShop) -> JsonObject:
    """Return the execution when it has ended, or raise _FailedError when that takes too long."""
    limit = text_at(made.job, "template.template.timeout").removesuffix("s")
    deadline = shop.clock.monotonic() + _ENDED_WITHIN + float(limit or 0)
    while shop.clock.monotonic() < deadline:
        with _patience():
            now = shop.jobs.get_execution(execution)
            if text_at(now, "completionTime"):
                return now
        shop.clock.sleep(_LOOK_EVERY)
    raise _FailedError("the job did not end in time")


def _read(execution: str, made: JobPlan, shop: JobShop, course: _Course, *, within: float) -> None:
    """Read the results, again while some are missing and may still appear."""
    wanted = (
        f'resource.type="cloud_run_job" AND resource.labels.job_name="{last_segment(made.name)}" AND '
        f'labels."{EXECUTION_LABEL}"="{last_segment(execution)}" AND jsonPayload.schema="gcpdiag.probe/v1"'
    )
    ask = shop.entries(made.plan.project, wanted)
    deadline = shop.clock.monotonic() + within
    while True:
        with _patience():
            page = ask("", _PAGE_WITHIN)
            course.found |= results_in((object_at(one, "jsonPayload") for one in page.resources), made.packed)
        if len(course.found) >= len(made.packed) or shop.clock.monotonic() >= deadline:
            return
        shop.clock.sleep(_READ_EVERY)


@contextmanager
def _patience() -> Iterator[None]:
    """Let a question go unanswered for once, where asking again may help."""
    try:
        yield
    except CallError as error:
        if not (error.failure.is_transient or error.failure.kind == "timeout"):
            raise


def _reason(execution: JsonObject) -> str:
    """Return why an execution failed, empty where it did not."""
    if not (number_at(execution, "failedCount") or number_at(execution, "cancelledCount")):
        return ""
    failed = [one for one in objects_at(execution, "conditions") if text_at(one, "state") == "CONDITION_FAILED"]
    told = next((text_at(one, "message") for one in failed if text_at(one, "message")), "")
    return f"the job failed: {told}" if told else "the job failed"


def _in_order(made: JobPlan, course: _Course) -> list[Probed]:
    seen = {place: course.found.get(number) for number, place in enumerate(made.luggage.places)}
    missing = course.problem or "the job told nothing about it"
    return [
        seen.get(place) or Unprobed(target=target, reason=made.luggage.left.get(place, missing))
        for place, target in enumerate(made.targets)
    ]


def _intent(made: JobPlan) -> JsonObject:
    plan = made.plan
    return {
        "who": plan.author,
        "host": plan.host,
        "pid": os.getpid(),
        "job": made.name,
        "service": text_at(made.service, "name"),
        "plan": {"id": plan.id, "digest": plan.digest, "reason": plan.reason},
        "targets": [one.shown for one in made.packed],
        "after": made.job,
    }


def _note(shop: JobShop, run: str, content: JsonObject) -> None:
    try:
        shop.journal.append("job-finished", run, content, at=shop.clock.now())
    except JournalError as error:
        shop.on_progress(str(error))


def _by_hand(name: str) -> str:
    project = name.split("/")[1]
    return f"gcloud run jobs delete {last_segment(name)} --region={location_of(name)} --project={project} --quiet"


def _is_running(process: int) -> bool:
    if process <= 0 or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
