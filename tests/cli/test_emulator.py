"""``gcpdiag emulator serve`` as a script meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator.asking import http_answer

FIXTURES = Path(__file__).parents[2] / "fixtures"


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gcpdiag", "emulator", "serve", str(FIXTURES / "redis"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_serves_and_ends_with_zero(number: signal.Signals) -> None:
    with started("--latency", "1ms", "--now", "--fault", "redis.instances=503:1") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        answer = http_answer(told["http"], "/_emulator")
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)

    assert answer == (200, told)
    assert told["pid"] == process.pid
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--latency", "soon"], "60ms"),
        (["--fault", "redis=503"], "redis.instances"),
        (["--fault", "redis.instances=slow"], "malformed"),
    ],
)
def test_wrong_usage_is_one_clear_line(arguments: list[str], told: str) -> None:
    with started(*arguments) as process:
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output, len(errors.splitlines())) == (2, "", 1)
    assert told in errors
