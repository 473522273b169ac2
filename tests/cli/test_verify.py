"""``gcpdiag verify`` and ``gcpdiag triage --probe``, in processes of their own, against servers and an emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gcpdiag.bundle.format import PROBES
from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.model.json import JsonObject
from tests.making import ENTRIES, REDIS, SERVICES, bundle, requests, service
from tests.verify.faults import OK, Pages, refused, response, serving

HOUR = ("--from", "2025-09-15T19:25:00Z", "--to", "2025-09-15T20:25:00Z")


def gcpdiag(*arguments: str | Path, at: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gcpdiag", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environ}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env, cwd=at)


def test_everything_that_is_met_ends_with_zero(tmp_path: Path) -> None:
    with serving(Pages(OK)) as address:
        done = gcpdiag("verify", "--http", f"http://{address}/health", "--tcp", str(address), at=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ met       HTTP 200, 3 times in a row" in done.stdout
    assert done.stdout.endswith("Recovered: 2 of 2 criteria met.\n")


def test_one_criterion_that_is_not_met_ends_with_ten(tmp_path: Path) -> None:
    with serving(Pages(response("503 Service Unavailable"))) as address:
        done = gcpdiag("verify", "--http", f"http://{address}/", "--output", "json", at=tmp_path)

    document = json.loads(done.stdout)
    assert done.returncode == 10
    assert document["outcome"] == "not met"
    assert document["probes"][0]["status"] == 503


def test_what_cannot_be_probed_at_all_ends_with_three_and_in_part_with_eleven(tmp_path: Path) -> None:
    redis = f"redis://{refused()}?password_env=NOT_SET"
    nothing = gcpdiag("verify", "--redis", redis, at=tmp_path)
    with serving(Pages(OK)) as address:
        part = gcpdiag("verify", "--redis", redis, "--tcp", str(address), at=tmp_path)

    assert (nothing.returncode, part.returncode) == (3, 11)
    assert "the environment variable NOT_SET is not set" in " ".join(part.stdout.split())


def test_a_password_in_an_argument_is_wrong_usage_and_not_repeated(tmp_path: Path) -> None:
    done = gcpdiag("verify", "--redis", "redis://:hunter2@cache.example", at=tmp_path)

    assert done.returncode == 2
    assert "there is a password in this address" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_targets_of_the_file_in_the_directory_are_taken_and_secrets_stay_secret(tmp_path: Path) -> None:
    pages, planted = Pages(OK), "planted-s3cret"
    with serving(pages) as address:
        (tmp_path / "gcpdiag.toml").write_text(
            f'[[verify.targets]]\nkind = "http"\nurl = "http://{address}/"\ntoken = {{ env = "API_TOKEN" }}\n'
        )
        done = gcpdiag("verify", "--output", "markdown", at=tmp_path, API_TOKEN=planted)

    assert done.returncode == 0
    assert "- [x] **HTTP 200, 3 times in a row**" in done.stdout
    assert b"Bearer planted-s3cret" in pages.asked[0]
    assert "planted-s3cret" not in done.stdout + done.stderr


def test_junit_is_a_document_for_ci(tmp_path: Path) -> None:
    done = gcpdiag("verify", "--tcp", str(refused()), "--output", "junit", at=tmp_path)

    suite = ET.fromstring(done.stdout)[0]  # noqa: S314 - of our own making
    assert (suite.get("failures"), done.returncode) == ("1", 10)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A project whose service answers at an address of this machine, and was broken for twenty minutes."""
    with serving(Pages(OK)) as address:
        document = {**service(env={"REDIS": str(refused())}), "uri": f"http://{address}"}
        document["latestCreatedRevision"] = document["latestReadyRevision"]
        host, port = "127.0.0.1", refused().port
        cache: JsonObject = {
            "name": "projects/demo-staging/locations/us-central1/instances/cache",
            "host": host,
            "port": port,
        }
        entries = [
            one
            for _ in range(6)
            for one in (*requests(200, range(20)), *requests(503, range(20, 40)), *requests(200, range(40, 60)))
        ]
        with serve(bundle({SERVICES: [document], ENTRIES: entries, REDIS: [cache]})) as running:
            yield running


