"""A live project as an incident bundle: ask, and put the answers where a bundle has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from gcpdiag.bundle.environment import without_values
from gcpdiag.bundle.format import LOG_ENTRIES, MANIFEST, SOURCES, TIME_SERIES
from gcpdiag.bundle.read import Bundle, bundle_of
from gcpdiag.bundle.write import lines_of, list_of
from gcpdiag.collect.fetch import Answer, Patience
from gcpdiag.collect.gather import Gathering, Progress, gather
from gcpdiag.collect.logs import earlier_question
from gcpdiag.collect.onset import earlier_stretch
from gcpdiag.collect.question import REGIONAL, REGIONS, Breadth, log_question, questions_of, regions_of
from gcpdiag.collect.scope import Scope
from gcpdiag.gcp.failure import Failure, FailureKind
from gcpdiag.gcp.read import Reader
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import Window, rfc3339

_STATES: Mapping[FailureKind, str] = {"denied": "denied", "disabled": "disabled", "not-offered": "skipped"}
_MOST_LOG_PAGES, _ENTRIES_PAGE = 6, 1000
_LINES = frozenset({LOG_ENTRIES, TIME_SERIES})
_HAVE_ENVIRONMENT = frozenset({"run.services", "run.revisions"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A bundle fresh from a project, every answer that it was made from, and how many calls each source took."""

    bundle: Bundle
    answers: Sequence[Answer]
    calls: Mapping[str, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def failures(self) -> list[Failure]:
        """Why questions were not answered, in the order in which that was known."""
        return [one.failure for one in self.answers if one.failure is not None]

    @property
    def is_empty(self) -> bool:
        """Nothing at all was answered."""
        return all(one.failure is not None and not one.resources for one in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Collects with a reader, as broadly as asked for; ``now`` stamps the manifest."""

    reader: Reader
    breadth: Breadth
    now: Callable[[], datetime]
    on_progress: Callable[[Progress], None] = lambda _: None

    def collect(self, scope: Scope, patience: Patience) -> Collection:
        """Return what could be collected before the deadline; what could not is told in the manifest.

        A scope without regions is collected wherever there are services.
        """
        questions = questions_of(scope, self.reader, self.breadth, monotonic=patience.monotonic)
        gathering = gather(questions, patience, on_progress=self.on_progress)
        window = scope.window
        earlier = self._earlier(scope, gathering) if _may_read_more(gathering) else None
        if earlier is not None:
            asked = log_question(earlier_question(earlier, scope.regions), scope, self.reader)
            more = gather([asked], patience, on_progress=self.on_progress)
            gathering.answers += more.answers
            gathering.interrupted = more.interrupted
            window = Window(start=earlier.start, end=window.end)
        answers = [*gathering.answers, *_without_region(gathering.answers)]
        regions = scope.regions or regions_of(
            one for answer in answers if _is(answer, REGIONS) for one in answer.resources
        )
        files = _files(replace(scope, regions=regions, window=window), answers, collected_at=self.now())
        return Collection(bundle=bundle_of(files), answers=answers, interrupted=gathering.interrupted)

    @staticmethod
    def _earlier(scope: Scope, gathering: Gathering) -> Window | None:
        """Return the stretch before the window in which the failure began already, if it did."""
        if not scope.widen or gathering.interrupted:
            return None
        series = (one for answer in gathering.answers if _is(answer, TIME_SERIES) for one in answer.resources)
        return earlier_stretch(series, scope.window)


def _without_region(answers: Sequence[Answer]) -> list[Answer]:
    """Return what is left of the regional sources when nobody says in which regions there are services.

    No service anywhere is an answer, too: then there is none.
    """
    asked = next((one for one in answers if _is(one, REGIONS)), None)
    if asked is None or asked.resources:
        return []
    if asked.failure is None:
        return [replace(asked, question=replace(asked.question, source="run.services"))]
    why = replace(asked.failure, text=f"no region is known ({asked.failure.text}); give --region")
    return [Answer(question=replace(asked.question, source=source), failure=why) for source in REGIONAL]


def _may_read_more(gathering: Gathering) -> bool:
    """Tell whether one more page of logs is within the budget."""
    pages = sum(1 + len(one.resources) // _ENTRIES_PAGE for one in gathering.answers if _is(one, LOG_ENTRIES))
    return pages < _MOST_LOG_PAGES


def _is(answer: Answer, source: str) -> bool:
    return answer.question.source == source


def _files(scope: Scope, answers: Sequence[Answer], *, collected_at: datetime) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    told: list[Json] = []
    for source in SOURCES.values():
        own = [one for one in answers if _is(one, source.id)]
        if not own:
            continue
        status = _status(own)
        resources = _resources(source.id, own)
        if status["status"] == "ok":
            status["items"] = len(resources)
            files[source.path] = lines_of(resources) if source.id in _LINES else list_of(resources)
        told.append({"source": source.id, **status})
    manifest: JsonObject = {
        "format": "gcpdiag-bundle",
        "version": 1,
        "project": scope.project,
        "regions": list(scope.regions),
        "window": {"start": _time(scope.window.start), "end": _time(scope.window.end)},
        "collected_at": rfc3339(collected_at),
        "sources": told,
    }
    return {MANIFEST: msgspec.json.encode(manifest), **files}


def _status(answers: Sequence[Answer]) -> JsonObject:
    """Return what the manifest says of a source: one failed question of several leaves it in part, and says which."""
    failed = [one for one in answers if one.failure is not None]
    if failed and not any(one.failure is None or one.resources for one in answers):
        failure = failed[0].failure or Failure(kind="unavailable", text="")
        status: JsonObject = {"status": _STATES.get(failure.kind, "error")}
        if failure.kind != "not-offered":
            status["error"] = failure.text
        return {**status, "permission": failure.permission} if failure.permission else status
    missing = [f"{one.question.name}: {one.failure.text}" for one in failed if one.failure]
    missing += [
        f"{one.question.name}: no answer from {', '.join(one.unreachable)}" for one in answers if one.unreachable
    ]
    cut = any(one.cut_off and not one.question.routine for one in answers)
    status = {"status": "ok"}
    if missing or cut:
        status["truncated"] = True
    if missing:
        status["error"] = "; ".join(missing[:3]) + (f"; and {len(missing) - 3} more" if len(missing) > 3 else "")  # noqa: PLR2004 - enough to see what it is
    if any(one.cut_off and one.question.routine for one in answers):
        status["sampled"] = True
    return status


def _resources(source: str, answers: Iterable[Answer]) -> list[JsonObject]:
    found = [one for answer in answers for one in answer.resources]
    if source == LOG_ENTRIES:  # of all entries, only those of deployments tell an environment
        return [without_values(one) if "protoPayload" in one else one for one in found]
    return [without_values(one) for one in found] if source in _HAVE_ENVIRONMENT else found


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
