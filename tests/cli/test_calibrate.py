"""``gcpdiag playbook calibrate`` as a person meets it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gcpdiag.playbook.load import load_playbook
from gcpdiag.shipped import playbook_root
from tests.diagnose.labelled import HEALTHY, REDIS_DOWN, quiet, redis_down, written

REDIS = "dependency-unreachable/redis.yaml"


def calibrate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gcpdiag", "playbook", "calibrate", "--jobs", "1", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    for number in range(8):
        written(tmp_path / f"bundles/redis-{number}", redis_down(), REDIS_DOWN)
    written(tmp_path / "bundles/quiet", quiet(), HEALTHY)
    return tmp_path / "bundles"


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    shutil.copytree(playbook_root(), tmp_path / "playbooks")
    return tmp_path / "playbooks"


def test_counts_words_and_proposals_are_told_in_80_columns(bundles: Path) -> None:
    done = calibrate(bundles)

    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = [line.split() for line in done.stdout.splitlines()]
    assert any(row[:1] == ["redis-connect-failure"] and "8/8" in row for row in rows)
    assert "too few" in done.stdout
    assert "PROPOSALS" in done.stdout


def test_without_write_nothing_is_changed(bundles: Path, playbooks: Path) -> None:
    before = (playbooks / REDIS).read_bytes()

    done = calibrate(bundles, "--playbooks", playbooks)

    assert done.returncode == 0, done.stderr
    assert (playbooks / REDIS).read_bytes() == before


def test_write_changes_the_proposed_words_of_the_files_that_were_read(bundles: Path, playbooks: Path) -> None:
    (playbooks / REDIS).write_text(
        (playbooks / REDIS)
        .read_text()
        .replace(
            "{signal: redis-connect-failure, likelihood: usually", "{signal: redis-connect-failure, likelihood: rarely"
        )
        .replace(
            "{signal: redis-connect-failure, likelihood: always", "{signal: redis-connect-failure, likelihood: rarely"
        )
    )

    done = calibrate(bundles, "--playbooks", playbooks, "--write")

    words = {one.signal: one.likelihood for one in load_playbook(playbooks / REDIS).findings}
    assert "changed" in done.stderr
    assert words["redis-connect-failure"] == "always"


def test_a_directory_without_labels_is_wrong_usage(tmp_path: Path) -> None:
    assert calibrate(tmp_path).returncode == 2
