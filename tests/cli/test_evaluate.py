"""``gcpdiag evaluate`` as a person or a script meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.diagnose.labelled import HEALTHY, REDIS_DOWN, quiet, redis_down, written, zipped


def evaluate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gcpdiag", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    written(tmp_path / "redis", redis_down(), REDIS_DOWN)
    zipped(tmp_path / "quiet.zip", quiet(), HEALTHY)
    return tmp_path


def test_everything_is_measured_at_once_and_standard_output_is_json_alone(bundles: Path) -> None:
    done = evaluate(bundles, "--ablate", "--shuffle", "2", "--jobs", "2", "--output", "json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bundles"] == {"all": 2, "incident": 1, "healthy": 1, "inconclusive": 0}
    assert told["measures"]["first"]["share"] == 1.0
    assert told["measures"]["false_alarms"]["hits"] == 0
    assert told["citations"]["share"] == 1.0
    assert told["determinism"]["same"] == {"share": 1.0, "hits": 2, "of": 2, "low": 0.3424, "high": 1.0}
    assert {one["source"] for one in told["missing_sources"]} == {"run.services", "logging.entries"}


def test_one_process_and_several_find_the_same(bundles: Path) -> None:
    alone, together = (evaluate(bundles, "--jobs", jobs, "--output", "json").stdout for jobs in ("1", "3"))

    assert alone
    assert alone == together


def test_the_text_tells_what_went_wrong(tmp_path: Path) -> None:
    written(tmp_path / "mislabelled", quiet(), REDIS_DOWN)

    done = evaluate(tmp_path, "--jobs", "1")

    assert done.returncode == 0
    assert "no cause named: healthy" in done.stdout


def test_a_broken_label_is_named(tmp_path: Path) -> None:
    written(tmp_path / "broken", quiet(), {"status": "odd"})

    done = evaluate(tmp_path, "--jobs", "1")

    assert done.returncode == 3
    assert "broken: expected.json is no label" in done.stderr


def test_nothing_to_evaluate_is_wrong_usage(tmp_path: Path) -> None:
    assert evaluate(tmp_path).returncode == 2
