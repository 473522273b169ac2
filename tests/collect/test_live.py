"""Live collection over Google's own clients and the real wire, against the emulator."""

from __future__ import annotations

import json
from collections.abc import Collection as Names
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from google.cloud.audit.audit_log_pb2 import AuditLog
from google.protobuf import json_format

from gcpdiag.bundle.environment import without_values
from gcpdiag.bundle.format import SOURCES
from gcpdiag.bundle.read import Bundle, bundle_of, load_bundle
from gcpdiag.bundle.write import files_of
from gcpdiag.collect.collection import Collection
from gcpdiag.collect.live import Clock, LiveRequest, collect_live
from gcpdiag.collect.question import Breadth
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator
from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.model.json import JsonObject
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.report.to_json import render_json
from gcpdiag.shipped import playbook_root
from tests.fixtures.test_shapes import AUDIT_LOG, BLANK, BUNDLES, FIXTURES, recorded

IMPATIENT = Clock(sleep=lambda _: None)
KINDS = ("denied", "disabled", "429", "500", "503", "hang", "drip", "cut", "malformed")
STRUCK = ("run.services", "logging.entries", "monitoring.time_series", "vpcaccess.connectors", "compute.routers")


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


@pytest.fixture(scope="module")
def staging() -> Bundle:
    return load_bundle(FIXTURES / "staging-503")


def collected(
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    *faults: str,
    breadth: Breadth = "triage",
    deadline: float = 20.0,
) -> Collection:
    with Emulator(bundle, faults=[parse_fault(one) for one in faults]) as emulator:
        monkeypatch.setenv("GCPDIAG_EMULATOR_HOST", emulator.http)
        request = LiveRequest(
            window=bundle.window,
            regions=tuple(bundle.manifest.regions),
            breadth=breadth,
            deadline=timedelta(seconds=deadline),
        )
        collection = collect_live(request, IMPATIENT)
        assert [one for one in emulator.requests if one.mutates] == []
        return collection


def spelled_as_google_does(path: str, record: JsonObject) -> str:
    """Return a resource as its type spells numbers, times and the order of keys; Compute and SQL come as they are."""
    blank = BLANK.get(path)
    if blank is None or path.startswith("compute/"):
        return json.dumps(record, sort_keys=True)
    payload = record.pop("protoPayload", None)
    message = json_format.ParseDict(record, blank())
    spelled = json_format.MessageToDict(message)
    return json.dumps([spelled, _audit(payload)], sort_keys=True)


def _audit(payload: object) -> object:
    if not isinstance(payload, dict) or payload.get("@type") != AUDIT_LOG:
        return payload
    body = {key: value for key, value in payload.items() if key != "@type"}
    return json_format.MessageToDict(json_format.ParseDict(body, AuditLog()))


