"""Restart: one more revision with the same code, or a refusal that names the way."""

from __future__ import annotations

import pytest

from gcpdiag.model.field_mask import masked
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.remediate.action_restart import RESTARTED_AT, plan_restart
from gcpdiag.remediate.refusal import RefusedError
from tests.remediate.services import DIGEST, GOOD, NOON, NOW, TARGET, container, pinned, revision, revisions, service


def test_it_changes_an_annotation_and_pins_the_image_by_the_digest_that_serves() -> None:
    step = plan_restart(service(), revisions(), now=NOON)

    assert [(one.path, one.after) for one in step.diff] == [
        (f"template.annotations.{RESTARTED_AT}", "2025-09-15T12:00:00Z"),
        ("template.containers[0].image", f"gcr.io/demo/api@{DIGEST}"),
    ]
    assert step.update_mask == ("template.annotations", "template.containers")
    assert (step.kind, step.target, step.etag, step.generation) == ("restart", TARGET, '"seven"', "7")
    assert (step.risk, step.is_reversible, step.is_disruptive, step.cost) == ("medium", True, True, "same")


def test_annotations_that_are_there_stay() -> None:
    step = plan_restart(service(template={"annotations": {"team": "blue"}}), revisions(), now=NOON)

    assert masked(step.after, ["template.annotations"]) == {
        "template": {"annotations": {"team": "blue", RESTARTED_AT: "2025-09-15T12:00:00Z"}}
    }


def test_the_name_of_the_revision_is_cleared_for_it_is_taken() -> None:
    step = plan_restart(service(template={"revision": NOW}), revisions(), now=NOON)

    assert "template.revision" in step.update_mask
    assert masked(step.after, ["template.revision"]) == {}


@pytest.mark.parametrize(
    "statuses",
    [
        [{"name": "api-1", "imageDigest": DIGEST}],
        [{"imageDigest": f"gcr.io/demo/api@{DIGEST}"}],
    ],
)
def test_a_digest_is_understood_with_and_without_its_image(statuses: list[Json]) -> None:
    step = plan_restart(service(), [revision(NOW, 3, containerStatuses=statuses)], now=NOON)

    assert f"gcr.io/demo/api@{DIGEST}" in {one.after for one in step.diff}


@pytest.mark.parametrize(
    "newest",
    [revision(NOW, 3, containerStatuses=[]), revision(NOW, 3, containers=[container(image="gcr.io/demo/api:v1")])],
)
def test_a_tag_whose_digest_nobody_knows_is_a_high_risk(newest: JsonObject) -> None:
    step = plan_restart(service(), [newest], now=NOON)

    assert step.risk == "high"
    assert any("gcr.io/demo/api:latest" in one and "other code" in one for one in step.warnings)


def test_an_image_that_is_pinned_already_stays() -> None:
    image = f"gcr.io/demo/api@{DIGEST}"

    step = plan_restart(service(template={"containers": [container(image=image)]}), revisions(), now=NOON)

    assert (step.risk, step.update_mask) == ("medium", ("template.annotations",))


def test_pinned_traffic_is_refused_for_the_new_revision_would_get_nothing() -> None:
    with pytest.raises(RefusedError, match=r"0 % of the traffic.*api-00002-good.*gcpdiag traffic unpin api"):
        plan_restart(service(traffic=[pinned(GOOD)]), revisions(), now=NOON)


def test_a_part_of_the_traffic_is_a_warning() -> None:
    split = service(traffic=[{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 30}, pinned(GOOD, 70)])

    assert any("Only 30 %" in one for one in plan_restart(split, revisions(), now=NOON).warnings)


def test_a_template_that_never_became_ready_is_not_started_again() -> None:
    broken = service(latestReadyRevision=f"{TARGET}/revisions/{GOOD}")

    with pytest.raises(RefusedError, match="would start api-00003-now again, which is not ready"):
        plan_restart(broken, revisions(), now=NOON)