def test_a_live_projects_records_and_topology_are_looked_at_and_nothing_is_changed(
    emulator: Emulator, tmp_path: Path
) -> None:
    done = gcpdiag(
        *("verify", *HOUR, "--since-action", "2025-09-15T20:06:00Z", "--output", "json"),
        at=tmp_path,
        GCPDIAG_EMULATOR_HOST=emulator.http,
    )

    verdicts = {one["title"]: one["verdict"] for one in json.loads(done.stdout)["criteria"]}
    assert verdicts["5xx rate has fallen"] == "met"
    assert verdicts["HTTP no 5xx, 3 times in a row"] == "met"
    assert verdicts["Redis answers within 2 s and takes writes"] == "not met"
    assert verdicts["restarts have stopped"] == "met"
    assert verdicts["latest revision serves"] == "met"
    assert done.returncode == 10
    assert [one for one in emulator.requests if one.mutates] == []


def test_right_after_the_action_it_is_too_early_and_ends_with_eleven(emulator: Emulator, tmp_path: Path) -> None:
    done = gcpdiag(
        *("verify", *HOUR, "--since-action", "2025-09-15T20:24:00Z", "--no-discover"),
        at=tmp_path,
        GCPDIAG_EMULATOR_HOST=emulator.http,
    )

    assert done.returncode == 11
    assert "too early" in done.stdout
    assert "ask again after" in done.stdout


def test_a_bundle_is_verified_without_a_project(tmp_path: Path) -> None:
    fixture = Path(__file__).parents[2] / "fixtures" / "staging-503"
    done = gcpdiag("verify", "--bundle", fixture, "--no-discover", "--service", "auth-staging", at=tmp_path)
    both = gcpdiag("verify", "--bundle", fixture, "--project", "other", at=tmp_path)

    assert done.returncode == 10
    assert "5xx rate has fallen" in done.stdout
    assert both.returncode == 2


def test_triage_with_probes_keeps_what_they_saw_in_the_bundle(emulator: Emulator, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = gcpdiag(
        *("triage", *HOUR, "--probe", "--save-bundle", kept, "--output", "json"),
        at=tmp_path,
        GCPDIAG_EMULATOR_HOST=emulator.http,
    )

    results = load_bundle(kept).resources(PROBES) or ()
    assert done.returncode in {0, 10, 11}
    assert {(one["kind"], one["ok"]) for one in results} == {("http", True), ("redis", False)}


def test_probes_have_no_meaning_for_a_bundle_on_disk(tmp_path: Path) -> None:
    done = gcpdiag("triage", "--probe", "--bundle", tmp_path, at=tmp_path)

    assert done.returncode == 2
    assert "--probe has no meaning with --bundle" in done.stderr


def test_a_project_that_cannot_be_read_does_not_keep_probes_from_being_made(tmp_path: Path) -> None:
    nobody = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none.json"), "CLOUDSDK_CONFIG": str(tmp_path)}
    with serving(Pages(OK)) as address:
        some = gcpdiag("verify", "--project", "demo", "--tcp", str(address), at=tmp_path, **nobody)
    none = gcpdiag("verify", "--project", "demo", at=tmp_path, **nobody)

    assert (some.returncode, none.returncode) == (11, 3)
    assert "met       TCP accepts connections" in some.stdout
    assert "records of the project" in some.stdout


def test_triage_says_what_it_could_not_probe_and_why(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "gcpdiag.toml").write_text(
        '[[verify.targets]]\nkind = "redis"\naddress = "cache.example"\npassword = { env = "NOT_SET" }\n'
    )
    done = gcpdiag("triage", *HOUR, "--probe", at=tmp_path, GCPDIAG_EMULATOR_HOST=emulator.http)

    assert "gcpdiag: not probed: the environment variable NOT_SET is not set" in done.stderr
