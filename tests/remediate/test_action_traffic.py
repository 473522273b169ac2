"""Unpin: traffic follows the latest revision again."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import Json
from gcpdiag.remediate.action_traffic import plan_unpin
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.traffic import share_of_latest, shares_of, tag_only
from tests.remediate.services import GOOD, NOW, OLD, TARGET, TO_LATEST, pinned, revision, revisions, service


def test_all_traffic_goes_to_the_latest_and_tags_stay() -> None:
    step = plan_unpin(service(traffic=[pinned(GOOD), pinned(OLD, 0, tag="old")]), revisions())

    assert step.after["traffic"] == [TO_LATEST, pinned(OLD, 0, tag="old")]
    assert (step.update_mask, step.is_disruptive) == (("traffic",), True)
    assert any("see that its fault is repaired" in one for one in step.warnings)


@pytest.mark.parametrize("traffic", [[], [TO_LATEST]])
def test_traffic_that_follows_already_leaves_nothing_to_do(traffic: list[Json]) -> None:
    with pytest.raises(NothingToDoError):
        plan_unpin(service(traffic=traffic), revisions())


def test_without_a_ready_revision_it_is_refused() -> None:
    with pytest.raises(RefusedError, match="no ready revision"):
        plan_unpin(service(traffic=[pinned(GOOD)]), [revision(NOW, 3, ready=False)])


def test_a_newest_revision_that_failed_is_told() -> None:
    failed = service(traffic=[pinned(OLD)], latestReadyRevision=f"{TARGET}/revisions/{GOOD}")

    assert any(f"{NOW}, the newest revision, is not ready" in one for one in plan_unpin(failed, revisions()).warnings)


def test_shares_add_up_and_tags_are_no_share() -> None:
    split = service(traffic=[{**TO_LATEST, "percent": 25}, pinned(NOW, 25), pinned(GOOD, 50), pinned(OLD, 0, tag="t")])

    assert (share_of_latest(split), shares_of(split)) == (25, {NOW: 50, GOOD: 50})
    assert tag_only(split) == {OLD}
