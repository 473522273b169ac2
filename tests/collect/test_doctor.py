"""A check-up: what the answers of Google, of files and of this machine come to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.collect.checkup import Checkup, Told
from gcpdiag.collect.doctor import CheckupRequest, check_up, examine
from gcpdiag.collect.installation import Installation
from gcpdiag.collect.live import Clock, LiveRequest, collect_live
from gcpdiag.collect.permission import ACT_AS, BUNDLE_ONLY, PERMISSIONS
from gcpdiag.emulator.serve import Emulator
from gcpdiag.errors import UsageError
from gcpdiag.gcp.access import AccessOptions
from gcpdiag.gcp.endpoint import EMULATOR_VARIABLE
from gcpdiag.gcp.failure import CallError, Failure
from gcpdiag.gcp.read import Page, PageCall
from gcpdiag.model.json import JsonObject
from gcpdiag.model.window import Window
from tests.collect.making import NOON, WINDOW, FakeClock
from tests.making import PROJECT, SERVICES, bundle

ALL = frozenset(one.name for one in PERMISSIONS)
APIS = frozenset(one.api for one in PERMISSIONS if one.api)
DENIED = Failure(kind="denied", text="403 for the test")
HERE = Installation(version="1", python="3", libraries={}, commands=())


@dataclass
class FakeReader:
    """A project in which some permissions are granted and some APIs are on; ``failing`` names what is refused."""

    permissions: frozenset[str] = ALL
    apis: frozenset[str] = APIS
    series: Sequence[JsonObject] = ()
    not_valid: frozenset[str] = frozenset()
    failing: Mapping[str, Failure] = field(default_factory=dict)

    def granted(self, project: str, permissions: Sequence[str], *, timeout: float) -> frozenset[str]:
        del project, timeout
        self._refuse("permissions")
        if self.not_valid & set(permissions):
            raise CallError(Failure(kind="rejected", text="400 Permission X is not valid for this resource."))
        return self.permissions & set(permissions)

    def enabled_apis(self, project: str) -> PageCall:
        del project
        return self._page("apis", [{"config": {"name": one}} for one in sorted(self.apis)])

    def time_series(self, project: str, metric_filter: str, window: Window) -> PageCall:
        del project, metric_filter, window
        return self._page("series", self.series)

    def _page(self, name: str, resources: Sequence[JsonObject]) -> PageCall:
        def page(token: str, timeout: float) -> Page:
            del token, timeout
            self._refuse(name)
            return Page(resources=resources)

        return page

    def _refuse(self, name: str) -> None:
        if name in self.failing:
            raise CallError(self.failing[name])


def examined(reader: FakeReader, *, seconds: float = 30.0) -> Checkup:
    time = FakeClock()
    clock = Clock(now=lambda: NOON, monotonic=time.monotonic, sleep=time.sleep)
    blank = Checkup(installation=HERE, project=Told(value=PROJECT, origin="--project"))
    return examine(blank, reader, clock, timedelta(seconds=seconds))


def grants(checkup: Checkup) -> dict[str, str]:
    return {one.permission.name: one.grant for one in checkup.holdings}


# --- permissions


def test_with_every_permission_and_api_triage_is_ready() -> None:
    assert examined(FakeReader()).verdict.readiness == "ready"


def test_a_missing_permission_tells_what_triage_does_not_see() -> None:
    checkup = examined(FakeReader(permissions=ALL - {"vpcaccess.connectors.list"}))

    assert grants(checkup)["vpcaccess.connectors.list"] == "missing"
    assert checkup.verdict.readiness == "partial"
    assert checkup.verdict.without == ("Serverless VPC Access connectors",)


@pytest.mark.parametrize("name", ["compute.urlMaps.list", "resourcemanager.projects.get", "run.services.update"])
def test_what_triage_does_not_read_does_not_spoil_its_verdict(name: str) -> None:
    checkup = examined(FakeReader(permissions=ALL - {name}))

    assert grants(checkup)[name] == "missing"
    assert checkup.verdict.readiness == "ready"


def test_with_no_permission_at_all_triage_cannot_work() -> None:
    verdict = examined(FakeReader(permissions=frozenset())).verdict

    assert (verdict.readiness, "none of its permissions is granted" in verdict.reason) == ("blocked", True)


def test_a_permission_that_google_rejects_is_unknown_and_the_others_are_still_told() -> None:
    reader = FakeReader(permissions=ALL - {"run.services.list"}, not_valid=frozenset({"redis.instances.list"}))

    checkup = examined(reader)

    found = grants(checkup)
    assert (found["redis.instances.list"], found["run.services.list"]) == ("unknown", "missing")
    assert found["run.revisions.list"] == "granted"
    assert checkup.verdict.unsure == ("Memorystore for Redis instances",)
    assert checkup.holdings_failure is None


def test_permissions_that_could_not_be_looked_at_are_unknown_and_not_missing() -> None:
    checkup = examined(FakeReader(failing={"permissions": DENIED}))

    assert set(grants(checkup).values()) == {"unknown"}
    assert checkup.verdict.readiness == "unverified"


@pytest.mark.parametrize("kind", ["denied", "not-found", "timeout", "unavailable"])
def test_a_project_that_answers_nothing_blocks_triage(kind: str) -> None:
    failure = Failure(kind=kind, text=f"{kind} for the test")  # type: ignore[arg-type]

    verdict = examined(FakeReader(failing={"permissions": failure, "apis": failure, "series": failure})).verdict

    assert verdict.readiness == "blocked"
    assert ("it does not exist" in verdict.reason) == (kind in {"denied", "not-found"})


def test_an_api_that_is_off_for_the_question_itself_says_nothing_about_triage() -> None:
    off = Failure(kind="disabled", text="403 Cloud Resource Manager API is disabled")

    assert examined(FakeReader(failing={"permissions": off, "apis": DENIED})).verdict.readiness == "unverified"


def test_acting_as_an_account_may_be_granted_there_so_the_project_cannot_say_that_it_is_missing() -> None:
    checkup = examined(FakeReader(permissions=ALL - {ACT_AS}))

    assert grants(checkup)[ACT_AS] == "unknown"
    assert [one.name for one in checkup.to_grant("changes")] == [ACT_AS]


def test_a_call_that_hangs_ends_with_the_deadline() -> None:
    hanging = threading.Event()

    class Hanging(FakeReader):
        def granted(self, project: str, permissions: Sequence[str], *, timeout: float) -> frozenset[str]:
            hanging.wait()
            return super().granted(project, permissions, timeout=timeout)

    checkup = examined(Hanging(), seconds=0.05)
    hanging.set()

    assert checkup.holdings_failure is not None
    assert checkup.holdings_failure.kind == "timeout"


# --- APIs and quota


def test_an_api_that_is_off_is_lost_though_its_permission_is_granted() -> None:
    checkup = examined(FakeReader(apis=APIS - {"redis.googleapis.com"}))

    assert checkup.apis_that_are("off") == ("redis.googleapis.com",)
    assert checkup.verdict.without == ("Memorystore for Redis instances (API off)",)


def test_apis_that_may_not_be_listed_are_unknown_and_not_off() -> None:
    checkup = examined(FakeReader(failing={"apis": DENIED}))

    assert set(checkup.apis_that_are("unknown")) == APIS
    assert checkup.verdict.readiness == "partial"
    assert "which APIs are on is not known" in checkup.verdict.reason


def usage(metric: str, *points: tuple[int, int], seconds: int = 60) -> JsonObject:
    """Return a series of reads used, as ``(minutes before noon, count)``."""
    return {
        "metric": {"labels": {"quota_metric": metric}},
        "points": [
            {
                "interval": {
                    "startTime": (NOON - timedelta(minutes=minute, seconds=seconds)).isoformat(),
                    "endTime": (NOON - timedelta(minutes=minute)).isoformat(),
                },
                "value": {"int64Value": str(count)},
            }
            for minute, count in points
        ],
    }


READS = "logging.googleapis.com/read_requests"


def test_log_reads_left_are_those_of_the_busiest_recent_minute() -> None:
    series = [usage(READS, (5, 12), (4, 3)), usage(READS, (5, 20)), usage("another", (5, 500))]

    reads = examined(FakeReader(series=series)).log_reads

    assert (reads.used, reads.left, reads.until) == (32, 28, NOON - timedelta(minutes=4))


@pytest.mark.parametrize("series", [[], [usage("another", (5, 5))], [usage(READS, (5, 50), seconds=3600)]])
def test_log_reads_are_unknown_rather_than_guessed(series: Sequence[JsonObject]) -> None:
    reads = examined(FakeReader(series=series)).log_reads

    assert (reads.used, reads.left) == (None, None)


# --- the whole, over the wire


RECORDED: list[JsonObject] = [
    {"source": "vpcaccess.connectors", "status": "denied", "permission": "vpcaccess.connectors.list"},
    {"source": "redis.instances", "status": "disabled"},
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(bundle({SERVICES: []}, sources=[*RECORDED])) as running:
        yield running


def test_a_project_over_the_wire_is_told_as_it_is(emulator: Emulator) -> None:
    checkup = check_up(CheckupRequest(), Clock(), {EMULATOR_VARIABLE: emulator.http})

    assert (checkup.project.value, checkup.emulator) == (PROJECT, emulator.http)
    assert [name for name, grant in grants(checkup).items() if grant == "missing"] == ["vpcaccess.connectors.list"]
    assert checkup.apis_that_are("off") == ("redis.googleapis.com",)
    assert checkup.verdict.readiness == "partial"


def test_a_checkup_changes_nothing(emulator: Emulator) -> None:
    check_up(CheckupRequest(), Clock(), {EMULATOR_VARIABLE: emulator.http})

    assert emulator.requests
    assert not [one for one in emulator.requests if one.mutates]


def test_another_project_does_not_exist(emulator: Emulator) -> None:
    verdict = check_up(CheckupRequest(project="nope"), Clock(), {EMULATOR_VARIABLE: emulator.http}).verdict

    assert (verdict.readiness, "project nope: it does not exist" in verdict.reason) == ("blocked", True)


def test_triage_reads_the_sources_that_a_checkup_says_it_reads(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EMULATOR_VARIABLE, emulator.http)

    collect_live(LiveRequest(window=WINDOW, regions=("us-central1",)), Clock())

    asked = {one.source for one in emulator.requests}
    assert not asked & BUNDLE_ONLY
    assert asked >= {one.source for one in PERMISSIONS if one.need == "triage"}


def test_without_credentials_the_rest_is_still_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    environ = {
        "CLOUDSDK_CONFIG": str(tmp_path),
        "CLOUDSDK_CORE_PROJECT": "from-gcloud",
        "CLOUDSDK_CORE_ACCOUNT": "ada@example.com",
        "CLOUDSDK_RUN_REGION": "europe-west1",
        "GOOGLE_APPLICATION_CREDENTIALS": "missing.json",
    }

    checkup = check_up(CheckupRequest(), Clock(), environ)

    assert checkup.verdict.readiness == "blocked"
    assert (checkup.project.value, checkup.region.value) == ("from-gcloud", "europe-west1")
    assert checkup.caller.account.value == "ada@example.com"
    assert checkup.caller.credentials == "missing.json (GOOGLE_APPLICATION_CREDENTIALS), which cannot be used"
    assert checkup.obstacle is not None
    assert "application-default login" in checkup.obstacle.hint


def test_without_a_project_the_account_is_still_told(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("not-a-real-token")
    request = CheckupRequest(access=AccessOptions(token_file=token))

    checkup = check_up(request, Clock(), {"HOME": str(tmp_path)})

    assert checkup.verdict.reason == "no project is set"
    assert checkup.caller.credentials == f"access token in {token}"


def test_an_emulator_that_is_gone_is_an_obstacle_and_gcloud_is_not_asked_instead(tmp_path: Path) -> None:
    environ = {EMULATOR_VARIABLE: "127.0.0.1:9", "CLOUDSDK_CORE_PROJECT": "from-gcloud", "HOME": str(tmp_path)}

    checkup = check_up(CheckupRequest(), Clock(), environ)

    assert (checkup.verdict.readiness, checkup.project.value) == ("blocked", "")


def test_a_token_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    request = CheckupRequest(access=AccessOptions(token_file=tmp_path / "missing"))

    with pytest.raises(UsageError):
        check_up(request, Clock(), {"HOME": str(tmp_path)})
