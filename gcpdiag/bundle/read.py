"""Opening a bundle and reading its files; whatever is broken is reported, and the rest is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gcpdiag.bundle.entry import LogEntry, decode_entry
from gcpdiag.bundle.format import (
    LOG_ENTRIES,
    MANIFEST,
    SOURCES,
    TIME_SERIES,
    Manifest,
    ManifestSource,
    Source,
    SourceState,
    parse_manifest,
)
from gcpdiag.bundle.knative import is_knative, revision_from_knative, service_from_knative
from gcpdiag.bundle.problem import ProblemLog
from gcpdiag.bundle.series import TimeSeries, decode_series
from gcpdiag.bundle.tree import UNREADABLE, MemoryTree, Tree, open_tree
from gcpdiag.bundle.values import read_values
from gcpdiag.errors import BundleError
from gcpdiag.model.json import JsonObject, is_too_deep, times_in
from gcpdiag.model.window import Window, in_utc, is_credible

_DEFAULT_LENGTH = timedelta(hours=1)
_MAX_MANIFEST = 16 << 20  # bytes
_LIST_KEYS = ("items", "services", "revisions", "connectors", "instances", "entries", "timeSeries", "events")
_ENVELOPE = frozenset({"kind", "id", "selfLink", "etag", "unreachable", "nextPageToken", "warning"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Whether one source was collected; anything but ``ok`` means that its content is unknown.

    ``sampled`` log entries are whole where something fails or alarms, and a sample of what is routine.
    """

    source: Source
    state: SourceState
    truncated: bool = False
    sampled: bool = False
    reason: str = ""
    permission: str = ""

    @property
    def answered(self) -> bool:
        """The source was asked and answered, if only in part."""
        return self.state == "ok"

    @property
    def complete(self) -> bool:
        """The source answered whole, so that what is not there does not exist."""
        return self.answered and not self.truncated


