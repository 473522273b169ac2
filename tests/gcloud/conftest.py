"""gcloud, pointed at an emulator that serves a fixture as if it happened now."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.progress import find
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.model.json import Json, JsonObject
from tests.emulator.asking import http_answer

FIXTURE = Path(__file__).parents[2] / "fixtures" / "staging-503"
NAME = "projects/demo-staging/locations/us-central1/services/backend-staging"
_APIS = ("run", "logging", "monitoring", "vpcaccess", "redis", "cloudresourcemanager", "serviceusage")
_LONGEST = 60  # seconds; a call takes about one
_COLOUR = re.compile(r"\x1b\[[\d;]*m")  # which gcloud prints into a pipe too
_COMPLAINTS = ("Traceback", "Warning:", "gcloud crashed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a gcloud command printed, and its exit code."""

    code: int
    out: str
    err: str


class Gcloud:
    """gcloud against one emulator."""

    def __init__(self, program: str, emulator: Emulator, configuration: Path) -> None:
        self.emulator = emulator
        self._program = program
        self._environment = _environment(emulator, configuration)

    def run(self, *words: str) -> Ended:
        """Run a command to its end, whatever that is; a crash or a Python warning of gcloud's fails the test."""
        ended = subprocess.run(
            [self._program, *words],
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            timeout=_LONGEST,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not any(one in ended.stderr for one in _COMPLAINTS), ended.stderr
        return Ended(code=ended.returncode, out=_COLOUR.sub("", ended.stdout), err=_COLOUR.sub("", ended.stderr))

    def text(self, *words: str) -> str:
        """Return what a command prints that must succeed."""
        ended = self.run(*words)
        assert ended.code == 0, ended.err
        return ended.out

    def json(self, *words: str) -> Json:
        """Return what a command answers, as JSON."""
        answer: Json = json.loads(self.text(*words, "--format=json"))
        return answer

    def plan(self, **told: Json) -> None:
        """Plan how the next update of the service goes."""
        body: JsonObject = {"service": "backend-staging", **told}
        code, answer = http_answer(self.emulator.http, "/_emulator/rollout", method="POST", body=body)
        assert code == 200, answer

    def service(self) -> JsonObject:
        """The service as it is stored, in v2."""
        found = find(self.emulator.state, "run.services", NAME)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def program() -> str:
    found = shutil.which("gcloud")
    if found is None:
        pytest.fail("gcloud is not installed: these tests need the Google Cloud CLI (528) on PATH, or -m 'not gcloud'")
    return found


@pytest.fixture(scope="module")
def running(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gcloud]:
    with serve(load_bundle(FIXTURE), now=True) as emulator:
        yield Gcloud(program, emulator, tmp_path_factory.mktemp("gcloud"))


@pytest.fixture
def gcloud(running: Gcloud) -> Gcloud:
    """Run gcloud against an emulator in the bundle's own state."""
    http_answer(running.emulator.http, "/_emulator/reset", method="POST")
    return running


@pytest.fixture(scope="module")
def denied(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gcloud]:
    """Run gcloud as somebody who may see neither services nor backends."""
    faults = [parse_fault("run.services=denied"), parse_fault("compute.backend_services=denied")]
    with serve(load_bundle(FIXTURE), faults=faults) as emulator:
        yield Gcloud(program, emulator, tmp_path_factory.mktemp("gcloud"))


def _environment(emulator: Emulator, configuration: Path) -> dict[str, str]:
    """Return the environment in which gcloud takes the emulator for Google: as an HTTP proxy, without credentials."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().endswith("_PROXY") and not key.startswith(("CLOUDSDK_", "PYTHON", "COV_"))
    }
    address, _, port = emulator.http.partition(":")
    overrides = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": f"http://{api}.googleapis.com/" for api in _APIS}
    return {
        **inherited,
        **overrides,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": "http://compute.googleapis.com/compute/v1/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": "http://sqladmin.googleapis.com/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_CONFIG": str(configuration),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_CORE_PROJECT": emulator.state.project,
        "CLOUDSDK_PROXY_ADDRESS": address,
        "CLOUDSDK_PROXY_PORT": port,
        "CLOUDSDK_PROXY_TYPE": "http",
        "CLOUDSDK_RUN_REGION": "us-central1",
        "CLOUDSDK_REDIS_REGION": "us-central1",
    }
