"""Cloud Run Admin API v2 over REST: jobs and their executions.

A job that is run starts its container's command at once; ``POST /_emulator/secrets`` says what secrets hold, and
``POST /_emulator/deny`` which permissions the caller lacks.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping

from gcpdiag.emulator.audit import caller_of
from gcpdiag.emulator.condition import SUCCEEDED, condition, stamp
from gcpdiag.emulator.enum_number import with_names
from gcpdiag.emulator.job_run import start
from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.refusal import permission_denied
from gcpdiag.emulator.rest import ApiError, Request, Route, invalid, not_found
from gcpdiag.emulator.revision import etag_of
from gcpdiag.emulator.state import State
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at, texts_at

JOB_TYPE = "type.googleapis.com/google.cloud.run.v2.Job"
EXECUTION_TYPE = "type.googleapis.com/google.cloud.run.v2.Execution"
_DEFAULT_SIZE, _MOST = 100, 100  # unverified: the discovery document names neither
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_ASKED = ("annotations", "binaryAuthorization", "client", "clientVersion", "labels", "launchStage", "template")


def answer_create(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``jobs.create`` with the operation, which is done at once."""
    _require(state, "run.jobs.create", request)
    body = object_at({"job": with_names(request.body)}, "job")
    job_id = request.text("jobId") or f"job-{uuid.uuid4().hex[:8]}"
    name = f"{_parent(state, captured)}/jobs/{job_id}"
    _check(body)
    at = stamp(state.clock())
    job: JsonObject = {
        "name": name,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "generation": "1",
        **{key: body[key] for key in _ASKED if key in body},
        "createTime": at,
        "updateTime": at,
        "creator": caller_of(state),
        "lastModifier": caller_of(state),
        "launchStage": text_at(body, "launchStage") or "GA",
        "observedGeneration": "1",
        "terminalCondition": condition("Ready", SUCCEEDED, at),
        "conditions": [condition("ResourcesAvailable", SUCCEEDED, at)],
        "etag": etag_of(f"{name} {at}"),
    }
    with state.lock:
        if name in state.job_store.jobs:
            raise ApiError(409, "ALREADY_EXISTS", f"Resource '{job_id}' already exists.")  # unverified wording
        if request.text("validateOnly").lower() != "true":
            state.job_store.jobs[name] = job
        return _done(state, name, {"@type": JOB_TYPE, **job})