@dataclass(kw_only=True)
class Bundle:
    """A project's recorded answers; every reader may be called again and reads the file anew."""

    tree: Tree
    manifest: Manifest
    problems: ProblemLog = field(default_factory=ProblemLog)
    _window: Window | None = None

    @property
    def project(self) -> str:
        """The project id."""
        return self.manifest.project

    @property
    def window(self) -> Window:
        """The incident window; without one in the manifest, the hour before the newest entry or point."""
        if self._window is None:
            self._window = self._window_of_manifest() or self._window_of_content()
        return self._window

    def coverage(self, source_id: str) -> Coverage:
        """Return what is known about a source before its file is read."""
        source = SOURCES[source_id]
        told = next((one for one in self.manifest.sources if one.source == source_id), None)
        if told is None:
            told = ManifestSource(source=source_id, status="ok" if self.tree.has(source.path) else "skipped")
            reason = _REASONS[told.status]
        elif told.status == "ok" and not self.tree.has(source.path):
            told = ManifestSource(source=source_id, status="error")
            reason = f"the manifest lists {source.path}, and the file is missing"
        else:
            reason = told.error or _REASONS[told.status]
        return Coverage(
            source=source,
            state=told.status,
            truncated=told.truncated,
            sampled=told.sampled,
            reason=reason,
            permission=told.permission or source.permission,
        )

    def resources(self, source_id: str) -> tuple[JsonObject, ...] | None:
        """Return the resources of a source as v2/v1 REST JSON, or None where they were not collected."""
        source = SOURCES[source_id]
        if not self.tree.has(source.path):
            return None
        found = [one for line, value in self._values(source.path) for one in self._objects(source, line, value)]
        if not found and self.problems.count(source.path):
            return None
        return tuple(self._in_v2(source_id, one) for one in found)

    def entries(self) -> Iterator[LogEntry]:
        """Yield the log entries in the order of the file."""
        path = SOURCES[LOG_ENTRIES].path
        if not self.tree.has(path):
            return
        for line, value in self._values(path):
            try:
                yield decode_entry(value)
            except (ValueError, RecursionError) as error:
                self.problems.add(path, line, f"not a log entry: {error}")

    def series(self) -> Iterator[TimeSeries]:
        """Yield the time series in the order of the file."""
        path = SOURCES[TIME_SERIES].path
        if not self.tree.has(path):
            return
        for line, value in self._values(path):
            try:
                yield decode_series(value)
            except (ValueError, RecursionError) as error:
                self.problems.add(path, line, f"not a time series: {error}")

    def _newest_resource(self) -> datetime | None:
        """Return the newest time that any resource tells: configuration alone has no better one."""
        resources = (one for source in SOURCES for one in self.resources(source) or ())
        return max((moment for one in resources for moment in times_in(one)), default=None)

    def _moments(self) -> Iterator[datetime]:
        told = (entry.timestamp or entry.receive_timestamp for entry in self.entries())
        yield from (in_utc(moment) for moment in told if moment)
        yield from (in_utc(point.interval.end_time) for series in self.series() for point in series.points)

    def _values(self, path: str) -> Iterator[tuple[int, bytes]]:
        try:
            with self.tree.open(path) as stream:
                yield from read_values(stream, lambda line, text: self.problems.add(path, line, text))
        except UNREADABLE as error:
            self.problems.add(path, 0, f"cannot be read: {error}")

    def _objects(self, source: Source, line: int, value: bytes) -> list[JsonObject]:
        try:
            document = msgspec.json.decode(value)
        except (ValueError, RecursionError) as error:
            self.problems.add(source.path, line, f"malformed JSON: {error}")
            return []
        if is_too_deep(document):
            self.problems.add(source.path, line, "nested too deeply")
            return []
        if isinstance(document, dict):
            return _listed(document)
        self.problems.add(source.path, line, f"expected an object, found {type(document).__name__}")
        return []

    def _in_v2(self, source_id: str, document: JsonObject) -> JsonObject:
        if not is_knative(document):
            return document
        region = self.manifest.regions[0] if len(self.manifest.regions) == 1 else ""
        convert = revision_from_knative if source_id == "run.revisions" else service_from_knative
        return convert(document, project=self.project, region=region)

    def _window_of_manifest(self) -> Window | None:
        told = self.manifest.window
        return Window(start=in_utc(told.start), end=in_utc(told.end)) if told else None

    def _window_of_content(self) -> Window:
        collected = self.manifest.collected_at
        told = in_utc(collected) if collected and is_credible(collected) else None
        newest = max(self._moments(), default=told or self._newest_resource())
        if newest is None:
            raise BundleError(
                "this bundle has no window, no log entry and no metric point",
                hint='Add "window": {"start": …, "end": …} to manifest.json',
            )
        end = newest + timedelta(seconds=1)
        return Window(start=end - _DEFAULT_LENGTH, end=end)


_REASONS: dict[SourceState, str] = {
    "ok": "",
    "denied": "permission denied",
    "disabled": "the API is disabled in this project",
    "error": "the call failed",
    "skipped": "not collected",
}


def _listed(document: JsonObject) -> list[JsonObject]:
    """Return the resources in a list answer, an aggregated list answer, or the resource itself."""
    for key in _LIST_KEYS:
        inside = document.get(key)
        if isinstance(inside, list) and "name" not in document:
            return [one for one in inside if isinstance(one, dict)]
        if key == "items" and isinstance(inside, dict):
            scopes = [scope for scope in inside.values() if isinstance(scope, dict)]
            lists = [part for scope in scopes for part in scope.values() if isinstance(part, list)]
            return [one for part in lists for one in part if isinstance(one, dict)]
    return [] if document.keys() <= _ENVELOPE else [document]  # REST leaves an empty list out


def load_bundle(path: Path) -> Bundle:
    """Open the bundle at a directory or zip; UsageError or BundleError where there is none."""
    tree = open_tree(path)
    try:
        with tree.open(MANIFEST) as stream:
            return Bundle(tree=tree, manifest=parse_manifest(stream.read(_MAX_MANIFEST)))
    except UNREADABLE as error:
        raise BundleError(f"{path}: manifest.json cannot be read", cause=str(error)) from error


def bundle_of(files: dict[str, bytes]) -> Bundle:
    """Return a bundle whose files are given as bytes by path."""
    return Bundle(tree=MemoryTree(files), manifest=parse_manifest(files[MANIFEST]))
