"""The inverse undoes: whatever a step has changed, it gives back."""

from __future__ import annotations

import copy
import json

from hypothesis import given

from gcpdiag.model.field_mask import masked
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_restart import plan_restart
from gcpdiag.remediate.action_rollback import RollbackOptions, plan_rollback
from gcpdiag.remediate.inverse import inverse_of
from gcpdiag.remediate.template import repository_of
from tests.remediate.services import DIGEST, GOOD, NOON, SECRET, TO_LATEST, revisions, service
from tests.remediate.strategies import steps


def code_apart(document: JsonObject) -> JsonObject:
    """What may not come back: the name of a revision, and the tag of an image that is pinned by its digest now."""
    told = copy.deepcopy(document)
    template = object_at(told, "template")
    template.pop("revision", None)
    for container in objects_at(template, "containers"):
        container["image"] = repository_of(text_at(container, "image"))
    return told


def bare(value: Json) -> Json:
    """A document without empty objects: to Google, they are the same as none."""
    if isinstance(value, dict):
        return {key: inner for key, one in value.items() if (inner := bare(one)) not in ({}, None)}
    return [bare(one) for one in value] if isinstance(value, list) else value


@given(steps())
def test_a_step_and_its_inverse_leave_every_field_as_it_was(step: Step) -> None:
    inverse = inverse_of(step, step.after)

    given_back = masked(inverse.after, step.update_mask)
    assert bare(code_apart(given_back)) == bare(code_apart(masked(step.before, step.update_mask)))


@given(steps())
def test_the_inverse_of_the_inverse_is_the_step_again(step: Step) -> None:
    inverse = inverse_of(step, step.after)

    again = inverse_of(inverse, inverse.after)

    mask = step.update_mask
    assert bare(code_apart(masked(again.after, mask))) == bare(code_apart(masked(step.after, mask)))


@given(steps())
def test_the_inverse_touches_nothing_else_and_the_code_stays(step: Step) -> None:
    inverse = inverse_of(step, step.after)

    assert set(inverse.update_mask) <= set(step.update_mask)
    images = [one for one in inverse.diff if one.path.endswith(".image")]
    assert images == []


@given(steps())
def test_no_step_holds_a_value_of_the_environment_or_changes_one(step: Step) -> None:
    assert SECRET not in json.dumps([step.before, step.after])
    assert not any(".env" in one.path for one in step.diff)


def test_a_restart_is_undone_without_asking_the_tag_again() -> None:
    step = plan_restart(service(), revisions(), now=NOON)
    now = {**step.request(service(etag='"eight"')), "generation": "8"}

    inverse = inverse_of(step, now)

    assert [one.path for one in inverse.diff] == ["template.annotations.gcpdiag.dev/restarted-at"]
    assert text_at(objects_at(inverse.after, "template.containers")[0], "image") == f"gcr.io/demo/api@{DIGEST}"
    assert any("stays pinned" in one for one in inverse.warnings)
    assert (inverse.kind, inverse.etag, inverse.generation) == ("undo", '"eight"', "8")


def test_a_rollback_is_undone_by_the_traffic_as_it_was() -> None:
    step = plan_rollback(service(), revisions(), RollbackOptions(to=GOOD))

    assert inverse_of(step, step.after).after["traffic"] == [TO_LATEST]


def test_what_somebody_else_has_changed_besides_stays() -> None:
    step = plan_rollback(service(), revisions(), RollbackOptions(to=GOOD))
    now: JsonObject = {**step.after, "labels": {"new": "one"}}

    inverse = inverse_of(step, now)

    assert inverse.after["labels"] == {"new": "one"}
    assert inverse.update_mask == ("traffic",)
