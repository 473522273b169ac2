"""Every labelled bundle is diagnosed as its label says, whole and with a source taken away."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from gcpdiag.bundle.read import Bundle, bundle_of, load_bundle
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.report.to_json import render_json
from gcpdiag.report.to_markdown import render_markdown
from gcpdiag.report.to_text import render_text
from gcpdiag.shipped import playbook_root

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests/report/diagnosis.schema.json").read_text())
FIXTURES = sorted(path.parent for path in (ROOT / "fixtures").glob("*/expected.json"))
INCIDENTS = [one for one in FIXTURES if not one.name.startswith("healthy")]
THE_OUTAGE = ROOT / "fixtures" / "staging-503"
MISSION = {
    "resource-exhaustion",
    "health-check-timeout",
    "database-connections",
    "vpc-connector",
    "dependency-unreachable",
}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def name_of(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", FIXTURES, ids=name_of)
def test_the_label_is_found(path: Path, library: Library) -> None:
    expected = json.loads((path / "expected.json").read_text())

    found = diagnose(load_bundle(path), library)

    assert found.status == expected["status"]
    named = [one.id for one in found.root_causes]
    assert named[:1] == expected["causes"][:1] or named[0] in expected["accept"]
    assert not set(named[:1]) & set(expected["not"])


@pytest.mark.parametrize("path", FIXTURES, ids=name_of)
def test_the_json_is_as_the_contract_says(path: Path, library: Library) -> None:
    jsonschema.validate(json.loads(render_json(diagnose(load_bundle(path), library))), SCHEMA)


@pytest.mark.parametrize("path", FIXTURES, ids=name_of)
def test_order_of_entries_and_files_changes_nothing(path: Path, library: Library) -> None:
    straight = diagnose(load_bundle(path), library)

    shuffled = diagnose(shuffled_bundle(path, seed=7), library)

    assert rendered(shuffled) == rendered(straight)


def test_every_cause_named_by_a_playbook_has_a_fixture_or_tests(library: Library) -> None:
    covered = {cause for path in INCIDENTS for cause in json.loads((path / "expected.json").read_text())["causes"]}

    assert covered <= set(library.playbooks)


def test_the_outage_speaks_to_every_suspect_of_the_mission(library: Library) -> None:
    found = diagnose(load_bundle(THE_OUTAGE), library)

    verdicts = {one.category: one.verdict for one in found.suspects}
    assert verdicts.keys() >= MISSION
    assert [one.id for one in found.root_causes] == ["vpc-connector/egress-blocked"]
    assert verdicts["vpc-connector"] == "confirmed"
    assert all(verdicts[one] == "ruled out" for one in MISSION - {"vpc-connector"})


def test_the_outage_is_found_in_the_audit_log_alone_when_services_are_missing(library: Library) -> None:
    bundle = bundle_of(files_of(THE_OUTAGE, without={"run/services.json", "run/revisions.json"}))

    found = diagnose(bundle, library)

    assert found.root_causes[0].id == "vpc-connector/egress-blocked"
    assert any("ALL_TRAFFIC" in line.evidence.text for line in found.root_causes[0].evidence)


def sources_of(path: Path) -> Iterator[str]:
    for file in sorted(path.rglob("*.json*")):
        name = file.relative_to(path).as_posix()
        if name not in {"manifest.json", "expected.json"}:
            yield name


@pytest.mark.parametrize("name", list(sources_of(THE_OUTAGE)))
def test_without_one_source_the_outage_is_answered_and_the_gap_is_named(name: str, library: Library) -> None:
    source = name.rsplit(".", 1)[0].replace("/", ".")

    found = diagnose(bundle_of(files_of(THE_OUTAGE, denied={source})), library)

    assert source in {gap.source for gap in found.gaps}
    if name != "logging/entries.jsonl":
        assert [one.id for one in found.root_causes][:1] in ([], ["vpc-connector/egress-blocked"])


def test_a_denied_source_names_its_permission(library: Library) -> None:
    found = diagnose(bundle_of(files_of(THE_OUTAGE, denied={"vpcaccess.connectors"})), library)

    gap = next(one for one in found.gaps if one.source == "vpcaccess.connectors")
    assert gap.permission == "vpcaccess.connectors.list"
    assert "roles/vpcaccess.viewer" in gap.fix


@pytest.mark.parametrize("path", INCIDENTS, ids=name_of)
def test_weights_add_up_to_the_total(path: Path, library: Library) -> None:
    for cause in diagnose(load_bundle(path), library).root_causes:
        lines = [line.decibans for line in (*cause.evidence, *cause.contradicting)]
        assert cause.score == pytest.approx(cause.prior + sum(lines))


@pytest.mark.parametrize("path", INCIDENTS, ids=name_of)
def test_less_to_look_at_never_makes_an_answer_surer(path: Path, library: Library) -> None:
    whole = {one.id: one.confidence for one in diagnose(load_bundle(path), library).root_causes}

    for source in ("logging.entries", "monitoring.time_series", "run.revisions", "sqladmin.instances"):
        less = diagnose(bundle_of(files_of(path, denied={source})), library)
        for one in less.root_causes:
            assert one.confidence <= whole.get(one.id, 1.0) + 0.06, source


def files_of(path: Path, *, without: set[str] | None = None, denied: set[str] | None = None) -> dict[str, bytes]:
    """Return a fixture's files, some left out, or refused as the manifest then says."""
    files = {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*.json*"))
        if file.relative_to(path).as_posix() not in (without or set())
    }
    manifest = json.loads(files["manifest.json"])
    for source in denied or set():
        files = {name: one for name, one in files.items() if name.rsplit(".", 1)[0].replace("/", ".") != source}
        kept = [one for one in manifest["sources"] if one["source"] != source]
        manifest["sources"] = [*kept, {"source": source, "status": "denied"}]
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def shuffled_bundle(path: Path, *, seed: int) -> Bundle:
    files = files_of(path)
    order = random.Random(seed)  # noqa: S311 - no secret
    for name, content in list(files.items()):
        if name.endswith(".jsonl"):
            lines = content.splitlines()
            order.shuffle(lines)
            files[name] = b"\n".join(lines)
        elif isinstance(resources := json.loads(content), list):
            order.shuffle(resources)
            files[name] = json.dumps(resources).encode()
    return bundle_of(dict(sorted(files.items(), reverse=True)))


def rendered(diagnosis: Diagnosis) -> tuple[str, str, str]:
    return (
        render_json(diagnosis),
        render_markdown(diagnosis),
        render_text(diagnosis, width=100, color=False),
    )
