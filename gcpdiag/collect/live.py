"""A collection from sign-in to bundle, for a project and region that may have to be found first."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.collect.collection import Collection, Collector
from gcpdiag.collect.fetch import Patience, fetch
from gcpdiag.collect.gather import Progress
from gcpdiag.collect.limiter import LOG_READS_A_MINUTE, RateLimiter
from gcpdiag.collect.question import Breadth, Question, regions_of
from gcpdiag.collect.scope import Scope
from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.gcp.access import AccessOptions, anonymous_access, open_access
from gcpdiag.gcp.endpoint import Emulator, find_emulator
from gcpdiag.gcp.gcloud import GcloudSetup, load_gcloud_setup
from gcpdiag.gcp.read import PageCall, Reader
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.nearest import nearest
from gcpdiag.model.window import Window

_LAST_QUESTION = 3.0  # seconds, to find out what was meant when nothing was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What time it is, how long things take, and how to wait; tests bring their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """What a person asked for: empty is whatever gcloud is set up with, or what is there."""

    window: Window
    project: str = ""
    regions: tuple[str, ...] = ()
    widen: bool = False
    breadth: Breadth = "triage"
    deadline: timedelta = timedelta(seconds=30)
    access: AccessOptions = field(default_factory=AccessOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """An open way to Google, and what is set up about it."""

    reader: Reader
    project: str
    region: str
    emulator: Emulator | None


def collect_live(
    request: LiveRequest,
    clock: Clock,
    *,
    environ: Mapping[str, str] = os.environ,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_ready: Callable[[], None] = lambda: None,
) -> Collection:
    """Sign in, find project and regions, and collect.

    ``on_ready`` is called, from another thread, when all questions are on their way and there is time for other work.
    UnreachableError when nothing could be collected, UsageError when what was asked for does not exist.
    """
    door = _open(request, environ)
    calls: Counter[str] = Counter()
    patience = Patience(
        deadline=clock.monotonic() + request.deadline.total_seconds(),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        logging=RateLimiter(LOG_READS_A_MINUTE, 60.0, monotonic=clock.monotonic, sleep=clock.sleep),
        on_call=lambda question: calls.update([question.source]),
    )
    project = request.project or door.project
    if not project:
        raise UsageError("which project?", hint="Give --project PROJECT, or run `gcloud config set project PROJECT`")
    regions = request.regions or ((door.region,) if door.region else ())
    scope = Scope(project=project, regions=regions, window=request.window, widen=request.widen)
    door.reader.prepare(on_ready)
    collector = Collector(reader=door.reader, breadth=request.breadth, now=clock.now, on_progress=on_progress)
    collection = collector.collect(scope, patience)
    if not collection.interrupted:
        last = replace(patience, deadline=max(patience.deadline, clock.monotonic() + _LAST_QUESTION))
        _check_reached(collection, scope, door, last)
        _check_regions(collection, scope, door.reader, last)
    door.reader.close()
    return replace(collection, calls=dict(sorted(calls.items())))


def _open(request: LiveRequest, environ: Mapping[str, str]) -> _Door:
    emulator = find_emulator(environ)
    if emulator:
        reader = Reader(anonymous_access(), emulator)
        return _Door(reader=reader, project=emulator.project, region="", emulator=emulator)
    setup: GcloudSetup = load_gcloud_setup(environ)
    access = open_access(request.access, environ)
    return _Door(reader=Reader(access), project=setup.project or access.project, region=setup.region, emulator=None)


def _asked(source: str, call: PageCall, patience: Patience) -> list[JsonObject]:
    return fetch(Question(source=source, name="discovery", call=call, wait=max(0.1, patience.left)), patience).resources


def _check_reached(collection: Collection, scope: Scope, door: _Door, patience: Patience) -> None:
    """Raise UnreachableError when no question at all was answered, with the nearest project there is."""
    if not collection.is_empty:
        return
    failures = collection.failures
    cause = failures[0].text if failures else "nothing was asked"
    if all(one.kind in {"denied", "not-found"} for one in failures):
        projects = _asked("projects", door.reader.projects(), patience)
        near = nearest(scope.project, (text_at(one, "projectId") for one in projects))
        known = scope.project in {text_at(one, "projectId") for one in projects}
        hint = "Run `gcpdiag doctor` to see which permissions are missing"
        if near and not known:
            hint = f"Did you mean --project {near}? Otherwise run `gcpdiag doctor` to see what is missing"
        raise UnreachableError(
            f"nothing can be read in project {scope.project}: it does not exist, or you may not see it",
            cause=cause,
            hint=hint,
        )
    raise UnreachableError(
        f"nothing could be collected from project {scope.project}",
        cause=cause,
        hint="Check the network, then try again with a longer --deadline",
    )


def _check_regions(collection: Collection, scope: Scope, reader: Reader, patience: Patience) -> None:
    """Raise UsageError when the regions asked for have neither services nor logs, and others have services."""
    asked = [one for one in collection.answers if one.question.source == "run.services"]
    asked_logs = [one for one in collection.answers if one.question.source == LOG_ENTRIES]
    found = any(one.resources for one in asked)
    unsure = any(one.failure is not None and one.failure.kind not in {"not-found", "rejected"} for one in asked)
    logged = any(_is_of(entry, scope.regions) for one in asked_logs for entry in one.resources)
    if found or unsure or logged or not scope.regions:
        return
    elsewhere = regions_of(_asked("run.services", reader.services_everywhere(scope.project), patience))
    if not elsewhere:
        return
    near = nearest(scope.regions[0], elsewhere) or elsewhere[0]
    raise UsageError(
        f"project {scope.project} has no Cloud Run service in {', '.join(scope.regions)}",
        hint=f"There are some in {_some(elsewhere)}: give --region {near}",
    )


def _is_of(entry: JsonObject, regions: Sequence[str]) -> bool:
    in_region = text_at(entry, "resource.labels.location") in regions
    return in_region and text_at(entry, "resource.type") == "cloud_run_revision"


def _some(names: Sequence[str]) -> str:
    rest = len(names) - 5
    return ", ".join(names[:5]) + (f" and {rest} more" if rest > 0 else "")
