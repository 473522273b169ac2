"""The life of a job that probes from inside, with everything that may go wrong at Google's side."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gcpdiag.gcp.failure import CallError, Failure, FailureKind
from gcpdiag.gcp.read import Page, PageCall
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.probe import ProbeResult
from gcpdiag.remediate.document import plan_from_json, plan_to_json
from gcpdiag.remediate.job_guard import JobRequest, judge_job
from gcpdiag.remediate.job_plan import JobOptions, JobPlan, default_image, job_plan_of, plan_job, service_of
from gcpdiag.remediate.job_run import JobShop, delete_job, jobs_left, run_probe_job
from gcpdiag.remediate.journal import Journal, JournalError
from gcpdiag.remediate.planning import Occasion
from gcpdiag.remediate.policy import Policy
from gcpdiag.remediate.preview import render_plan
from gcpdiag.remediate.refusal import RefusedError
from gcpdiag.verify.address import Address
from gcpdiag.verify.job_results import lines_of
from gcpdiag.verify.runner import Unprobed
from gcpdiag.verify.target import RedisTarget, TcpTarget
from tests.making import service

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TARGETS = (RedisTarget(address=Address("10.30.0.3", 6379)), TcpTarget(address=Address("10.30.0.9", 9092), found=True))
DIRECT: JsonObject = {"networkInterfaces": [{"network": "default", "subnetwork": "run"}], "egress": "ALL_TRAFFIC"}


def plan(access: JsonObject | None = None) -> JobPlan:
    occasion = Occasion(author="me", host="desk", reason="after the repair")
    options = JobOptions(probe_deadline=timedelta(seconds=10))
    return plan_job(service(vpcAccess=access or {}), TARGETS, options, occasion, plan_id="1a2b3c4d", now=NOON)


def entries(made: JobPlan) -> list[JsonObject]:
    results = [
        ProbeResult(target=one.shown, kind=one.kind, at=NOON, latency=timedelta(milliseconds=3), origin="inside")
        for one in made.packed
    ]
    return [{"jsonPayload": json.loads(line)} for line in lines_of(results)]


def failure(kind: FailureKind, text: str = "told") -> CallError:
    return CallError(Failure(kind=kind, text=text))


@dataclass
class Google:
    """Cloud Run and Cloud Logging, in a time that passes when somebody waits; errors are raised once each, in turn."""

    made: JobPlan
    time: float = 0.0
    ends_at: float = 3.0
    told_at: float = 0.0
    end: JsonObject = field(default_factory=lambda: {"completionTime": "2030-01-01T12:00:05Z", "succeededCount": 1})
    creation: JsonObject = field(default_factory=lambda: {"name": "operation", "done": True})
    start: JsonObject = field(default_factory=lambda: {"metadata": {"name": "projects/p/executions/one-x"}})
    errors: dict[str, list[BaseException]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)

    def create_job(self, name: str, job: JsonObject, *, validate_only: bool = False) -> JsonObject:
        assert (name, job) == (self.made.name, self.made.job)
        self._called("validate" if validate_only else "create")
        return self.creation

    def run_job(self, name: str) -> JsonObject:
        assert name == self.made.name
        self._called("run")
        return self.start

    def get_execution(self, name: str) -> JsonObject:
        self._called("get")
        return self.end if self.time >= self.ends_at else {"name": name}

    def delete_job(self, name: str) -> JsonObject:
        assert name == self.made.name
        self._called("delete")
        return {"name": "operation", "done": True}

    def wait_operation(self, operation: JsonObject, *, within: float) -> JsonObject:
        assert within > 0
        return operation

    def entries(self, project: str, wanted: str) -> PageCall:
        assert project == "demo-staging"
        self.filters.append(wanted)

        def page(_token: str, _timeout: float) -> Page:
            self._called("read")
            return Page(resources=entries(self.made) if self.time >= self.told_at else entries(self.made)[:1])

        return page

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if waiting := self.errors.get(name):
            raise waiting.pop(0)

    # --- the clock

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.time)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Desk:
    """Somebody who runs a job."""

    google: Google
    journal: Journal
    told: list[str] = field(default_factory=list)

    @property
    def shop(self) -> JobShop:
        google = self.google
        return JobShop(
            jobs=google, entries=google.entries, journal=self.journal, clock=google, on_progress=self.told.append
        )

    def run(self) -> list[str]:
        """The reason of each target that was not probed; ``passed`` or ``failed`` for the others."""
        probed = run_probe_job(self.google.made, self.shop, run="run1")
        return [_word(one) for one in probed]

    def events(self) -> list[tuple[str, str]]:
        return [(text_at(one, "event"), text_at(one, "result")) for one in self.journal.read().records]


def _word(probed: ProbeResult | Unprobed) -> str:
    if isinstance(probed, Unprobed):
        return probed.reason
    return "passed" if probed.passed else "failed"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Google(plan()), Journal(tmp_path / "journal.jsonl"))


def test_a_job_is_made_run_read_and_deleted_with_a_line_before_and_after(desk: Desk) -> None:
    assert desk.run() == ["passed", "passed"]
    assert desk.google.calls == ["create", "run", "get", "get", "get", "read", "delete"]
    assert desk.events() == [("job-intent", ""), ("job-finished", "deleted")]


def test_results_are_asked_for_by_the_label_of_the_execution(desk: Desk) -> None:
    desk.run()

    assert 'resource.type="cloud_run_job"' in desk.google.filters[0]
    assert 'resource.labels.job_name="gcpdiag-probe-1a2b3c4d"' in desk.google.filters[0]
    assert 'labels."run.googleapis.com/execution_name"="one-x"' in desk.google.filters[0]


def test_entries_that_appear_late_are_waited_for(desk: Desk) -> None:
    desk.google.told_at = 30

    assert desk.run() == ["passed", "passed"]


def test_entries_that_do_not_appear_leave_their_targets_unknown(desk: Desk) -> None:
    desk.google.told_at = 10_000

    assert desk.run() == ["passed", "its results did not appear in the log in time"]
    assert desk.google.calls[-1] == "delete"


@pytest.mark.parametrize("kind", ["unavailable", "quota", "timeout"])
def test_a_question_that_goes_unanswered_once_is_asked_again(desk: Desk, kind: FailureKind) -> None:
    desk.google.errors = {"get": [failure(kind)], "read": [failure(kind)]}

    assert desk.run() == ["passed", "passed"]


@pytest.mark.parametrize("kind", ["denied", "rejected", "conflict", "quota", "disabled"])
def test_a_job_that_is_refused_was_not_made_and_is_not_deleted(desk: Desk, kind: FailureKind) -> None:
    desk.google.errors = {"create": [failure(kind)]}
    with pytest.raises(RefusedError, match="nothing was changed"):
        desk.run()

    assert desk.google.calls == ["create"]
    assert desk.events() == [("job-intent", ""), ("job-finished", "not-made")]


@pytest.mark.parametrize("kind", ["unavailable", "timeout"])
def test_a_job_of_which_nobody_knows_whether_it_was_made_is_deleted(desk: Desk, kind: FailureKind) -> None:
    desk.google.errors = {"create": [failure(kind)], "delete": [failure("not-found")]}

    assert desk.run() == ["the job could not be followed: told"] * 2
    assert desk.events()[-1] == ("job-finished", "deleted")


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"creation": {"name": "o"}}, "the job was not ready within 120 s"),
        ({"creation": {"done": True, "error": {"message": "no image"}}}, "the job did not become ready: no image"),
        ({"start": {"error": {"message": "busy"}}}, "it could not be started: busy"),
        ({"ends_at": 10_000}, "the job did not end in time"),
    ],
)
def test_a_job_that_does_not_come_to_its_end_is_deleted(desk: Desk, change: dict[str, object], reason: str) -> None:
    for name, value in change.items():
        setattr(desk.google, name, value)

    assert desk.run() == [reason] * 2
    assert desk.google.calls[-1] == "delete"


def test_an_execution_that_failed_says_why_and_keeps_what_was_told_before(desk: Desk) -> None:
    condition: Json = {"type": "Completed", "state": "CONDITION_FAILED", "message": "exit code: 1"}
    desk.google.end = {"completionTime": "2030-01-01T12:00:05Z", "failedCount": 1, "conditions": [condition]}
    desk.google.told_at = 10_000

    assert desk.run() == ["passed", "the job failed: exit code: 1"]
    assert desk.google.time < 30


@pytest.mark.parametrize("call", ["create", "run", "get", "read"])
def test_an_interruption_at_any_call_deletes_the_job(desk: Desk, call: str) -> None:
    desk.google.errors = {call: [KeyboardInterrupt()]}
    with pytest.raises(KeyboardInterrupt):
        desk.run()

    assert desk.google.calls[-1] == "delete"
    assert desk.events()[-1] == ("job-finished", "deleted")


@pytest.mark.parametrize("error", [failure("denied", "403 no"), KeyboardInterrupt()])
def test_a_job_that_stays_is_told_with_the_command_and_found_later(desk: Desk, error: BaseException) -> None:
    desk.google.errors = {"delete": [error]}
    desk.run()

    name = desk.google.made.name
    told = f"gcloud run jobs delete gcpdiag-probe-1a2b3c4d --region=us-central1 --project={name.split('/')[1]} --quiet"
    assert told in desk.told[-1]
    assert jobs_left(desk.journal.read().records) == {"run1": name}
    assert delete_job(name, desk.shop, run="run1")
    assert jobs_left(desk.journal.read().records) == {}


def test_without_a_journal_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    desk = Desk(Google(plan()), Journal(tmp_path / "file" / "journal.jsonl"))
    with pytest.raises(JournalError):
        desk.run()

    assert desk.google.calls == []


# --- the plan


def test_a_plan_survives_being_written_down() -> None:
    made = plan(DIRECT)
    again = plan_from_json(plan_to_json(made.plan))

    assert again == made.plan
    assert service_of(again) == "projects/demo-staging/locations/us-central1/services/api"
    assert job_plan_of(again, made.service).targets == TARGETS


def test_direct_vpc_egress_is_given_time_to_connect() -> None:
    direct, neither = (object_at(one.job, "template.template") for one in (plan(DIRECT), plan()))

    assert objects_at(direct, "containers")[0]["args"] == ["probe", "--timeout", "10s", "--settle", "90s"]
    assert objects_at(neither, "containers")[0]["args"] == ["probe", "--timeout", "10s"]
    assert (direct["timeout"], neither["timeout"]) == ("170s", "80s")
    assert direct["vpcAccess"] == DIRECT


def test_a_service_without_a_way_into_a_vpc_is_told() -> None:
    assert any("no way into a VPC" in one for one in plan().plan.steps[0].warnings)
    assert not any("no way into a VPC" in one for one in plan(DIRECT).plan.steps[0].warnings)


def test_a_plan_shows_that_no_service_is_reached() -> None:
    text = render_plan(plan().plan)

    assert "Reaches     no service; what is made is deleted again" in text
    assert "10.30.0.3:6379" in text


def test_the_image_is_of_this_version_in_the_projects_own_registry() -> None:
    assert default_image("demo", "europe-west1").startswith("europe-west1-docker.pkg.dev/demo/gcpdiag/gcpdiag:")
    assert default_image("example.com:demo", "r").startswith("r-docker.pkg.dev/example.com/demo/")


@pytest.mark.parametrize(
    "change, guard",
    [
        ({"digest": "0" * 64}, "plan-intact"),
        ({"actor": "you"}, "plan-own"),
        ({"policy": Policy(allowed_projects=("other",))}, "project-allowed"),
        ({"policy": Policy(production_projects=("demo-*",))}, "project-allowed"),
    ],
)
def test_guards_of_plan_and_project_refuse(change: dict[str, object], guard: str) -> None:
    made = plan()
    told = {"digest": made.plan.digest, "actor": "me", "policy": Policy(), "production": False, "confirmed": ""}
    verdicts = judge_job(made, JobRequest(**{**told, **change}), now=NOON)  # type: ignore[arg-type]

    assert [one.guard for one in verdicts if one.stops] == [guard]


def test_a_plan_that_is_too_old_is_refused() -> None:
    made = plan()
    request = JobRequest(digest=made.plan.digest, actor="me", policy=Policy(), production=False, confirmed="")

    assert [one.guard for one in judge_job(made, request, now=NOON + timedelta(minutes=16)) if one.stops] == [
        "plan-fresh"
    ]
