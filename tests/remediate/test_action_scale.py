"""Scale: limits of the service and of the revision told apart, and illegal ones refused with the legal ones."""

from __future__ import annotations

import pytest

from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject, object_at
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_scale import ScaleOptions, instance_bounds, plan_scale
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from tests.remediate.services import GOOD, container, limits, pinned, revisions, service


def scaled(told: JsonObject | None = None, /, **options: str | int) -> Step:
    return plan_scale(told or service(), revisions(), ScaleOptions(**options))  # type: ignore[arg-type]


def test_memory_takes_a_new_revision_with_the_code_that_serves() -> None:
    step = scaled(memory="2Gi")

    assert limits(step.after) == {"cpu": "1", "memory": "2Gi"}
    assert [one.path for one in step.diff] == [
        "template.containers[0].image",
        "template.containers[0].resources.limits.memory",
    ]
    assert (step.update_mask, step.makes_revision) == (("template.containers",), True)
    assert (step.risk, step.cost, step.is_disruptive) == ("medium", "higher", True)
    assert "memory 512Mi -> 2Gi, in a new revision" in step.effect


def test_only_the_container_that_gets_the_requests_is_changed() -> None:
    sidecar: JsonObject = {"name": "proxy", "image": "gcr.io/demo/proxy@sha256:" + "b" * 64}

    step = scaled(service(template={"containers": [sidecar, container()]}), memory="1Gi")

    assert {one.path.split(".")[1] for one in step.diff} == {"containers[1]"}


def test_a_container_without_resources_keeps_cpu_while_it_serves_alone() -> None:
    bare = container()
    del bare["resources"]

    step = scaled(service(template={"containers": [bare]}), memory="1Gi")

    (resources,) = [one.after for one in step.diff if one.path.endswith("resources.cpuIdle")]
    assert resources is True


def test_fewer_requests_at_once_cost_more() -> None:
    step = scaled(concurrency=20)

    assert step.update_mask == ("template.max_instance_request_concurrency", "template.containers")
    assert step.cost == "higher"


def test_a_lower_maximum_needs_no_revision() -> None:
    step = scaled(max_instances=10)

    assert step.update_mask == ("scaling.max_instance_count",)
    assert (step.makes_revision, step.risk, step.cost, step.is_disruptive) == (False, "low", "lower", True)
    assert "without a new revision" in step.effect


def test_a_higher_maximum_than_the_revision_has_takes_a_new_one() -> None:
    step = scaled(max_instances=40)

    assert step.update_mask == ("template.scaling.max_instance_count", "template.containers")
    assert instance_bounds(step.after) == (0, 40)
    assert any("connections" in one for one in step.warnings)


def test_a_maximum_that_only_the_service_holds_down_is_raised_there() -> None:
    step = scaled(service(scaling={"maxInstanceCount": 5}), max_instances=20)

    assert step.update_mask == ("scaling.max_instance_count",)
    assert instance_bounds(step.after) == (0, 20)


def test_both_levels_are_raised_where_both_hold_it_down() -> None:
    step = scaled(service(scaling={"maxInstanceCount": 5}), max_instances=30)

    assert {"scaling.max_instance_count", "template.scaling.max_instance_count"} <= set(step.update_mask)
    assert instance_bounds(step.after) == (0, 30)


def test_an_unset_maximum_of_a_revision_is_a_hundred() -> None:
    step = scaled(service(template={"scaling": {}}), max_instances=50)

    assert step.update_mask == ("scaling.max_instance_count",)


def test_a_higher_minimum_needs_no_revision_and_costs_more() -> None:
    step = scaled(min_instances=3)

    assert (step.update_mask, step.cost, step.is_disruptive) == (("scaling.min_instance_count",), "higher", False)


def test_a_lower_minimum_than_the_revision_has_takes_a_new_one() -> None:
    held = service(template={"scaling": {"minInstanceCount": 2, "maxInstanceCount": 20}})

    step = scaled(held, min_instances=0)

    assert "template.scaling.min_instance_count" in step.update_mask
    assert instance_bounds(step.after) == (0, 20)
    assert object_at(step.after, "template.scaling") == {"maxInstanceCount": 20}


def test_instance_limits_may_change_while_traffic_is_pinned_and_others_not() -> None:
    rolled_back = service(traffic=[pinned(GOOD)])

    assert scaled(rolled_back, max_instances=10).makes_revision is False
    with pytest.raises(RefusedError, match="gcpdiag traffic unpin"):
        scaled(rolled_back, memory="1Gi")


@pytest.mark.parametrize(
    "options",
    [{"memory": "512Mi"}, {"memory": "0.5Gi"}, {"cpu": "1000m"}, {"max_instances": 20}, {"min_instances": 0}],
)
def test_limits_that_hold_already_leave_nothing_to_do(options: dict[str, str | int]) -> None:
    with pytest.raises(NothingToDoError):
        scaled(**options)


@pytest.mark.parametrize(
    "options, told",
    [
        ({}, "which limit"),
        ({"memory": "8Gi"}, r"1 CPU takes 128Mi to 4Gi\. Give --cpu 2 \(or 4, 6, 8\) with --memory 8Gi"),
        ({"cpu": "4"}, r"4 CPU takes 2Gi to 16Gi\. Give --cpu 1 \(or 2\) with --memory 512Mi"),
        ({"cpu": "0.5"}, r"cannot serve 80 requests at once.*Give --concurrency 1"),
        ({"cpu": "3"}, "1, 2, 4, 6 or 8"),
        ({"memory": "64Gi"}, "1 CPU 128Mi to 4Gi; 2 CPU 128Mi to 8Gi; 4 CPU 2Gi to 16Gi; 6 CPU 4Gi"),
        ({"memory": "2GB"}, "512Mi or 2Gi"),
        ({"concurrency": 0}, "from 1 to 1000"),
        ({"min_instances": 30}, "at least 30 and at most 20"),
        ({"min_instances": 5, "max_instances": 3}, "at least 5 and at most 3"),
        ({"max_instances": 0}, "1 or more"),
    ],
)
def test_what_cloud_run_does_not_take_is_refused_with_what_it_takes(options: dict[str, str | int], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        scaled(**options)


def test_the_second_generation_takes_half_a_gibibyte_at_least() -> None:
    second = service(template={"executionEnvironment": "EXECUTION_ENVIRONMENT_GEN2"})

    with pytest.raises(UsageError, match="512Mi to 4Gi"):
        scaled(second, memory="256Mi")
    assert scaled(memory="256Mi").cost == "lower"


def test_a_fixed_number_of_instances_has_no_bounds() -> None:
    with pytest.raises(RefusedError, match="manual"):
        scaled(service(scaling={"scalingMode": "MANUAL", "manualInstanceCount": 3}), max_instances=5)
