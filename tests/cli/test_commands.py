"""The commands as a person or a script meets them: what is printed where, and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gcpdiag.cli import main

FIXTURES = Path(__file__).parents[2] / "fixtures"


def gcpdiag(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "gcpdiag", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("fixture, code", [("staging-503", 10), ("healthy-quiet", 0), ("healthy-good-deploy", 0)])
def test_the_exit_code_tells_the_status(fixture: str, code: int) -> None:
    assert gcpdiag("triage", "--bundle", FIXTURES / fixture).returncode == code


def test_a_bundle_that_shows_no_requests_is_inconclusive(tmp_path: Path) -> None:
    services = [{"name": "projects/p/locations/r/services/s", "createTime": "2026-01-01T00:00:00Z"}]
    write_bundle(tmp_path, {"run/services.json": json.dumps(services)})

    done = gcpdiag("triage", "--bundle", tmp_path)

    assert done.returncode == 11
    assert "cannot be seen" in done.stdout


def test_the_demo_names_the_cause_and_what_it_was_taken_for() -> None:
    done = gcpdiag("demo")

    assert done.returncode == 0
    cause, _, rest = " ".join(done.stdout.split()).partition("Taken for, but is not")
    assert "vpc-connector/egress-blocked" in cause
    assert "state RUNNABLE" in rest
    assert "staging-connector has state READY" in rest
    assert "no pool reports that it is exhausted" in rest
    assert "gcpdiag egress backend-staging --setting=private-ranges-only" in rest


@pytest.mark.parametrize("output", ["text", "markdown", "json"])
def test_standard_output_holds_the_result_alone(output: str) -> None:
    done = gcpdiag("demo", "--output", output)

    assert done.stdout
    assert done.stderr == ""


def test_a_zip_and_its_directory_give_the_same_diagnosis(tmp_path: Path) -> None:
    source = FIXTURES / "redis"
    with zipfile.ZipFile(tmp_path / "redis.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(source.rglob("*.json*")):
            packed.write(path, Path("redis") / path.relative_to(source))

    zipped = gcpdiag("triage", "--bundle", tmp_path / "redis.zip", "--output", "json")

    assert zipped.stdout == gcpdiag("triage", "--bundle", source, "--output", "json").stdout


def test_malformed_lines_are_reported_on_standard_error_with_file_and_line(tmp_path: Path) -> None:
    entry = {"logName": "projects/p/logs/x", "timestamp": "2026-01-01T00:10:00Z", "textPayload": "hello"}
    lines = [json.dumps(entry), "{broken", json.dumps(entry)]
    write_bundle(tmp_path, {"logging/entries.jsonl": "\n".join(lines)})

    done = gcpdiag("triage", "--bundle", tmp_path, "--output", "json")

    assert "logging/entries.jsonl:2" in done.stderr
    assert json.loads(done.stdout)["stats"]["log_entries"] == 2


@pytest.mark.parametrize(
    "name, content, code, told",
    [
        ("missing", None, 2, "does not exist"),
        ("empty", {}, 3, "is empty"),
        ("other", {"notes.txt": "hello"}, 3, "no manifest.json"),
        (
            "future",
            {"manifest.json": '{"format": "gcpdiag-bundle", "version": 2, "project": "p"}'},
            3,
            "version 2",
        ),
        ("foreign", {"manifest.json": '{"format": "else"}'}, 3, "not an incident bundle"),
        ("broken", {"manifest.json": "{"}, 3, "not JSON"),
    ],
)
def test_what_is_no_bundle_gets_one_clear_line(
    tmp_path: Path, name: str, content: dict[str, str] | None, code: int, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.mkdir()
        for file, text in content.items():
            (path / file).write_text(text)

    done = gcpdiag("triage", "--bundle", path)

    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unreadable_zip_gets_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "incident.zip").write_bytes(b"PK\x03\x04 cut off")

    done = gcpdiag("triage", "--bundle", tmp_path / "incident.zip")

    assert done.returncode == 3
    assert "cannot be read as a zip" in done.stderr


def test_an_unknown_service_is_wrong_usage_and_the_known_ones_are_named() -> None:
    done = gcpdiag("triage", "--bundle", FIXTURES / "redis", "--service", "nobody")

    assert done.returncode == 2
    assert "Services: " in done.stderr


def test_explain_tells_how_a_cause_is_known_and_what_to_do() -> None:
    done = gcpdiag("explain", "bad-deployment/wrong-port")

    assert done.returncode == 0
    for heading in ("How it is known", "What it is confused with", "What to do"):
        assert heading in done.stdout


def test_the_shipped_playbooks_have_no_lint_error() -> None:
    done = gcpdiag("playbook", "lint")

    assert done.returncode == 0, done.stdout


def test_a_playbook_directory_of_ones_own_adds_a_cause_without_code(tmp_path: Path) -> None:
    own = tmp_path / "ours" / "bad-deployment" / "license-expired.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(LICENSE_EXPIRED)
    entry = {
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "api", "location": "r"}},
        "severity": "ERROR",
    }
    failed = [
        {
            **entry,
            "logName": "projects/p/logs/run.googleapis.com%2Frequests",
            "timestamp": f"2026-01-01T00:{minute:02}:01Z",
            "httpRequest": {"status": 503, "latency": "0.1s"},
        }
        for minute in range(30, 60)
    ]
    said = [
        {
            **entry,
            "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
            "timestamp": f"2026-01-01T00:{minute:02}:00Z",
            "textPayload": "FlexLicense: licence for node 7 has lapsed",
        }
        for minute in range(30, 60)
    ]
    write_bundle(tmp_path / "bundle", {"logging/entries.jsonl": "\n".join(map(json.dumps, failed + said))})

    done = gcpdiag("triage", "--bundle", tmp_path / "bundle", "--playbooks", tmp_path / "ours", "--output", "json")

    assert json.loads(done.stdout)["root_causes"][0]["id"] == "bad-deployment/license-expired"


def test_a_step_that_waits_for_an_unknown_signal_is_a_clear_error(tmp_path: Path) -> None:
    made = Path(gcpdiag("playbook", "new", "bad-deployment/license-expired", "--directory", tmp_path).stdout.strip())
    step = "remediation:\n  - "
    text = made.read_text(encoding="utf-8")
    assert step in text
    made.write_text(text.replace(step, f"{step}when: no-such-signal\n    ", 1), encoding="utf-8")

    done = gcpdiag("triage", "--bundle", FIXTURES / "staging-503", "--playbooks", tmp_path)

    assert done.returncode == 2
    assert f"{made}: unknown signal 'no-such-signal'" in done.stderr


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"gcpdiag{path} {name}", command


@pytest.mark.parametrize("words, command", list(commands(main.gcpdiag)))
def test_every_command_has_an_example_of_itself(words: str, command: click.Command) -> None:
    assert f"Example: {words}" in (command.epilog or "")


def test_help_imports_neither_playbooks_nor_renderers() -> None:
    code = "import sys, gcpdiag.cli.main; print(sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert not any(f"'{name}'" in done.stdout for name in ("yaml", "rich", "re2", "msgspec"))


def test_triage_imports_nothing_of_google(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from gcpdiag.cli.triage import demo\n"
        "demo.main([], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'google', 'googleapiclient', 'grpc'}])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path
    )

    assert done.stdout.splitlines()[-1] == "[]"


def write_bundle(root: Path, files: dict[str, str]) -> None:
    """Write a bundle directory with a manifest of the required keys alone."""
    manifest = '{"format": "gcpdiag-bundle", "version": 1, "project": "p"}'
    for path, text in {"manifest.json": manifest, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


LICENSE_EXPIRED = """
id: bad-deployment/license-expired
title: The license of a library has lapsed
summary: "{service} fails because a license has lapsed."
explanation: The library says so with every call.
findings:
  - {signal: license-lapsed, likelihood: always, specific: true}
signals:
  license-lapsed:
    detector: log
    title: a license that has lapsed
    logs: [app]
    any: ['licen[cs]e [^\\n]{0,40} lapsed']
    leak: 0.005
"""