def answer_list(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``jobs.list``."""
    parent = f"{_parent(state, captured)}/jobs/"
    with state.lock:
        found = [one for name, one in state.job_store.jobs.items() if name.startswith(parent)]
    return _page(found, request, "jobs")


def answer_job(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``jobs.get``."""
    _require(state, "run.jobs.get", request)
    return _job(state, captured)


def answer_delete(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``jobs.delete``: what runs of it is ended, and its executions go too."""
    _require(state, "run.jobs.delete", request)
    with state.lock:
        job = _job(state, captured)
        name = text_at(job, "name")
        del state.job_store.jobs[name]
        executions = [one for one in state.job_store.executions if one.startswith(f"{name}/executions/")]
        for one in executions:
            del state.job_store.executions[one]
        tasks = [task for one in executions if (task := state.job_store.running.pop(one, None))]
        operation = _done(state, name, {"@type": JOB_TYPE, **job, "deleteTime": stamp(state.clock())})
    for task in tasks:  # without the lock, for which their last lines wait
        task.stop()
    return operation


def answer_run(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``jobs.run`` with the operation, whose metadata is the execution that has begun."""
    _require(state, "run.jobs.run", request)
    with state.lock:
        job = _job(state, captured)
        name = text_at(job, "name")
        count = int(text_at(job, "executionCount") or 0) + 1
        short = f"{captured['job']}-{_suffix(f'{name} {count}')}"
        execution = start(state, job, f"{name}/executions/{short}")
        reference: JsonObject = {
            "name": short,  # unverified: the full name, or the last part
            "createTime": text_at(execution, "createTime"),
            "completionStatus": "EXECUTION_RUNNING",
        }
        state.job_store.jobs[name] = {**job, "executionCount": count, "latestCreatedExecution": reference}
        operation = f"{name.split('/jobs/')[0]}/operations/{uuid.uuid4()}"
        told: JsonObject = {"name": operation, "metadata": {"@type": EXECUTION_TYPE, **execution}}
        # Unverified when the operation of a run is done: when the execution is. The emulator leaves it open.
        state.operations[operation] = told
        return told


def answer_executions(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``executions.list``."""
    with state.lock:
        parent = f"{_parent(state, captured)}/jobs/{captured['job']}/executions/"
        found = [one for name, one in state.job_store.executions.items() if name.startswith(parent)]
    return _page(list(reversed(found)), request, "executions")


def answer_execution(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``executions.get``."""
    _require(state, "run.executions.get", request)
    name = f"{_parent(state, captured)}/jobs/{captured['job']}/executions/{captured['execution']}"
    with state.lock:
        found = state.job_store.executions.get(name)
    if found is None:
        raise not_found(f"Resource '{captured['execution']}' of kind 'EXECUTION' does not exist.")
    return found


def keep_secret(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``POST /_emulator/secrets``: what a secret of the project, or one with a full name, holds."""
    secret, value = text_at(request.body, "secret"), text_at(request.body, "value")
    if not secret:
        raise invalid("secret: the name of a secret is missing")
    name = secret if "/" in secret else f"projects/{state.project}/secrets/{secret}"
    with state.lock:
        state.job_store.secrets[name] = value
    return {"secret": name}


def deny(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``POST /_emulator/deny``: calls that take one of these permissions of jobs are refused from now on."""
    permissions = texts_at(request.body, "permissions")
    with state.lock:
        state.job_store.denied = set(permissions)
    return {"permissions": [*permissions]}


def _require(state: State, permission: str, request: Request) -> None:
    if permission in state.job_store.denied:
        raise permission_denied(state, "run", permission, request.path)


def _check(job: JsonObject) -> None:
    """Raise ApiError for a job that Cloud Run, or the emulator, does not take."""
    containers = objects_at(job, "template.template.containers")
    if len(containers) != 1 or not text_at(containers[0], "image"):
        raise invalid("template.template.containers: a job has one container, with an image.")  # unverified wording
    if containers[0].get("command"):
        raise ApiError(501, "UNIMPLEMENTED", "The emulator runs gcpdiag's own entry point, and no other command.")


def _done(state: State, job: str, response: JsonObject) -> JsonObject:
    name = f"{job.split('/jobs/', maxsplit=1)[0]}/operations/{uuid.uuid4()}"
    operation: JsonObject = {"name": name, "metadata": response, "done": True, "response": response}
    state.operations[name] = operation
    return operation


def _job(state: State, captured: Mapping[str, str]) -> JsonObject:
    name = f"{_parent(state, captured)}/jobs/{captured['job']}"
    with state.lock:
        found = state.job_store.jobs.get(name)
    if found is None:
        where = f"in region '{captured['region']}' in project '{state.project}'"
        raise not_found(f"Resource '{captured['job']}' of kind 'JOB' {where} does not exist.")
    return found


def _page(found: list[JsonObject], request: Request, kind: str) -> JsonObject:
    size = page_size(request.number("pageSize"), default=_DEFAULT_SIZE, most=_MOST)
    page, token = page_of(found, size=size, token=request.text("pageToken"), query=request.path)
    return {kind: list(page), **({"nextPageToken": token} if token else {})}


def _parent(state: State, captured: Mapping[str, str]) -> str:
    return f"projects/{state.project}/locations/{captured['region']}"


def _suffix(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_SUFFIX[byte % len(_SUFFIX)] for byte in digest[:5])


_JOBS = r"/v2/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/jobs"
_JOB = rf"{_JOBS}/(?P<job>[^/:]+)"

ROUTES = (
    Route("POST", "run", _JOBS, answer_create, mutates=True, permission="run.jobs.create"),
    Route("GET", "run", _JOBS, answer_list, permission="run.jobs.list"),
    Route("GET", "run", _JOB, answer_job, permission="run.jobs.get"),
    Route("DELETE", "run", _JOB, answer_delete, mutates=True, permission="run.jobs.delete"),
    Route("POST", "run", rf"{_JOB}:run", answer_run, mutates=True, permission="run.jobs.run"),
    Route("GET", "run", rf"{_JOB}/executions", answer_executions, permission="run.executions.list"),
    Route(
        "GET",
        "run",
        rf"{_JOB}/executions/(?P<execution>[^/:]+)",
        answer_execution,
        permission="run.executions.get",
    ),
    Route("POST", "", r"/_emulator/secrets", keep_secret, mutates=True),
    Route("POST", "", r"/_emulator/deny", deny, mutates=True),
)