def contents(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for source in SOURCES.values():
        if (root / source.path).exists() and source.id != "probes.results":
            records = (without_values(one) for one in recorded(root / source.path))  # type: ignore[arg-type]
            found[source.path] = sorted(spelled_as_google_does(source.path, one) for one in records)
    return found


@pytest.mark.parametrize("name", BUNDLES)
def test_collecting_what_is_served_gives_the_bundle_back(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = load_bundle(FIXTURES / name)

    collection = collected(bundle, monkeypatch, breadth="everything")

    for path, content in files_of(collection.bundle).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    assert contents(tmp_path) == contents(FIXTURES / name)
    for source in SOURCES:
        if source != "probes.results":
            before, after = bundle.coverage(source), collection.bundle.coverage(source)
            assert (after.state, after.reason, after.truncated) == (before.state, before.reason, before.truncated)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_live_triage_gives_the_diagnosis_of_the_bundle(
    name: str, monkeypatch: pytest.MonkeyPatch, library: Library
) -> None:
    bundle = load_bundle(FIXTURES / name)

    collection = collected(bundle, monkeypatch)

    asked = set(collection.calls)
    assert document(diagnose(collection.bundle, library), asked) == document(diagnose(bundle, library), asked)
    assert sum(collection.calls.values()) <= 40
    assert collection.calls["logging.entries"] <= 6


def document(diagnosis: Diagnosis, asked: Names[str]) -> dict[str, object]:
    """Return a diagnosis as JSON, without what a live run adds, and without gaps in what a triage does not ask for."""
    gaps = tuple(gap for gap in diagnosis.gaps if gap.source in asked)
    found: dict[str, object] = json.loads(render_json(replace(diagnosis, calls={}, duration=None, gaps=gaps)))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", STRUCK)
def test_an_api_that_fails_is_a_gap_and_the_answer_comes(
    source: str, kind: str, staging: Bundle, monkeypatch: pytest.MonkeyPatch, library: Library
) -> None:
    whole = diagnose(staging, library)

    collection = collected(staging, monkeypatch, f"{source}={kind}", deadline=3.0 if kind in {"hang", "drip"} else 20.0)
    diagnosis = diagnose(collection.bundle, library)

    assert source in {gap.source for gap in diagnosis.gaps}
    surest = max((one.confidence for one in diagnosis.root_causes), default=0.0)
    assert surest <= whole.root_causes[0].confidence
    if kind == "denied":
        assert any(gap.permission == SOURCES[source].permission and gap.fix for gap in diagnosis.gaps)
    if kind == "disabled":
        assert any("gcloud services enable" in gap.fix for gap in diagnosis.gaps)


@pytest.mark.parametrize("kind", ["429", "500", "503", "cut"])
@pytest.mark.parametrize("source", STRUCK)
def test_what_fails_for_a_moment_only_is_asked_again(
    source: str, kind: str, staging: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = collected(staging, monkeypatch, f"{source}={kind}:2")

    assert collection.bundle.coverage(source).complete


def test_everything_failing_says_that_nothing_could_be_collected(
    staging: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnreachableError, match="nothing could be collected from project demo-staging"):
        collected(staging, monkeypatch, "*=503", deadline=5)


@pytest.fixture
def emulator(staging: Bundle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator(staging) as running:
        monkeypatch.setenv("GCPDIAG_EMULATOR_HOST", running.http)
        yield running


@pytest.mark.usefixtures("emulator")
def test_a_project_that_does_not_exist_gives_the_nearest_that_does(staging: Bundle) -> None:
    request = LiveRequest(window=staging.window, project="demo-stagin", regions=("us-central1",))

    with pytest.raises(UnreachableError, match="Did you mean --project demo-staging"):
        collect_live(request, IMPATIENT)


@pytest.mark.usefixtures("emulator")
def test_a_region_without_services_gives_the_nearest_that_has_some(staging: Bundle) -> None:
    request = LiveRequest(window=staging.window, regions=("us-centrl1",))

    with pytest.raises(UsageError, match="give --region us-central1"):
        collect_live(request, IMPATIENT)


@pytest.mark.usefixtures("emulator")
def test_project_and_region_are_found_when_none_is_given(staging: Bundle) -> None:
    collection = collect_live(LiveRequest(window=staging.window), IMPATIENT)

    assert collection.bundle.project == "demo-staging"
    assert collection.bundle.manifest.regions == ["us-central1"]


@pytest.mark.usefixtures("emulator")
def test_a_window_in_the_middle_of_a_failure_is_widened_to_its_onset(staging: Bundle) -> None:
    late = replace(staging.window, start=staging.window.end - timedelta(minutes=20))

    kept = collect_live(LiveRequest(window=late), IMPATIENT)
    widened = collect_live(LiveRequest(window=late, widen=True), IMPATIENT)

    assert kept.bundle.window.start == late.start
    assert widened.bundle.window.start < late.start
    assert len(list(widened.bundle.entries())) > len(list(kept.bundle.entries()))


def test_no_value_of_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2-in-the-clear"  # noqa: S105 - planted, to be looked for
    service = {
        "name": "projects/demo/locations/us-central1/services/api",
        "template": {
            "containers": [{"image": "i", "env": [{"name": "DB", "value": f"postgres://u:{secret}@10.0.0.3:5432/d"}]}]
        },
    }
    manifest = {
        "format": "gcpdiag-bundle",
        "version": 1,
        "project": "demo",
        "regions": ["us-central1"],
        "window": {"start": "2025-09-15T19:25:00Z", "end": "2025-09-15T20:25:00Z"},
    }
    files = {"manifest.json": json.dumps(manifest), "run/services.json": json.dumps([service])}

    collection = collected(bundle_of({path: text.encode() for path, text in files.items()}), monkeypatch)

    content = b"".join(files_of(collection.bundle).values())
    assert secret.encode() not in content
    assert b"10.0.0.3:5432" in content
