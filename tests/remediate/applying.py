"""A project to change: an emulator behind Google's own client, a clock that nobody waits for, and a journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.progress import find
from gcpdiag.emulator.revision import bare
from gcpdiag.emulator.serve import Emulator
from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator as Place
from gcpdiag.gcp.write import Writer
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from gcpdiag.model.plan import Plan, Step
from gcpdiag.remediate.action_restart import plan_restart
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.apply import apply_plan
from gcpdiag.remediate.history import Change, changes_of
from gcpdiag.remediate.journal import Journal
from gcpdiag.remediate.lease import LocalLocks
from gcpdiag.remediate.planning import Occasion, plan_of
from gcpdiag.remediate.receipt import Receipt
from gcpdiag.remediate.request import Request, Workshop
from gcpdiag.remediate.resume import Settled, resume
from gcpdiag.remediate.settle import ServiceWriter
from tests.emulator.asking import http_answer

FIXTURE = Path(__file__).parents[2] / "fixtures" / "staging-503"
TARGET = "projects/demo-staging/locations/us-central1/services/backend-staging"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SETTINGS = ("annotations", "labels", "scaling", "template", "traffic")
ALICE = Occasion(author="alice", host="desk", reason="a test")


class Clock:
    """Time that passes a little with every look at it, and at once when somebody sleeps."""

    def __init__(self, step: float = 0.3) -> None:
        self._lock = threading.Lock()
        self._elapsed = 0.0
        self._step = step

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._tick(self._step))

    def monotonic(self) -> float:
        return self._tick(0)

    def sleep(self, seconds: float) -> None:
        self._tick(seconds)

    def turn(self, **length: float) -> None:
        self._tick(timedelta(**length).total_seconds())

    def _tick(self, seconds: float) -> float:
        with self._lock:
            self._elapsed += seconds
            return self._elapsed


@dataclass
class Desk:
    """Where one operator works: against an emulator that others may work against, too."""

    emulator: Emulator
    writer: ServiceWriter
    clock: Clock
    directory: Path
    told: list[str] = field(default_factory=list)
    on_progress: Callable[[str], None] = lambda _: None
    runs: int = 0

    @property
    def journal(self) -> Journal:
        return Journal(self.directory / "journal.jsonl")

    @property
    def locks(self) -> LocalLocks:
        return LocalLocks(self.directory / "locks")

    @property
    def workshop(self) -> Workshop:
        return Workshop(
            writer=self.writer, journal=self.journal, locks=self.locks, clock=self.clock, on_progress=self._hear
        )

    def service(self) -> JsonObject:
        """The service as the emulator has it, once everything under way has ended."""
        self.clock.turn(seconds=5)
        found = find(self.emulator.state, "run.services", TARGET)
        assert found is not None
        return found

    def settings(self) -> JsonObject:
        """What users set of the service, without what says nothing."""
        told = self.service()
        return object_at({"told": bare({key: told.get(key) for key in SETTINGS})}, "told")

    def revisions(self) -> list[str]:
        return [
            text_at(one, "name")
            for one in self.emulator.state.listed("run.revisions")
            if text_at(one, "name").startswith(f"{TARGET}/")
        ]

    def memory(self) -> str:
        return text_at(objects_at(self.service(), "template.containers")[0], "resources.limits.memory")

    def mutations(self) -> list[str]:
        """The calls that could have changed something."""
        return [one.path for one in self.emulator.requests if one.mutates and one.api]

    def plan(self, step: Step, occasion: Occasion = ALICE) -> Plan:
        return plan_of([step], occasion, plan_id="p1", now=self.clock.now())

    def scale(self, **limits: int | str) -> Plan:
        service = self.writer.get_service(TARGET)
        wanted = replace(ScaleOptions(), **limits)  # type: ignore[arg-type]
        return self.plan(plan_scale(service, self.writer.list_revisions(TARGET), wanted))

    def restart(self) -> Plan:
        service = self.writer.get_service(TARGET)
        return self.plan(plan_restart(service, self.writer.list_revisions(TARGET), now=self.clock.now()))

    def request(self, plan: Plan, **options: object) -> Request:
        self.runs += 1
        asked = Request(digest=plan.digest, actor="alice", host="desk", run=f"run{self.runs}")
        return replace(asked, **options)  # type: ignore[arg-type]

    def apply(self, plan: Plan, **options: object) -> Receipt:
        return apply_plan(plan, self.workshop, self.request(plan, **options))

    def resume(self) -> tuple[Settled, ...]:
        return resume(self.workshop, patience=30)

    def changes(self) -> tuple[Change, ...]:
        return changes_of(self.journal.read().records)

    def events(self) -> list[str]:
        return [text_at(one, "event") for one in self.journal.read().records]

    def plan_rollout(self, **told: object) -> None:
        """Decide how the next update of the service goes."""
        body: JsonObject = {"service": "backend-staging", **told}  # type: ignore[dict-item]
        code, answer = http_answer(self.emulator.http, "/_emulator/rollout", method="POST", body=body)
        assert code == 200, answer

    def on_sending(self, act: Callable[[], None]) -> None:
        """Do something right before the step is sent, when the lock is held."""
        self.on_progress = lambda text: act() if text.startswith("sending") else None

    def _hear(self, text: str) -> None:
        self.told.append(text)
        self.on_progress(text)


@contextmanager
def desk_at(directory: Path, fixture: Path = FIXTURE) -> Iterator[Desk]:
    """An emulator of a fixture, and one desk at it."""
    clock = Clock()
    with Emulator(load_bundle(fixture), clock=clock.now) as emulator, open_writer(emulator, clock) as writer:
        yield Desk(emulator=emulator, writer=writer, clock=clock, directory=directory)


def open_writer(emulator: Emulator, clock: Clock) -> Writer:
    place = Place(http=emulator.http, grpc=emulator.grpc, project=emulator.state.project)
    return Writer(anonymous_access(), place, monotonic=clock.monotonic, sleep=clock.sleep)


def names(mutations: Sequence[str]) -> set[str]:
    return {one.rsplit("/", 1)[-1] for one in mutations}
