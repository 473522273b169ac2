"""A plan as a value: it cannot be wrong in itself, and holds no secret."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gcpdiag.model.field_mask import differences, masked, with_fields
from gcpdiag.model.json import Json, JsonObject, objects_at
from gcpdiag.model.plan import BlastRadius, FieldDiff, Plan, Step, contents_of, digest_of
from gcpdiag.model.sealed import SEALED, has_seals, sealed, unsealed

NOW = datetime(2025, 9, 15, 12, tzinfo=UTC)
TARGET = "projects/p/locations/r/services/s"
SECRET = "hunter2"  # noqa: S105 - planted, to be looked for


def service(memory: str = "1Gi", secret: str = SECRET, etag: str = "e") -> JsonObject:
    env: list[Json] = [{"name": "PASSWORD", "value": secret}, {"name": "MODE", "value": ""}]
    container: JsonObject = {"name": "c", "env": env, "resources": {"limits": {"memory": memory}}}
    return {"name": TARGET, "etag": etag, "template": {"containers": [container]}}


def step() -> Step:
    return Step(
        kind="scale",
        target=TARGET,
        before=service(),
        after=service("2Gi"),
        update_mask=("template.containers",),
        etag="e",
        generation="7",
        risk="medium",
        is_reversible=True,
        is_disruptive=True,
        effect="more memory",
        cost="higher",
    )


def plan() -> Plan:
    return Plan(
        id="1",
        project="p",
        steps=(step(),),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        author="jane",
        host="laptop",
        reason="",
        radius=BlastRadius(services=(TARGET,), traffic_percent=100.0),
    )


def test_a_step_tells_what_differs_under_its_mask() -> None:
    assert step().diff == (FieldDiff(path="template.containers[0].resources.limits.memory", before="1Gi", after="2Gi"),)
    assert (step().service, step().region, step().makes_revision) == ("s", "r", True)


def test_no_value_of_the_environment_is_in_a_plan() -> None:
    assert SECRET not in json.dumps(contents_of(plan()))


def test_what_is_sent_has_the_environment_and_the_etag_of_the_service_as_it_is() -> None:
    sent = step().request(service(secret="rotated", etag="newer"))  # noqa: S106 - no secret

    assert sent == service("2Gi", secret="rotated", etag="newer")  # noqa: S106 - no secret


def test_a_variable_that_is_gone_is_named() -> None:
    with pytest.raises(KeyError, match="PASSWORD"):
        step().request({"name": TARGET, "template": {"containers": [{"name": "c"}]}})


def test_sealing_twice_is_sealing_once_and_opening_gives_everything_back() -> None:
    once = sealed(service())

    assert has_seals(once)
    assert sealed(once) == once
    assert unsealed(once, service()) == service()
    assert [one["value"] for one in objects_at(objects_at(once, "template.containers")[0], "env")] == [SEALED, ""]


def test_containers_without_a_name_are_told_apart_by_their_place() -> None:
    def nameless(*values: str) -> JsonObject:
        containers: list[Json] = [{"env": [{"name": "V", "value": one}]} for one in values]
        return {"template": {"containers": containers}}

    assert unsealed(sealed(nameless("a", "b")), nameless("a", "b")) == nameless("a", "b")


def test_the_digest_is_of_everything() -> None:
    made = plan()

    assert made.digest == plan().digest
    changed = (
        replace(made, id="2"),
        replace(made, reason="other"),
        replace(made, production=True),
        replace(made, causes=("vpc-connector/saturated",)),
        replace(made, confidence=0.9),
        replace(made, validation="accepted"),
        replace(made, expires_at=NOW + timedelta(minutes=14)),
        replace(made, steps=(replace(made.steps[0], risk="low"),)),
        replace(made, steps=(replace(made.steps[0], after=service("4Gi")),)),
        replace(made, radius=replace(made.radius, instances=3)),
    )
    assert len({made.digest, *(one.digest for one in changed)}) == len(changed) + 1


def test_the_order_of_keys_makes_no_other_digest() -> None:
    assert digest_of({"a": 1, "b": [{"c": 2, "d": 3}]}) == digest_of({"b": [{"d": 3, "c": 2}], "a": 1})


def test_a_plan_that_is_wrong_in_itself_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        replace(plan(), steps=())
    with pytest.raises(ValueError, match="fifteen minutes"):
        replace(plan(), expires_at=NOW + timedelta(minutes=16))
    with pytest.raises(ValueError, match="fifteen minutes"):
        replace(plan(), expires_at=NOW)
    with pytest.raises(ValueError, match="zone"):
        replace(plan(), created_at=datetime(2025, 9, 15))  # noqa: DTZ001 - what is refused
    with pytest.raises(ValueError, match="mask"):
        replace(step(), update_mask=())
    with pytest.raises(ValueError, match="percent"):
        BlastRadius(services=(), traffic_percent=101)


@pytest.mark.parametrize(
    "before, after, told",
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
        ({}, {"a": {"b": 2}}, [("a.b", None, 2)]),
        ({"a": {}}, {}, []),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a[0].b", 1, 2)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a", [1], [1, 2])]),
        ({"a": [1]}, {}, [("a", [1], None)]),
        ({"a": 1, "other": 1}, {"a": 1, "other": 2}, []),
    ],
)
def test_differences_go_down_to_single_values(
    before: JsonObject, after: JsonObject, told: list[tuple[str, Json, Json]]
) -> None:
    assert [(one.path, one.before, one.after) for one in differences(before, after, ["a"])] == told


def test_a_mask_is_in_snake_case_and_the_document_in_camel_case() -> None:
    told: JsonObject = {"template": {"vpcAccess": {"egress": "ALL_TRAFFIC", "connector": "c"}}, "labels": {}}

    assert masked(told, ["template.vpc_access.egress"]) == {"template": {"vpcAccess": {"egress": "ALL_TRAFFIC"}}}


def test_a_field_that_the_source_has_not_is_left_out() -> None:
    assert with_fields({"a": {"b": 1, "c": 2}}, {}, ["a.b"]) == {"a": {"c": 2}}
    assert with_fields({}, {}, ["a.b"]) == {}
