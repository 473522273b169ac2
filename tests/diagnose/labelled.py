"""Small labelled bundles on disk, for tests of the evaluation."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from gcpdiag.model.json import JsonObject
from tests.making import ENTRIES, SERVICES, entry, files_of, requests, service

REDIS_DOWN: JsonObject = {
    "status": "incident",
    "causes": ["dependency-unreachable/redis"],
    "accept": [],
    "not": ["dependency-unreachable/dns"],
}
HEALTHY: JsonObject = {"status": "healthy", "causes": [], "accept": [], "not": []}


def redis_down() -> dict[str, bytes]:
    """A service that fails because Redis refuses connections."""
    said = [
        entry("Error: connect ECONNREFUSED 10.1.2.3:6379", minute=30 + one / 4, severity="ERROR") for one in range(80)
    ]
    return files_of(
        {
            ENTRIES: [*requests(200, range(30)), *requests(503, range(30, 58)), *said],
            SERVICES: [service(env={"REDIS_HOST": "10.1.2.3"})],
        }
    )


def quiet() -> dict[str, bytes]:
    """A service whose requests are all answered."""
    return files_of({ENTRIES: requests(200, range(60)), SERVICES: [service()]})


def written(directory: Path, files: dict[str, bytes], label: JsonObject) -> Path:
    """Write a labelled bundle as a directory."""
    for name, content in {**files, "expected.json": json.dumps(label).encode()}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def zipped(path: Path, files: dict[str, bytes], label: JsonObject) -> Path:
    """Write a labelled bundle as a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, "expected.json": json.dumps(label).encode()}.items():
            archive.writestr(f"bundle/{name}", content)
    return path
