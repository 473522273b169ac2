"""Plans as documents: complete, readable by their owner alone, and worthless once edited."""

from __future__ import annotations

import copy
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given

from gcpdiag.errors import UsageError
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.plan import Plan, Step, digest_of
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.document import load_plan, plan_from_json, plan_to_json, save_plan
from gcpdiag.remediate.refusal import PlanError
from tests.remediate.services import SECRET, planned, revisions, service
from tests.remediate.strategies import steps


def made() -> Plan:
    return planned(plan_scale(service(), revisions(), ScaleOptions(memory="2Gi")))


@given(steps())
def test_a_plan_comes_back_from_its_document_as_it_was(step: Step) -> None:
    plan = planned(step, reason="zu wenig Speicher – \u202e")

    again = plan_from_json(json.loads(json.dumps(plan_to_json(plan))))

    assert again == plan
    assert again.digest == plan.digest


def test_the_document_spells_out_the_difference_and_the_way_back() -> None:
    document = plan_to_json(made())

    (step,) = objects_at(document, "steps")
    assert (document["schema"], document["digest"]) == ("gcpdiag.plan/v1", made().digest)
    assert {"path": "template.containers[0].resources.limits.memory", "before": "512Mi", "after": "2Gi"} in objects_at(
        step, "diff"
    )
    assert text_at(step, "inverse.command") == "gcpdiag undo 3fa2"
    assert objects_at(object_at(step, "inverse"), "diff")[0]["after"] == "512Mi"
    assert SECRET not in json.dumps(document)


def paths_of(document: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a document at which a value stands."""
    if isinstance(document, dict):
        return [deep for key, one in document.items() for deep in paths_of(one, (*path, key))]
    if isinstance(document, list):
        return [deep for place, one in enumerate(document) for deep in paths_of(one, (*path, place))]
    return [path]


def with_value(document: Json, path: tuple[str | int, ...], value: Json) -> Json:
    first, *rest = path
    inner = with_value(_at(document, first), tuple(rest), value) if rest else value
    if isinstance(document, dict) and isinstance(first, str):
        return {**document, first: inner}
    assert isinstance(document, list)
    assert isinstance(first, int)
    return [*document[:first], inner, *document[first + 1 :]]


def _at(document: Json, key: str | int) -> Json:
    if isinstance(document, dict) and isinstance(key, str):
        return document[key]
    assert isinstance(document, list)
    assert isinstance(key, int)
    return document[key]


@pytest.mark.parametrize("value", ["forged", 7, True, None, {}, [], 1e400])
def test_no_value_of_a_document_can_be_edited(value: Json) -> None:
    document = plan_to_json(made())

    for path in paths_of(document):
        edited = with_value(document, path, value)
        if edited != document:
            with pytest.raises(PlanError):
                plan_from_json(edited)


@pytest.mark.parametrize("harmless", [[], [{"path": "labels", "before": None, "after": "harmless"}]])
def test_what_people_read_cannot_be_made_to_differ_from_what_is_done(harmless: list[Json]) -> None:
    document = copy.deepcopy(plan_to_json(made()))
    (step,) = objects_at(document, "steps")
    step["diff"] = harmless

    with pytest.raises(PlanError, match="edited"):
        plan_from_json(document)


@pytest.mark.parametrize("forged", [{"etag": '"other"'}, {"extra": 1}])
def test_a_digest_made_anew_does_not_save_what_is_no_plan_of_ours(forged: JsonObject) -> None:
    document = {**plan_to_json(made()), **forged}
    document["digest"] = digest_of({key: one for key, one in document.items() if key not in ("digest", "schema")})

    with pytest.raises(PlanError):
        plan_from_json(document)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "plan",
        {},
        {"schema": "gcpdiag.plan/v2"},
        {"schema": "gcpdiag.plan/v1"},
        {"schema": "gcpdiag.plan/v1", "steps": []},
        {"schema": "gcpdiag.plan/v1", "steps": [{"kind": "delete"}]},
    ],
)
def test_what_is_no_plan_is_refused_with_exit_code_4(document: Json) -> None:
    with pytest.raises(PlanError) as refused:
        plan_from_json(document)

    assert refused.value.exit_code == 4


def test_a_file_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"

    save_plan(made(), path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_plan(path) == made()
    with pytest.raises(UsageError, match="exists already"):
        save_plan(made(), path)


def test_a_file_that_cannot_be_written_or_read_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        save_plan(made(), tmp_path / "nowhere" / "plan.json")
    with pytest.raises(UsageError, match="cannot be read"):
        load_plan(tmp_path / "plan.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema": "a", "schema": "b"}', b" " * (9 * 2**20), b"NaN"],
    ids=["empty", "cut", "binary", "deep", "twice", "large", "nan"],
)
def test_a_hostile_file_is_a_clear_refusal(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)

    with pytest.raises(PlanError):
        load_plan(path)
