"""Executions of jobs: the container's command is run as a process of this machine, and its lines become log entries.

``python -m gcpdiag`` stands for the entry point of the image, whatever image is named; another command is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gcpdiag.emulator.condition import FAILED, RECONCILING, SUCCEEDED, Failure, condition, stamp
from gcpdiag.emulator.job_store import Task
from gcpdiag.emulator.rest import ApiError
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at, texts_at
from gcpdiag.model.resource import last_segment, location_of

_ROOT = Path(__file__).parents[2]  # where the package is, so that the process finds the same one
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
_TIMEOUT = 600.0  # seconds; the discovery document: "Defaults to 600 seconds."
_SEVERITIES = frozenset(("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"))


class MissingSecretError(Exception):
    """A secret that the job names is not there."""


def start(state: State, job: JsonObject, name: str) -> JsonObject:
    """Start an execution of a job under its full name and return it; the state's lock is held."""
    at = stamp(state.clock())
    task = object_at(job, "template.template")
    execution: JsonObject = {
        "name": name,
        "uid": hashlib.sha256(name.encode()).hexdigest()[:32],
        "job": text_at(job, "name"),
        "generation": "1",
        "createTime": at,
        "startTime": at,
        "updateTime": at,
        "taskCount": 1,
        "parallelism": 1,
        "runningCount": 1,
        "template": task,
        "reconciling": True,
        "conditions": [condition("Completed", RECONCILING, at)],
    }
    state.job_store.executions[name] = execution
    try:
        environment = _environment(state, job, name)
    except MissingSecretError as error:
        _end(state, name, Failure(reason="", message=str(error)))
        return state.job_store.executions[name]
    container = objects_at(task, "containers")[0]
    state.job_store.running[name] = Task(
        [sys.executable, "-m", "gcpdiag", *texts_at(container, "args")],
        environment,
        limit=_seconds(text_at(task, "timeout")),
        on_line=lambda stream, line: _log(state, job, name, stream, line),
        on_end=lambda code: _ended(state, name, code),
    )
    return execution


def _environment(state: State, job: JsonObject, execution: str) -> Mapping[str, str]:
    """Return the container's environment: what Cloud Run sets, what the job has, and what Python needs here."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    told = {
        "CLOUD_RUN_JOB": last_segment(text_at(job, "name")),
        "CLOUD_RUN_EXECUTION": last_segment(execution),
        "CLOUD_RUN_TASK_INDEX": "0",
        "CLOUD_RUN_TASK_ATTEMPT": "0",
        "CLOUD_RUN_TASK_COUNT": "1",
    }
    own = {}
    for one in objects_at(object_at(job, "template.template"), "containers")[0:1]:
        for variable in objects_at(one, "env"):
            own[text_at(variable, "name")] = _value(state, variable)
    return {**kept, "PYTHONPATH": str(_ROOT), **told, **own}


def _value(state: State, variable: JsonObject) -> str:
    reference = object_at(variable, "valueSource.secretKeyRef")
    if not reference:
        return text_at(variable, "value")
    secret = text_at(reference, "secret")
    name = secret if "/" in secret else f"projects/{state.project}/secrets/{secret}"
    if name not in state.job_store.secrets:
        version = text_at(reference, "version") or "latest"
        raise MissingSecretError(f"Secret {name}/versions/{version} was not found")  # unverified wording
    return state.job_store.secrets[name]


def _log(state: State, job: JsonObject, execution: str, stream: str, line: str) -> None:
    """Append the entry of a line: a line that is a JSON object becomes a payload, and its severity the entry's."""
    if not line.strip():
        return
    told = stamp(state.clock())
    payload = _object(line)
    severity = str(payload.pop("severity", "")).upper() if payload else ""
    labels: JsonObject = {
        "job_name": last_segment(text_at(job, "name")),
        "location": location_of(text_at(job, "name")),
        "project_id": state.project,
    }
    with state.lock:
        entries = state.entries()
        entry: JsonObject = {
            "insertId": hashlib.sha256(f"{execution} {stream} {len(entries)} {line}".encode()).hexdigest()[:20],
            "logName": f"projects/{state.project}/logs/run.googleapis.com%2F{stream}",
            "timestamp": told,
            "receiveTimestamp": told,
            "resource": {"type": "cloud_run_job", "labels": labels},
            "labels": {
                "run.googleapis.com/execution_name": last_segment(execution),
                "run.googleapis.com/task_attempt": "0",
                "run.googleapis.com/task_index": "0",
            },
            **({"severity": severity} if severity in _SEVERITIES else {}),
            **({"jsonPayload": payload} if payload else {"textPayload": line}),
        }
        entries.append(entry)


def _object(line: str) -> JsonObject:
    try:
        found: Json = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ended(state: State, name: str, code: int | None) -> None:
    failure = None
    if code is None:
        failure = Failure(reason="", message="The task's timeout was reached.")  # unverified wording
    elif code:
        # executionReason and its value: run.v2 Condition; the wording is unverified.
        failure = Failure(reason="", message=f"Task {last_segment(name)}-task0 failed with exit code: {code}")
    with state.lock:
        _end(state, name, failure)


def _end(state: State, name: str, failure: Failure | None) -> None:
    execution = state.job_store.executions.get(name)
    state.job_store.running.pop(name, None)
    if execution is None:
        return
    at = stamp(state.clock())
    told = condition("Completed", FAILED if failure else SUCCEEDED, at, failure)
    if failure:
        told["executionReason"] = "NON_ZERO_EXIT_CODE"
    ended: JsonObject = {key: value for key, value in execution.items() if key not in ("reconciling", "runningCount")}
    counts: JsonObject = {"failedCount": 1} if failure else {"succeededCount": 1}
    state.job_store.executions[name] = {
        **ended,
        **counts,
        "completionTime": at,
        "updateTime": at,
        "observedGeneration": "1",
        "conditions": [told],
    }


def _seconds(duration: str) -> float:
    try:
        return float(duration.removesuffix("s") or _TIMEOUT)
    except ValueError as error:
        raise ApiError(400, "INVALID_ARGUMENT", f"Invalid duration '{duration}'.") from error
