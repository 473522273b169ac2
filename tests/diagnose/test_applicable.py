"""Probes that were made decide; probes that nobody made leave no trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.diagnose.applicable import applicable
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.report.to_json import render_json
from gcpdiag.shipped import playbook_root
from gcpdiag.signals.definition import ProbeSignal
from gcpdiag.signals.observation import observe
from tests.making import CONNECTORS, ENTRIES, PARENT, REDIS, SERVICES, bundle, entry, requests, service

FIXTURES = Path(__file__).parents[2] / "fixtures"
PROBES = "probes/results.json"
CONNECTOR = f"{PARENT}/connectors/main"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def without_probe_signals(library: Library) -> Library:
    probes = {signal for signal, one in library.catalogue.definitions.items() if isinstance(one, ProbeSignal)}
    playbooks = {
        cause: msgspec.structs.replace(one, findings=[two for two in one.findings if two.signal not in probes])
        for cause, one in library.playbooks.items()
    }
    return replace(library, playbooks=playbooks)


def test_without_probes_a_diagnosis_is_what_it_would_be_if_there_were_no_such_signals(library: Library) -> None:
    path = FIXTURES / "staging-503"

    assert render_json(diagnose(load_bundle(path), library)) == render_json(
        diagnose(load_bundle(path), without_probe_signals(library))
    )


def timeouts_to_redis(*probes: JsonObject) -> dict[str, list[JsonObject]]:
    """A service behind a connector whose state nobody may see, and whose calls to Redis time out."""
    access: Json = {"connector": CONNECTOR, "egress": "PRIVATE_RANGES_ONLY"}
    lines = [
        entry("redis.exceptions.TimeoutError: Timeout connecting to server", minute=20 + step / 2, severity="ERROR")
        for step in range(70)
    ]
    cache: JsonObject = {"name": f"{PARENT}/instances/cache", "host": "10.30.0.3", "port": 6379, "state": "READY"}
    return {
        SERVICES: [service(env={"REDIS_HOST": "10.30.0.3"}, vpcAccess=access)],
        ENTRIES: [*requests(200, range(20)), *requests(500, range(20, 60)), *lines],
        CONNECTORS: [{"name": CONNECTOR, "network": "default", "state": "READY"}],
        REDIS: [cache],
        **({PROBES: [*probes]} if probes else {}),
    }


def probe(**more: Json) -> JsonObject:
    return {"target": "redis://10.30.0.3:6379", "kind": "redis", "at": "2025-09-15T20:25:00Z", **more}


def share(library: Library, cause: str, files: dict[str, list[JsonObject]]) -> float:
    found = diagnose(bundle(files), library)
    told = {one.id: one.confidence for one in found.candidates}
    told |= {one.id: one.confidence for one in found.root_causes}
    return told.get(cause, 0.0)


def test_a_probe_that_reaches_redis_from_inside_clears_redis(library: Library) -> None:
    answered = probe(ok=True, latency_ms=2, **{"from": "inside"})
    before = share(library, "dependency-unreachable/redis", timeouts_to_redis())
    after = share(library, "dependency-unreachable/redis", timeouts_to_redis(answered))

    assert after < before / 2


def test_a_probe_that_redis_refuses_makes_redis_surer(library: Library) -> None:
    refused = probe(ok=False, error="connect ECONNREFUSED 10.30.0.3:6379")
    before = share(library, "dependency-unreachable/redis", timeouts_to_redis())
    after = share(library, "dependency-unreachable/redis", timeouts_to_redis(refused))

    assert after > 2 * before


def test_probes_of_other_things_are_no_gap(library: Library) -> None:
    other = probe(target="https://api.example.com/", kind="http", ok=True, status=200)
    found = diagnose(bundle(timeouts_to_redis(other)), library)

    assert "probes.results" not in {one.source for one in found.gaps}


def test_what_a_probe_saw_stands_in_the_evidence(library: Library) -> None:
    refused = probe(ok=False, error="connect ECONNREFUSED 10.30.0.3:6379")
    found = diagnose(bundle(timeouts_to_redis(refused)), library)

    texts = [line.evidence.text for one in found.root_causes for line in one.evidence]
    assert "a probe of redis://10.30.0.3:6379 fails: connect ECONNREFUSED 10.30.0.3:6379" in texts


@pytest.mark.parametrize("status, kept", [("denied", True), ("ok", False)])
def test_what_stands_in_for_logs_is_looked_for_where_they_could_not_be_read(
    library: Library, status: str, *, kept: bool
) -> None:
    stand_ins = {signal for signal, one in library.catalogue.definitions.items() if one.stand_in}
    files = {ENTRIES: [entry("started")]} if status == "ok" else {}
    seen = observe(bundle(files, sources=[{"source": "logging.entries", "status": status}]), library.catalogue)
    looked_for = {one.signal for cause in applicable(library, seen).playbooks.values() for one in cause.findings}
    assert stand_ins & looked_for == (stand_ins if kept else set())
