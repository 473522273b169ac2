"""A check-up before anything is wrong: who asks, what they may see, and what is left of a quota."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from gcpdiag.collect.caller import caller_of, refused_caller
from gcpdiag.collect.checkup import Api, ApiSwitch, Caller, Checkup, Grant, Holding, LogReads, Told
from gcpdiag.collect.fetch import Answer, Patience
from gcpdiag.collect.gather import gather
from gcpdiag.collect.installation import load_installation
from gcpdiag.collect.limiter import RateLimiter
from gcpdiag.collect.live import Clock
from gcpdiag.collect.permission import PERMISSIONS, Permission
from gcpdiag.collect.question import Question
from gcpdiag.errors import UnreachableError
from gcpdiag.gcp.access import AccessOptions, anonymous_access, open_access
from gcpdiag.gcp.endpoint import EMULATOR_VARIABLE, find_emulator
from gcpdiag.gcp.failure import Failure
from gcpdiag.gcp.gcloud import GcloudSetup, load_gcloud_setup
from gcpdiag.gcp.read import Page, PageCall, Reader
from gcpdiag.model.json import JsonObject, number_at, objects_at, text_at, times_in
from gcpdiag.model.window import Window

_APIS, _PERMISSIONS, _USAGE = "serviceusage.services", "permissions", "log reads"
_LOGGING = "logging.googleapis.com"
_READS = f"{_LOGGING}/read_requests"  # unverified; when it is another, usage stays unknown
_USAGE_TYPE = "serviceruntime.googleapis.com/quota/rate/net_usage"
_USAGE_FILTER = (
    f'metric.type="{_USAGE_TYPE}" AND resource.type="consumer_quota" AND resource.labels.service="{_LOGGING}"'
)
_RECENT = timedelta(minutes=15)  # the metric comes some four minutes late
_MINUTE = timedelta(seconds=60)
_WAIT = 10.0  # seconds for one call


class Asks(Protocol):
    """The questions of a ``Reader`` that a check-up asks."""

    def granted(self, project: str, permissions: Sequence[str], *, timeout: float) -> frozenset[str]:
        """Return which of these permissions the caller has."""
        ...

    def enabled_apis(self, project: str) -> PageCall:
        """Ask for the APIs that are on."""
        ...

    def time_series(self, project: str, metric_filter: str, window: Window) -> PageCall:
        """Ask for series of a metric."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckupRequest:
    """What a person asked for: without a project, gcloud's own or the credentials'."""

    project: str = ""
    deadline: timedelta = timedelta(seconds=30)
    access: AccessOptions = field(default_factory=AccessOptions)


def check_up(request: CheckupRequest, clock: Clock, environ: Mapping[str, str] = os.environ) -> Checkup:
    """Return what can be said, with the obstacle where Google could not be asked; UsageError for a wrong option."""
    project = Told(value=request.project, origin="--project") if request.project else Told()
    emulator = environ.get(EMULATOR_VARIABLE, "")
    setup = GcloudSetup() if emulator else load_gcloud_setup(environ)
    checkup = Checkup(installation=load_installation(environ), emulator=emulator, project=project)
    checkup = _with_setup(checkup, setup)
    try:
        checkup, reader = _signed_in(checkup, request, environ, setup)
    except UnreachableError as error:
        told = Caller() if emulator else refused_caller(request.access, environ, gcloud_account=setup.account)
        return replace(checkup, caller=told, obstacle=error)
    try:
        if not checkup.project.value:
            hint = "Give --project PROJECT, or run `gcloud config set project PROJECT`"
            return replace(checkup, obstacle=UnreachableError("no project is set", hint=hint))
        return examine(checkup, reader, clock, request.deadline)
    finally:
        reader.close()


def _with_setup(checkup: Checkup, setup: GcloudSetup) -> Checkup:
    """Return the check-up with gcloud's project, where nobody gave another, and its region."""
    project, region = (Told(value=one, origin="gcloud's configuration") for one in (setup.project, setup.region))
    if checkup.project.value or not setup.project:
        project = checkup.project
    return replace(checkup, project=project, region=region if setup.region else Told())


def _signed_in(
    checkup: Checkup, request: CheckupRequest, environ: Mapping[str, str], setup: GcloudSetup
) -> tuple[Checkup, Reader]:
    """Return the check-up with what signing in told, and a reader; UnreachableError when that fails."""
    emulator = find_emulator(environ)
    if emulator:
        project = checkup.project if checkup.project.value else Told(value=emulator.project, origin="the emulator")
        caller = Caller(credentials="none: an emulator asks for none")
        told = replace(checkup, emulator=emulator.http, project=project, caller=caller)
        return told, Reader(anonymous_access(), emulator)
    access = open_access(request.access, environ)
    told = replace(checkup, caller=caller_of(access, request.access, environ, gcloud_account=setup.account))
    if not told.project.value and access.project:
        told = replace(told, project=Told(value=access.project, origin="the credentials"))
    return told, Reader(access)


