"""Rollback: the last revision that served well, or the reason why none of them will do."""

from __future__ import annotations

import pytest

from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_rollback import RollbackOptions, Served, plan_rollback
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from tests.remediate.services import (
    GOOD,
    NOW,
    OLD,
    TO_LATEST,
    container,
    pinned,
    revision,
    revisions,
    service,
)

FINE = Served(requests=900, errors=0)
BAD = Served(requests=900, errors=40)


def rolled_back(
    told: JsonObject | None = None,
    there: list[JsonObject] | None = None,
    *,
    to: str = "",
    served: dict[str, Served] | None = None,
) -> Step:
    return plan_rollback(told or service(), there or revisions(), RollbackOptions(to=to, served=served))


def test_it_goes_back_to_the_newest_revision_that_served_without_5xx() -> None:
    step = rolled_back(served={OLD: FINE, GOOD: FINE, NOW: BAD})

    assert step.after["traffic"] == [pinned(GOOD)]
    assert (step.update_mask, step.makes_revision, step.risk) == (("traffic",), False, "medium")
    assert "900 requests without a 5xx" in step.effect


def test_it_says_that_data_stay_and_that_traffic_is_pinned() -> None:
    warnings = " ".join(rolled_back(served={GOOD: FINE}).warnings)

    assert "Database schemas and data do not roll back" in warnings
    assert "gcpdiag traffic unpin api" in warnings


def test_one_that_served_5xx_is_passed_over() -> None:
    assert rolled_back(served={OLD: FINE, GOOD: BAD}).after["traffic"] == [pinned(OLD)]


def test_one_that_is_not_ready_is_passed_over() -> None:
    there = [revision(OLD, 1), revision(GOOD, 2, ready=False), revision(NOW, 3)]

    assert rolled_back(there=there, served={OLD: FINE, GOOD: FINE}).after["traffic"] == [pinned(OLD)]


def test_one_to_which_only_a_tag_leads_is_passed_over_and_the_tag_stays() -> None:
    tagged = service(traffic=[TO_LATEST, pinned(GOOD, 0, tag="preview")])

    step = rolled_back(tagged, served={OLD: FINE, GOOD: FINE})

    assert step.after["traffic"] == [pinned(OLD), pinned(GOOD, 0, tag="preview")]


def test_one_that_has_a_part_of_the_traffic_may_get_all() -> None:
    canary = service(traffic=[pinned(GOOD, 90), pinned(NOW, 10)])

    assert rolled_back(canary, served={GOOD: FINE, NOW: BAD}).after["traffic"] == [pinned(GOOD)]


def test_a_newer_one_than_what_serves_is_no_way_back() -> None:
    with pytest.raises(RefusedError, match=rf"{NOW}: is newer than {GOOD}"):
        rolled_back(service(traffic=[pinned(GOOD)]), served={NOW: FINE, GOOD: FINE})


def test_without_any_it_tells_why_each_was_passed_over() -> None:
    there = [revision(OLD, 1, ready=False), revision(GOOD, 2), revision("api-00000-first", 0), revision(NOW, 3)]

    with pytest.raises(RefusedError) as refused:
        rolled_back(there=there, served={GOOD: BAD})

    told = str(refused.value)
    assert f"{NOW}: serves now" in told
    assert f"{GOOD}: served 40 of 900 requests with 5xx" in told
    assert f"{OLD}: is not ready (CONTAINER_MISSING): Image 'gcr.io/demo/api' not found" in told
    assert "api-00000-first: carried no traffic lately" in told
    assert "gcpdiag rollback api --to REVISION" in told


def test_without_counts_it_does_not_guess() -> None:
    with pytest.raises(RefusedError, match="could not be counted"):
        rolled_back(served=None)


@pytest.mark.parametrize(
    "served, told",
    [(None, "Nobody could count"), ({}, "carried no traffic lately"), ({OLD: BAD}, "40 of 900 requests with 5xx")],
)
def test_one_that_is_named_is_taken_with_its_doubts(served: dict[str, Served] | None, told: str) -> None:
    step = rolled_back(to=OLD, served=served)

    assert step.after["traffic"] == [pinned(OLD)]
    assert step.risk == "high"
    assert told in step.warnings[0]


def test_one_that_is_named_and_not_ready_is_refused() -> None:
    with pytest.raises(RefusedError, match="cannot take traffic"):
        rolled_back(there=[revision(OLD, 1, ready=False), revision(NOW, 3)], to=OLD, served={})


def test_one_that_is_not_there_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match=f"Did you mean {GOOD}"):
        rolled_back(to="api-00002-goof", served={})


def test_one_that_has_everything_leaves_nothing_to_do() -> None:
    with pytest.raises(NothingToDoError):
        rolled_back(to=NOW, served={})


def test_secrets_that_only_the_old_code_needs_are_named() -> None:
    old_key: JsonObject = {"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "key", "version": "1"}}}
    there = [revision(GOOD, 2, containers=[container(env=[old_key])]), revision(NOW, 3)]

    assert any("key:1" in one for one in rolled_back(there=there, served={GOOD: FINE}).warnings)
    assert not any("still exist" in one for one in rolled_back(served={GOOD: FINE}).warnings)
