"""Commands on a live project, in processes of their own, against an emulator that speaks Google's protocols."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.model.json import Json, JsonObject
from tests.making import ENTRIES, PARENT, REVISIONS, SERIES, SERVICES, Files, bundle, moment, request, service

FIXTURES = Path(__file__).parents[2] / "fixtures"
SCHEMA = json.loads((Path(__file__).parents[1] / "report" / "diagnosis.schema.json").read_text())
STAGING = ("--from", "2025-09-15T19:25:00Z", "--to", "2025-09-15T20:25:00Z")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with serve(load_bundle(FIXTURES / "staging-503")) as running:
        yield running


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "gcpdiag", *map(str, arguments)]


def at(emulator: Emulator) -> dict[str, str]:
    return {**os.environ, "GCPDIAG_EMULATOR_HOST": emulator.http}


def gcpdiag(emulator: Emulator, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = command(*arguments)
    return subprocess.run(done, capture_output=True, text=True, check=False, timeout=120, env=at(emulator))


def test_a_live_triage_names_the_cause_and_exits_with_the_incidents_code(emulator: Emulator) -> None:
    done = gcpdiag(emulator, "triage", *STAGING, "--output", "json")

    diagnosis = json.loads(done.stdout)
    jsonschema.validate(diagnosis, SCHEMA)
    assert done.returncode == 10
    assert done.stderr == ""
    assert diagnosis["root_causes"][0]["id"] == "vpc-connector/egress-blocked"
    assert diagnosis["stats"]["api_calls"] <= 40
    assert diagnosis["stats"]["calls"]["logging.entries"] <= 6
    assert diagnosis["stats"]["duration_ms"] > 0


def test_nothing_that_triage_and_collect_send_could_change_anything(emulator: Emulator, tmp_path: Path) -> None:
    gcpdiag(emulator, "triage", *STAGING)
    gcpdiag(emulator, "collect", *STAGING, "-o", tmp_path / "out.zip")

    assert emulator.requests
    assert [one for one in emulator.requests if one.mutates] == []


def test_what_collect_keeps_gives_the_same_cause_without_a_project(emulator: Emulator, tmp_path: Path) -> None:
    kept = gcpdiag(emulator, "collect", *STAGING, "-o", tmp_path / "incident.zip")
    again = gcpdiag(emulator, "triage", "--bundle", tmp_path / "incident.zip", "--output", "json")
    live = gcpdiag(emulator, "triage", *STAGING, "--output", "json")

    assert kept.returncode == 0
    assert kept.stdout.strip() == str(tmp_path / "incident.zip")
    assert causes(again) == causes(live)


def test_a_triage_keeps_its_bundle_when_asked(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(emulator, "triage", *STAGING, "--save-bundle", tmp_path / "kept", "--output", "json")
    again = gcpdiag(emulator, "triage", "--bundle", tmp_path / "kept", "--output", "json")

    assert causes(done) == causes(again)


def causes(done: subprocess.CompletedProcess[str]) -> list[tuple[str, float]]:
    return [(one["id"], one["confidence"]) for one in json.loads(done.stdout)["root_causes"]]


@pytest.mark.parametrize(
    "arguments, code, complaint",
    [
        (("triage", "--project", "demo-stagin", *STAGING), 3, "Did you mean --project demo-staging"),
        (("triage", "--region", "us-centrl1", *STAGING), 2, "give --region us-central1"),
        (("triage", "--service", "backend-stagin", *STAGING), 2, "no service 'backend-stagin'"),
        (("triage", "--bundle", "x", "--since", "1h"), 2, "--since has no meaning with --bundle"),
        (("triage", "--since", "yesterday"), 2, "is not a duration"),
        (("triage", "--from", "noon"), 2, "is not a time"),
        (("triage", "--deadline", "soon"), 2, "is not a duration"),
        (("triage", "--from", "2025-09-15T20:00:00Z", "--to", "2025-09-15T19:00:00Z"), 2, "before it starts"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_way_on(
    emulator: Emulator, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    done = gcpdiag(emulator, *arguments)

    assert done.returncode == code
    assert complaint in done.stderr
    assert done.stdout == ""


def test_an_emulator_that_is_not_there_is_named() -> None:
    environ = {**os.environ, "GCPDIAG_EMULATOR_HOST": "127.0.0.1:9"}

    done = subprocess.run(command("triage"), capture_output=True, text=True, check=False, timeout=60, env=environ)

    assert done.returncode == 3
    assert "no emulator answers at 127.0.0.1:9" in done.stderr


@pytest.mark.parametrize("source", ["logging.entries", "run.services"])
def test_an_interruption_ends_at_once_with_what_is_known(source: str) -> None:
    with serve(load_bundle(FIXTURES / "redis"), faults=[parse_fault(f"{source}=hang")]) as emulator:
        window = emulator.state.window
        times = ("--from", window.start.isoformat(), "--to", window.end.isoformat())
        running = subprocess.Popen(
            command("triage", *times, "--output", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=at(emulator),
        )
        wait_for(emulator, calls=20 if source == "logging.entries" else 1)
        running.send_signal(signal.SIGINT)
        output, complaint = running.communicate(timeout=20)

    assert running.returncode == 130
    assert complaint == "gcpdiag: interrupted; this is what was known by then\n"
    assert source in {one["source"] for one in json.loads(output)["unknown"]}


def wait_for(emulator: Emulator, *, calls: int) -> None:
    """Wait until so many calls came in."""
    pause = threading.Event()
    for _ in range(400):
        if len(emulator.requests) >= calls:
            break
        pause.wait(0.05)
    pause.wait(0.3)


def test_the_demo_can_be_had_live() -> None:
    done = subprocess.run(
        command("demo", "--live", "-o", "json"), capture_output=True, text=True, check=True, timeout=90
    )

    assert json.loads(done.stdout)["root_causes"][0]["id"] == "vpc-connector/egress-blocked"
    assert json.loads(done.stdout)["stats"]["api_calls"] > 20
    assert done.stderr == ""


@pytest.mark.parametrize("now", [True])
def test_without_times_the_hour_before_now_is_looked_at(now: bool) -> None:  # noqa: FBT001 - the emulator's --now
    with serve(load_bundle(FIXTURES / "staging-503"), now=now) as emulator:
        done = gcpdiag(emulator, "triage", "--output", "json")

    assert json.loads(done.stdout)["root_causes"][0]["id"] == "vpc-connector/egress-blocked"


def test_a_hundred_services_take_as_many_calls_as_one() -> None:
    assert calls_for(100) == calls_for(1)


def calls_for(services: int) -> int:
    names = [f"svc-{number:03}" for number in range(services)]
    files: Files = {
        SERVICES: [service(name) for name in names],
        REVISIONS: [{"name": f"{PARENT}/services/{name}/revisions/{name}-00001-abc"} for name in names],
        SERIES: [request_count(name) for name in names],
        ENTRIES: [request(200, minute=minute, service=name) for name in names for minute in (10, 20)],
        "vpcaccess/connectors.json": [],
        "sqladmin/instances.json": [],
        "redis/instances.json": [],
        "compute/routers.json": [],
    }
    with serve(bundle(files)) as emulator:
        done = gcpdiag(emulator, "triage", *STAGING, "--output", "json")
    found = json.loads(done.stdout)
    assert len(found["services"]) == services
    count: int = found["stats"]["api_calls"]
    return count


def request_count(name: str) -> JsonObject:
    points: list[Json] = [
        {
            "interval": {"startTime": moment(minute - 1), "endTime": moment(minute)},
            "value": {"int64Value": "5"},
        }
        for minute in range(60, 0, -1)
    ]
    labels: JsonObject = {"service_name": name, "location": "us-central1", "revision_name": f"{name}-00001-abc"}
    return {
        "metric": {
            "type": "run.googleapis.com/request_count",
            "labels": {"response_code": "200", "response_code_class": "2xx"},
        },
        "resource": {"type": "cloud_run_revision", "labels": labels},
        "metricKind": "DELTA",
        "valueType": "INT64",
        "points": points,
    }
