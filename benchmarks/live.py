"""Measure a live triage as a whole process, and the same look-up by hand with gcloud, against one emulator.

    python benchmarks/live.py [--latency 60ms] [--runs 7] [--by-hand 2]

Both talk to `gcpdiag emulator serve fixtures/staging-503 --now`, which adds the latency to every call. By hand means
the fourteen gcloud commands that an engineer on call types one after the other; reading and thinking not included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OUTAGE = Path(__file__).parents[1] / "fixtures" / "staging-503"
SERVICE, REGION = "backend-staging", "us-central1"
APIS = ("run", "logging", "monitoring", "vpcaccess", "redis", "cloudresourcemanager", "serviceusage")


def main() -> None:
    """Measure and print both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", default="60ms")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--by-hand", type=int, default=2)
    options = parser.parse_args()
    with emulator(options.latency) as address:
        environ = {**os.environ, "GCPDIAG_EMULATOR_HOST": address}
        triage = [sys.executable, "-m", "gcpdiag", "triage", "--output", "json"]
        times, answers = measured(triage, environ, options.runs)
        bare, _ = measured([sys.executable, "-c", "pass"], environ, options.runs)
        without, _ = measured(triage, {**environ, **without_bytecode()}, 3)
        by_hand = [time_by_hand(gcloud_environ(address)) for _ in range(options.by_hand)]
    stats = json.loads(answers[-1])["stats"]
    median = statistics.median(times)
    print(f"latency added to every call     {options.latency}")
    print(f"python -c pass                  {statistics.median(bare):6.3f} s")
    print(f"gcpdiag triage, whole process   {median:6.3f} s  (from {min(times):.3f} to {max(times):.3f})")
    print(f"  without bytecode              {statistics.median(without):6.3f} s")
    print(f"  of it, after start-up         {stats['duration_ms'] / 1000:6.3f} s")
    print(f"API calls                       {stats['api_calls']:6}    entries.list {stats['calls']['logging.entries']}")
    for seconds in by_hand:
        print(f"14 gcloud commands by hand      {seconds:6.1f} s  {seconds / median:5.1f} × gcpdiag triage")


@contextmanager
def emulator(latency: str) -> Iterator[str]:
    """Serve the outage as if it had just happened, and yield the address."""
    command = [sys.executable, "-m", "gcpdiag", "emulator", "serve", str(OUTAGE), "--now", "--latency", latency]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        try:
            line = serving.stdout.readline() if serving.stdout else ""
            yield json.loads(line)["http"]
        finally:
            serving.terminate()


def measured(command: list[str], environ: dict[str, str], runs: int) -> tuple[list[float], list[str]]:
    """Return the seconds that each run took, and what it printed."""
    times, answers = [], []
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - start)
        answers.append(done.stdout)
    return times, answers


def without_bytecode() -> dict[str, str]:
    """Return variables under which Python finds no compiled module, as in some container images."""
    return {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/nonexistent"}


def time_by_hand(environ: dict[str, str]) -> float:
    """Return the seconds that the commands take together; RuntimeError when there is no gcloud, or a command fails."""
    total = 0.0
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise RuntimeError("the comparison needs gcloud on PATH")
    with tempfile.TemporaryDirectory() as configuration:
        for words in commands():
            start = time.perf_counter()
            done = subprocess.run(
                [gcloud, *words],
                env={**environ, "CLOUDSDK_CONFIG": configuration},
                capture_output=True,
                text=True,
                check=False,
            )
            total += time.perf_counter() - start
            if done.returncode:
                raise RuntimeError(f"gcloud {' '.join(words)}: {done.stderr}")
    return total


def commands() -> list[list[str]]:
    """Return what an engineer types: service, revisions, four looks into the logs, and what the service depends on."""
    mine = f'resource.type="cloud_run_revision" AND resource.labels.service_name="{SERVICE}"'
    revision = newest_revision()
    here = ["--region", REGION]
    return [
        ["run", "services", "list"],
        ["run", "services", "describe", SERVICE, *here, "--format=json"],
        ["run", "revisions", "list", "--service", SERVICE, *here, "--limit=5"],
        ["run", "revisions", "describe", revision, *here],
        read(f"{mine} AND httpRequest.status=503", limit=100),
        read(f'{mine} AND logName:"varlog%2Fsystem"', limit=100),
        read(f"{mine} AND severity>=ERROR", limit=200),
        read('protoPayload.serviceName="run.googleapis.com"', limit=20, freshness="1d"),
        ["compute", "networks", "vpc-access", "connectors", "list", *here],
        ["sql", "instances", "list"],
        ["redis", "instances", "list", *here],
        ["compute", "routers", "list"],
        ["compute", "firewall-rules", "list"],
        ["compute", "backend-services", "list"],
    ]


def read(log_filter: str, *, limit: int, freshness: str = "1h") -> list[str]:
    """Return the command that reads the log entries that a filter selects."""
    return ["logging", "read", log_filter, f"--limit={limit}", f"--freshness={freshness}", "--format=json"]


def newest_revision() -> str:
    """Return the newest revision of the service, as the first list would tell it."""
    services = json.loads((OUTAGE / "run" / "services.json").read_text())
    mine = next(one for one in services if one["name"].endswith(f"/{SERVICE}"))
    return str(mine["latestCreatedRevision"]).rsplit("/", 1)[-1]


def gcloud_environ(address: str) -> dict[str, str]:
    """Return the variables that lead gcloud to the emulator, which takes requests as a proxy does."""
    host, port = address.split(":")
    overrides = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": f"http://{api}.googleapis.com/" for api in APIS}
    return {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        **overrides,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": "http://compute.googleapis.com/compute/v1/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": "http://sqladmin.googleapis.com/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_PROJECT": "demo-staging",
        "CLOUDSDK_PROXY_ADDRESS": host,
        "CLOUDSDK_PROXY_PORT": port,
        "CLOUDSDK_PROXY_TYPE": "http",
    }


if __name__ == "__main__":
    main()
