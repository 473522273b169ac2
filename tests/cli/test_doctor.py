"""``gcpdiag doctor`` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcpdiag.collect.permission import PERMISSIONS
from gcpdiag.emulator.serve import Emulator
from gcpdiag.model.json import JsonObject
from gcpdiag.shipped import role_file
from tests.making import PROJECT, bundle

DENIED: JsonObject = {
    "source": "vpcaccess.connectors",
    "status": "denied",
    "permission": "vpcaccess.connectors.list",
    "error": "403 Permission denied",
}
OFF: JsonObject = {"source": "redis.instances", "status": "disabled"}


def doctor(*arguments: str, emulator: Emulator | None = None, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, 80 columns wide, where nobody has ever signed in."""
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environ |= {"HOME": str(home), "COLUMNS": "80", "GOOGLE_APPLICATION_CREDENTIALS": str(home / "missing.json")}
    if emulator:
        environ["GCPDIAG_EMULATOR_HOST"] = emulator.http
    command = [sys.executable, "-m", "gcpdiag", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)


@pytest.fixture
def whole() -> Iterator[Emulator]:
    with Emulator(bundle({})) as running:
        yield running


@pytest.fixture
def partial() -> Iterator[Emulator]:
    with Emulator(bundle({}, sources=[DENIED, OFF])) as running:
        yield running


def test_the_last_line_is_the_verdict(whole: Emulator, tmp_path: Path) -> None:
    done = doctor(emulator=whole, home=tmp_path)

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "Ready: triage sees everything"
    assert done.stderr == ""


def test_what_is_missing_comes_with_the_commands_that_grant_it(partial: Emulator, tmp_path: Path) -> None:
    done = doctor(emulator=partial, home=tmp_path)

    assert done.returncode == 0
    text = done.stdout.replace("\\\n", "")
    assert "missing  vpcaccess.connectors.list  Serverless VPC Access connectors" in text
    assert f"gcloud projects add-iam-policy-binding {PROJECT}" in text
    assert "--role=roles/vpcaccess.viewer" in text
    assert f"gcloud services enable redis.googleapis.com --project={PROJECT}" in text
    assert "Triage works, without Serverless VPC Access connectors" in text


def test_it_fits_a_narrow_terminal_and_has_no_colour_without_one(partial: Emulator, tmp_path: Path) -> None:
    done = doctor(emulator=partial, home=tmp_path)

    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_a_command_broken_over_lines_is_one_command_to_a_shell(partial: Emulator, tmp_path: Path) -> None:
    lines = doctor(emulator=partial, home=tmp_path).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  gcloud projects"))
    script = "gcloud() { printf '%s\\n' \"$@\"; }\n" + "\n".join(lines[start : start + 2])

    heard = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert heard.stdout.split() == [
        "projects",
        "add-iam-policy-binding",
        PROJECT,
        "--member=user:YOUR_ACCOUNT",
        "--role=roles/vpcaccess.viewer",
    ]


def test_json_tells_each_permission_and_its_fix(partial: Emulator, tmp_path: Path) -> None:
    told = json.loads(doctor("--output", "json", emulator=partial, home=tmp_path).stdout)

    assert (told["schema"], told["readiness"]) == ("gcpdiag.checkup/v1", "partial")
    assert [one["permission"] for one in told["permissions"]] == [one.name for one in PERMISSIONS]
    (missing,) = [one for one in told["permissions"] if one["state"] == "missing"]
    assert missing["fix"].endswith("--role=roles/vpcaccess.viewer")
    assert {one["api"] for one in told["apis"] if one["state"] == "off"} == {"redis.googleapis.com"}


def test_without_credentials_it_exits_with_3_and_tells_the_rest(tmp_path: Path) -> None:
    done = doctor("--project", "mine", home=tmp_path)

    assert done.returncode == 3
    assert "mine (--project)" in done.stdout
    assert "gcloud auth application-default login" in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1].startswith("Triage cannot work: no Google credentials found")


def test_a_project_that_nobody_knows_exits_with_3(whole: Emulator, tmp_path: Path) -> None:
    done = doctor("--project", "nope", emulator=whole, home=tmp_path)

    assert done.returncode == 3
    assert "gcloud projects list" in done.stdout


def test_a_wrong_option_exits_with_2(tmp_path: Path) -> None:
    assert doctor("--access-token-file", str(tmp_path / "missing"), home=tmp_path).returncode == 2
    assert doctor("--since", "1h", home=tmp_path).returncode == 2


def test_a_token_is_never_printed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("ya29.secret-of-the-test")

    done = doctor("--access-token-file", str(token), home=tmp_path)

    assert done.returncode == 3  # no project
    assert "secret-of-the-test" not in done.stdout + done.stderr


@pytest.mark.parametrize("role", ["triage", "actions"])
def test_a_role_is_printed_as_gcloud_takes_it(role: str, tmp_path: Path) -> None:
    done = doctor("--role", role, home=tmp_path)

    assert (done.returncode, done.stdout) == (0, role_file(role).read_text(encoding="utf-8"))