def examine(checkup: Checkup, reader: Asks, clock: Clock, deadline: timedelta) -> Checkup:
    """Return the check-up with what Google answers about its project; what does not come in time is unknown."""
    patience = Patience(
        deadline=clock.monotonic() + deadline.total_seconds(),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        logging=RateLimiter(1, 60.0, monotonic=clock.monotonic, sleep=clock.sleep),  # no log entry is read
    )
    project = checkup.project.value
    names = [one.name for one in PERMISSIONS]
    window = Window(start=clock.now() - _RECENT, end=clock.now())
    usage = reader.time_series(project, _USAGE_FILTER, window)
    questions = [
        Question(source=_APIS, name=_APIS, call=reader.enabled_apis(project), wait=_WAIT),
        Question(source=_PERMISSIONS, name=_PERMISSIONS, call=_granted(reader, project, names), wait=_WAIT),
        Question(source=_USAGE, name=_USAGE, call=usage, wait=_WAIT),
    ]
    answers = {one.question.source: one for one in gather(questions, patience).answers}
    grants, failure = _grants(answers[_PERMISSIONS], names, reader, project, patience)
    return replace(
        checkup,
        apis=_apis(answers[_APIS]),
        apis_failure=answers[_APIS].failure,
        holdings=tuple(_holding(one, grants[one.name]) for one in PERMISSIONS),
        holdings_failure=failure,
        log_reads=_log_reads(answers[_USAGE]),
    )


def _holding(permission: Permission, on_project: Grant) -> Holding:
    """Return the holding; what is not granted on the project may still be granted on a service account of it."""
    unsure = permission.on_account and on_project == "missing"
    return Holding(permission=permission, grant="unknown" if unsure else on_project)


def _granted(reader: Asks, project: str, names: Sequence[str]) -> PageCall:
    """Return the question which of these permissions are granted, one resource for each that is."""

    def page(_: str, timeout: float) -> Page:
        granted = reader.granted(project, names, timeout=timeout)
        return Page(resources=[{"permission": one} for one in sorted(granted)])

    return page


def _grants(
    together: Answer, names: Sequence[str], reader: Asks, project: str, patience: Patience
) -> tuple[dict[str, Grant], Failure | None]:
    """Return the grant of each permission, and why none is known.

    Google rejects a question with one permission that it does not take on a project ("Permission X is not valid for
    this resource"). Then each is asked for alone, and what is rejected again is unknown, not missing.
    """
    if together.failure is None or together.failure.kind != "rejected":
        return {name: _grant(name, together) for name in names}, together.failure
    alone = [
        Question(source=_PERMISSIONS, name=name, call=_granted(reader, project, [name]), wait=_WAIT) for name in names
    ]
    answers = gather(alone, patience).answers
    grants = {one.question.name: _grant(one.question.name, one) for one in answers}
    return grants, together.failure if all(one.failure for one in answers) else None


def _grant(name: str, answer: Answer) -> Grant:
    if answer.failure is not None:
        return "unknown"
    return "granted" if any(text_at(one, "permission") == name for one in answer.resources) else "missing"


def _apis(answer: Answer) -> tuple[Api, ...]:
    """Return whether each API that triage reads is on; when that may not be read, it is unknown and not off."""
    on = {text_at(one, "config.name") for one in answer.resources}
    whole = answer.failure is None and not answer.cut_off
    off: ApiSwitch = "off" if whole else "unknown"
    names = dict.fromkeys(one.api for one in PERMISSIONS if one.api)
    return tuple(Api(name=name, switch="on" if name in on else off) for name in names)


def _log_reads(answer: Answer) -> LogReads:
    """Return the log reads of the busiest recent minute; unknown where no point tells of one."""
    used: dict[datetime, float] = {}
    for series in answer.resources:
        is_of_reads = text_at(series, "metric.labels.quota_metric") == _READS
        for point in objects_at(series, "points") if is_of_reads else ():
            _add_point(used, point)
    if not used:
        return LogReads()
    return LogReads(used=round(max(used.values())), until=max(used))


def _add_point(used: dict[datetime, float], point: JsonObject) -> None:
    """Add a point of one minute to what was used by its end; others say nothing about a minute."""
    times = list(times_in(point))
    value = number_at(point, "value.int64Value")
    if value is not None and times and max(times) - min(times) <= _MINUTE:
        used[max(times)] = used.get(max(times), 0.0) + value
