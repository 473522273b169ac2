"""The project that is emulated: the bundle's resources as they stand now, and the bundle to go back to."""

from __future__ import annotations

import copy
import hashlib
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from gcpdiag.bundle.format import LOG_ENTRIES, SOURCES, TIME_SERIES
from gcpdiag.bundle.read import Bundle, Coverage
from gcpdiag.bundle.tree import UNREADABLE
from gcpdiag.bundle.values import read_values
from gcpdiag.emulator.job_store import JobStore
from gcpdiag.emulator.shift import shift_times
from gcpdiag.errors import BundleError
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.window import Window

Clock = Callable[[], datetime]
"""Tells the time now, aware and in UTC."""

_LINES = (LOG_ENTRIES, TIME_SERIES)
_REGION = re.compile(r"(?:^|/)(?:locations|regions)/([a-z]+-[a-z]+\d+)(?:/|$)")
_NUMBER = re.compile(r"\b(?:project |p|service-|projects/)(\d{9,14})\b")


def clock_of_the_system() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


class State:
    """What the emulator serves; hold ``lock`` while reading a list that you iterate or changing anything."""

    def __init__(self, bundle: Bundle, *, clock: Clock = clock_of_the_system, now: bool = False) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.project = bundle.project
        self._bundle = bundle
        self._delta = _delta_to_now(bundle, clock) if now else timedelta()
        self._pristine = {source_id: self._load(source_id) for source_id in SOURCES}
        self.regions = tuple(bundle.manifest.regions) or self._regions_of_resources()
        self.project_number = self._number()
        self.operations: dict[str, JsonObject] = {}
        self.job_store = JobStore()
        self._resources: dict[str, list[JsonObject] | None] = {}
        self.reset()

    def reset(self) -> None:
        """Go back to the bundle's own state."""
        with self.lock:
            self.job_store.clear()
            self._resources = {
                source_id: list(found) if source_id in _LINES and found is not None else copy.deepcopy(found)
                for source_id, found in self._pristine.items()
            }
            self.operations.clear()

    @property
    def window(self) -> Window:
        """The bundle's incident window, moved along with its content."""
        told = self._bundle.window
        return Window(start=told.start + self._delta, end=told.end + self._delta)

    def resources(self, source_id: str) -> list[JsonObject] | None:
        """Return the live list of a source, or None where the bundle has no such file."""
        return self._resources[source_id]

    def listed(self, source_id: str) -> list[JsonObject]:
        """Return the resources of a source at this moment, none where the file is absent."""
        with self.lock:
            return list(self._resources[source_id] or ())

    def entries(self) -> list[JsonObject]:
        """Return the log entries, raw; an entry is replaced, never changed in place."""
        return self._lines(LOG_ENTRIES)

    def series(self) -> list[JsonObject]:
        """Return the time series, raw; a series is replaced, never changed in place."""
        return self._lines(TIME_SERIES)

    def coverage(self, source_id: str) -> Coverage:
        """Return what the manifest says about a source."""
        return self._bundle.coverage(source_id)

    def _lines(self, source_id: str) -> list[JsonObject]:
        found = self._resources[source_id]
        if found is None:
            found = self._resources[source_id] = []
        return found

    def _load(self, source_id: str) -> list[JsonObject] | None:
        if source_id in _LINES:
            found = _raw_lines(self._bundle, SOURCES[source_id].path)
        else:
            resources = self._bundle.resources(source_id)
            found = None if resources is None else list(resources)
        if found is None or not self._delta:
            return found
        return [shift_times(one, self._delta) for one in found]

    def _regions_of_resources(self) -> tuple[str, ...]:
        names = (
            text_at(one, key)
            for source_id, found in self._pristine.items()
            if source_id not in _LINES
            for one in found or ()
            for key in ("name", "region", "selfLink")
        )
        return tuple(sorted({region[1] for name in names if (region := _REGION.search(name))}))

    def _number(self) -> str:
        """Return the project's number as the bundle tells it, else one made of the project's name."""
        told = [one.error for one in self._bundle.manifest.sources]
        told += [text_at(one, "serviceAccountEmailAddress") for one in self._pristine["sqladmin.instances"] or ()]
        for text in told:
            if found := _NUMBER.search(text):
                return found[1]
        return str(10**11 + int(hashlib.sha256(self.project.encode()).hexdigest(), 16) % (9 * 10**11))


def _delta_to_now(bundle: Bundle, clock: Clock) -> timedelta:
    return timedelta(seconds=round((clock() - bundle.window.end).total_seconds()))


def _raw_lines(bundle: Bundle, path: str) -> list[JsonObject] | None:
    if not bundle.tree.has(path):
        return None
    found: list[JsonObject] = []
    try:
        with bundle.tree.open(path) as stream:
            for line, value in read_values(stream, lambda line, text: bundle.problems.add(path, line, text)):
                try:
                    found.append(msgspec.json.decode(value, type=dict[str, object]))
                except (ValueError, RecursionError) as error:
                    bundle.problems.add(path, line, f"malformed JSON: {error}")
    except UNREADABLE as error:
        raise BundleError(f"{path} cannot be read", cause=str(error)) from error
    return found
