"""``gcpdiag restart``, ``scale``, ``rollback``, ``traffic unpin``, ``egress`` and ``plan``, as a person meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator
from gcpdiag.model.json import JsonObject
from gcpdiag.remediate.document import load_plan, plan_from_json
from tests.emulator.asking import http_answer
from tests.emulator.rolling import FIXTURES, NAME
from tests.making import PARENT, REVISIONS, SERVICES, bundle

SERVICE = "backend-staging"


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(load_bundle(FIXTURES / "staging-503"), now=True) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Iterator[Emulator]:
    http_answer(running.http, "/_emulator/reset", method="POST")
    before = configuration(running)
    yield running
    assert configuration(running) == before, "a dry run has changed the service"


def configuration(emulator: Emulator) -> object:
    return http_answer(emulator.http, f"/v2/{NAME}", host="run.googleapis.com")[1]


def gcpdiag(emulator: Emulator, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, without a terminal, for somebody who has never signed in."""
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environ |= {"HOME": str(home), "XDG_STATE_HOME": str(home), "GCPDIAG_EMULATOR_HOST": emulator.http}
    command = [sys.executable, "-m", "gcpdiag", *arguments]
    root = Path(__file__).parents[2]
    environ["PYTHONPATH"] = str(root)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ, cwd=home)


def test_a_dry_run_is_the_default_and_shows_the_plan(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "scale", SERVICE, "--max-instances", "10", "--reason", "the database is full")

    assert done.returncode == 0
    assert f"Target      {NAME}" in done.stdout
    assert "  scaling.maxInstanceCount\n    - (not set)\n    + 10\n" in done.stdout
    assert "Because     the database is full" in done.stdout
    assert "Cloud Run accepts this change" in done.stdout
    assert done.stdout.endswith("Nothing was changed. Add --apply to carry it out.\n")


def test_json_is_the_plan_and_nothing_else(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "restart", SERVICE, "--output", "json")

    plan = plan_from_json(json.loads(done.stdout))
    assert (done.returncode, plan.steps[0].kind, plan.steps[0].target) == (0, "restart", NAME)
    assert (plan.validation, plan.radius.services, plan.radius.traffic_percent) == ("accepted", (NAME,), 100)


def test_a_plan_is_kept_for_its_owner_alone(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    arguments = ["--setting", "private-ranges-only", "-o", str(path), "--cause", "vpc-connector/egress-blocked"]

    done = gcpdiag(emulator, tmp_path, "plan", "egress", SERVICE, *arguments, "--confidence", "0.93")

    assert done.returncode == 0, done.stderr
    assert f"gcpdiag apply {path}" in done.stdout
    plan = load_plan(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (plan.causes, plan.confidence) == (("vpc-connector/egress-blocked",), 0.93)


def test_a_revision_to_go_back_to_may_be_named(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "rollback", SERVICE, "--to", "backend-staging-00703-hwt")

    assert done.returncode == 0
    assert "+ backend-staging-00703-hwt" in done.stdout
    assert "do not roll back" in done.stdout


def test_no_revision_to_go_back_to_is_refused_with_a_reason_for_each(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "rollback", SERVICE)

    assert (done.returncode, done.stdout) == (4, "")
    assert "backend-staging-00704-9fz: serves now" in done.stderr
    assert "requests with 5xx" in done.stderr


def test_the_best_revision_is_found_by_what_it_has_served(tmp_path: Path) -> None:
    with Emulator(load_bundle(FIXTURES / "regression"), now=True) as emulator:
        done = gcpdiag(emulator, tmp_path, "rollback", "orders")

    assert done.returncode == 0, done.stderr
    assert "+ orders-00203-fnl" in done.stdout
    assert "139 requests without a 5xx" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["scale", SERVICE, "--memory", "64Gi"], "no instance has 64Gi"),
        (["scale", SERVICE, "--cpu", "1", "--memory", "8Gi"], "Give --cpu 2 (or 4, 6, 8) with --memory 8Gi"),
        (["scale", SERVICE, "--min-instances", "5", "--max-instances", "3"], "exclude each other"),
        (["scale", SERVICE], "which limit shall change?"),
    ],
)
def test_what_no_service_can_have_is_refused_before_any_call(
    arguments: list[str], told: str, emulator: Emulator, tmp_path: Path
) -> None:
    seen = len(emulator.requests)

    done = gcpdiag(emulator, tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not [one for one in emulator.requests[seen:] if one.api == "run"]


def test_what_this_service_cannot_have_is_refused_after_reading_alone(emulator: Emulator, tmp_path: Path) -> None:
    seen = len(emulator.requests)

    done = gcpdiag(emulator, tmp_path, "scale", SERVICE, "--memory", "32Gi")

    assert done.returncode == 2
    assert "4 CPU takes 2Gi to 16Gi. Give --cpu 8 with --memory 32Gi" in done.stderr
    assert not [one for one in emulator.requests[seen:] if one.mutates]


def test_nothing_to_do_is_success(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "traffic", "unpin", SERVICE, "--output", "json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["steps"] == []
    assert "nothing to do" in done.stderr


@pytest.mark.parametrize("arguments", [["backend-stagin"], ["nobody", "--region", "us-central1"]])
def test_a_service_that_is_not_there_is_wrong_usage(arguments: list[str], emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, "plan", "restart", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert SERVICE in done.stderr


def test_who_may_read_nothing_gets_exit_code_3(tmp_path: Path) -> None:
    faults = [parse_fault("run.services=denied")]
    with Emulator(load_bundle(FIXTURES / "staging-503"), faults=faults) as denied:
        done = gcpdiag(denied, tmp_path, "restart", SERVICE)

    assert (done.returncode, done.stdout) == (3, "")
    assert "run.services" in done.stderr


def test_what_cloud_run_refuses_is_shown_and_not_kept(tmp_path: Path) -> None:
    container: JsonObject = {"image": "gcr.io/demo/api", "resources": {"limits": {"cpu": "1", "memory": "30Gi"}}}
    service: JsonObject = {"name": f"{PARENT}/services/api", "etag": '"e"', "template": {"containers": [container]}}
    odd = bundle({SERVICES: [service], REVISIONS: []})
    path = tmp_path / "plan.json"

    with Emulator(odd) as emulator:
        done = gcpdiag(emulator, tmp_path, "scale", "api", "--max-instances", "5", "-o", str(path))

    assert done.returncode == 4
    assert "Cloud Run says: 400" in done.stdout
    assert "refuses this change; nothing was changed" in done.stderr
    assert not path.exists()


def test_a_file_that_is_there_is_not_replaced(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("mine")

    done = gcpdiag(emulator, tmp_path, "plan", "restart", SERVICE, "-o", str(path))

    assert done.returncode == 2
    assert path.read_text() == "mine"


def test_help_says_that_nothing_is_changed(emulator: Emulator, tmp_path: Path) -> None:
    for command in (["restart"], ["scale"], ["rollback"], ["egress"], ["traffic", "unpin"]):
        done = gcpdiag(emulator, tmp_path, *command, "--help")
        assert "Nothing is changed without --apply" in " ".join(done.stdout.split())
        assert "Example: gcpdiag" in done.stdout
