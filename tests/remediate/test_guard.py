"""Each guard passes where its precondition holds, and refuses, with what to do, where it does not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject, object_at
from gcpdiag.remediate.guard import GuardsRefusedError, Overrides, Passed, Refused, Situation, Unknown
from gcpdiag.remediate.guard_harm import HARMS
from gcpdiag.remediate.guards import GUARDS
from gcpdiag.remediate.history import OpenRun
from gcpdiag.remediate.lease import ANNOTATION, Lease, leased
from gcpdiag.remediate.policy import Policy
from tests.remediate.judging import change, changed, diagnosis, guard, judged, plan, situation, step, with_env
from tests.remediate.services import NOON, TARGET, service

DOCUMENT = Path(__file__).parents[2] / "docs" / "guards.md"
OTHER = TARGET.replace("/api", "/web")
CONNECTIONS = "database-connections/server-connection-limit"


def leased_by(holder: str, *, minutes: float = 5, run: str = "other") -> JsonObject:
    lease = Lease(holder=holder, run=run, plan="", expires_at=NOON + timedelta(minutes=minutes))
    told = service()
    return {**told, "annotations": leased(told, lease)["annotations"]}


def opened(target: str = TARGET, run: str = "left") -> OpenRun:
    return OpenRun(run=run, target=target, who="alice", host="desk", process=1, at=NOON)


def refusal(name: str, told: Situation) -> str:
    found = judged(name, told)
    assert isinstance(found, Refused), found
    assert found.hint, f"{name} does not say what to do"
    return found.reason


def test_nothing_speaks_against_a_plain_plan() -> None:
    verdicts = GUARDS.evaluate(situation())

    assert [one.guard for one in verdicts if one.outcome == "refused" or one.stops] == []


def test_every_guard_has_a_title_a_sentence_and_a_section_in_the_documentation() -> None:
    sections = re.findall(r"^### `([a-z-]+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

    assert sections == [one.id for one in GUARDS.guards]
    assert all(one.title and one.doc.endswith(".") for one in GUARDS.guards)


def test_every_guard_can_refuse() -> None:
    refusing = {
        "plan-intact": situation(digest="0" * 64),
        "plan-fresh": situation(now=NOON + timedelta(minutes=15)),
        "plan-own": situation(actor="bob"),
        "server-accepts": situation(of_plan={"validation": "400 no"}),
        "target-unchanged": situation(service=None),
        "no-rollout-in-progress": situation(service={**service(), "reconciling": True}),
        "not-locked": situation(service=leased_by("bob")),
        "project-allowed": situation(policy=Policy(allowed_projects=())),
        "one-service-at-a-time": situation(open_runs=(opened(OTHER),)),
        "at-most-doubling": situation(step(*changed(memory="4Gi"))),
        "cool-down": situation(history=(change(1),)),
        "actions-per-incident": situation(history=(change(30), change(20), change(10))),
        "incident-still-there": situation(of_plan={"causes": ("a/b",)}, diagnosis=diagnosis("healthy")),
        "confident-enough": situation(of_plan={"causes": ("a/b",), "confidence": 0.4}),
        "does-not-worsen-cause": situation(
            step(*changed(concurrency=100)), diagnosis=diagnosis("incident", ("resource-exhaustion/memory-limit", 0.9))
        ),
    }

    assert list(refusing) == [one.id for one in GUARDS.guards]
    for name, told in refusing.items():
        assert refusal(name, told)
        assert [one.guard for one in GUARDS.evaluate(told) if one.stops and one.guard == name] == [name]


# --- the plan and its target


def test_a_plan_that_was_edited_after_it_was_shown_is_refused() -> None:
    shown = situation()
    edited = replace(shown.plan, reason="another")

    assert "its digest differs" in refusal("plan-intact", replace(shown, plan=edited))


def test_a_plan_for_another_project_than_its_target_is_refused() -> None:
    assert "names another project" in refusal("plan-intact", situation(of_plan={"project": "elsewhere"}))


@pytest.mark.parametrize("seconds, passes", [(0, True), (899, True), (900, False), (-30, True), (-90, False)])
def test_a_plan_holds_for_fifteen_minutes(seconds: int, *, passes: bool) -> None:
    found = judged("plan-fresh", situation(now=NOON + timedelta(seconds=seconds)))

    assert isinstance(found, Passed) == passes


@pytest.mark.parametrize("told", [{"etag": '"eight"'}, {"generation": "8"}, {"template": {}}])
def test_a_target_that_moved_is_refused_and_told_by_whom(told: JsonObject) -> None:
    moved: JsonObject = {**service(), "lastModifier": "bob@example.com", **told}

    assert "by bob@example.com" in refusal("target-unchanged", situation(service=moved))


def test_a_changed_field_under_the_mask_is_named() -> None:
    moved = changed(memory="2Gi")[1]

    told = refusal("target-unchanged", situation(service=moved))
    assert "template.containers[0].resources.limits.memory" in told


@pytest.mark.parametrize(
    "told, passes",
    [
        ({}, True),
        ({"reconciling": True}, False),
        ({"observedGeneration": "7"}, True),
        ({"observedGeneration": "6"}, False),
        ({"terminalCondition": {"state": "CONDITION_RECONCILING"}}, False),
        ({"terminalCondition": {"state": "CONDITION_PENDING"}}, False),
        ({"observedGeneration": "6", "terminalCondition": {"state": "CONDITION_FAILED"}}, True),
    ],
)
def test_a_rollout_in_progress_is_waited_for_but_a_failed_one_is_over(told: JsonObject, *, passes: bool) -> None:
    found = judged("no-rollout-in-progress", situation(service={**service(), **told}))

    assert isinstance(found, Passed) == passes


def test_who_holds_the_lock_is_told_and_until_when() -> None:
    assert refusal("not-locked", situation(service=leased_by("bob on laptop"))) == (
        "bob on laptop holds the lock until 12:05:00 UTC"
    )


def test_a_lock_that_has_expired_or_is_our_own_is_none() -> None:
    assert isinstance(judged("not-locked", situation(service=leased_by("bob", minutes=0.5))), Passed)
    assert isinstance(judged("not-locked", situation(service=leased_by("me", run="mine"), run="mine")), Passed)


@pytest.mark.parametrize("text", ["{", "[]", '{"holder": "x"}', '{"expires_at": "2030-01-01T00:00:00"}'])
def test_a_lock_that_cannot_be_read_is_somebodys(text: str) -> None:
    told: JsonObject = {**service(), "annotations": {ANNOTATION: text}}

    assert "cannot be read" in refusal("not-locked", situation(service=told))


def test_what_somebody_writes_into_a_lock_does_nothing_to_a_terminal() -> None:
    assert "\x1b" not in refusal("not-locked", situation(service=leased_by("\x1b[2Jbob" + "x" * 500)))


def test_another_process_here_and_a_run_that_was_left_open_are_locks_too() -> None:
    local = Lease(holder="alice on desk", run="other", plan="", expires_at=NOON + timedelta(minutes=5))

    assert "on this machine" in refusal("not-locked", situation(local_lease=local))
    assert "was interrupted" in refusal("not-locked", situation(open_runs=(opened(),)))


# --- the policy


def test_production_takes_the_flag_and_the_name_typed() -> None:
    production = Policy(production_projects=("demo",))

    assert "is production" in refusal("project-allowed", situation(policy=production))
    assert "was not typed" in refusal("project-allowed", situation(policy=production, production=True, confirmed="ap"))
    found = judged("project-allowed", situation(policy=production, production=True, confirmed="api"))
    assert isinstance(found, Passed)


def test_a_plan_that_says_it_is_production_needs_no_policy_for_that() -> None:
    assert "is production" in refusal("project-allowed", situation(of_plan={"production": True}))


def test_a_project_that_is_not_on_the_list_is_refused() -> None:
    policy = Policy(allowed_projects=("other-*",), origin="gcpdiag.toml")

    assert refusal("project-allowed", situation(policy=policy)) == (
        "gcpdiag.toml allows changes in other-*, not in demo"
    )


def test_a_plan_for_two_services_is_refused() -> None:
    one = step(*changed(memory="1Gi"))
    two = step(*changed({**service(), "name": OTHER}, memory="1Gi"))
    told = situation(one)
    both = replace(plan(one), steps=(one, two))

    assert "touches 2 services: api, web" in refusal("one-service-at-a-time", replace(told, plan=both))


@pytest.mark.parametrize(
    "limits, told",
    [
        ({"memory": "1Gi"}, ""),
        ({"memory": "1025Mi"}, "memory from 512Mi to 1025Mi (at most 1024Mi)"),
        ({"cpu": "2000m"}, ""),
        ({"cpu": "4"}, "CPU from 1 to 4 (at most 2)"),
        ({"concurrency": 161}, "concurrency from 80 to 161 (at most 160)"),
        ({"max": 40}, ""),
        ({"max": 41}, "max instances from 20 to 41 (at most 40)"),
        ({"min": 2}, ""),
        ({"min": 3}, "min instances from 0 to 3 (at most 2)"),
        ({"memory": "256Mi", "max": 1}, ""),
    ],
)
def test_growth_beyond_doubling_is_refused_with_the_numbers(limits: dict[str, int | str], told: str) -> None:
    found = judged("at-most-doubling", situation(step(*changed(**limits))))

    if told:
        assert isinstance(found, Refused)
        assert told in found.reason
    else:
        assert isinstance(found, Passed)


def test_no_limit_at_all_counts_as_the_hundred_instances_that_it_stands_for() -> None:
    before = service()
    object_at(before, "template").pop("scaling")
    after: JsonObject = {**before, "scaling": {"maxInstanceCount": 150}}

    assert isinstance(judged("at-most-doubling", situation(step(before, after, mask=("scaling",)))), Passed)


def test_a_tighter_factor_of_the_policy_counts() -> None:
    told = situation(step(*changed(max=31)), policy=Policy(max_factor=1.5))

    assert "(at most 30)" in refusal("at-most-doubling", told)


@pytest.mark.parametrize(
    "earlier, passes",
    [
        (change(4.9), False),
        (change(5), True),
        (change(1, target=OTHER), True),
        (change(1, outcome="not-applied"), True),
        (change(1, outcome="unknown"), False),
        (change(1, run="mine"), True),
    ],
)
def test_the_cool_down_counts_changes_of_this_service_alone(earlier: object, *, passes: bool) -> None:
    found = judged("cool-down", situation(history=(earlier,), run="mine"))

    assert isinstance(found, Passed) == passes


def test_the_cool_down_says_when_it_is_over() -> None:
    found = judged("cool-down", situation(history=(change(1),)))

    assert isinstance(found, Refused)
    assert "until 12:05:00 UTC" in found.hint


def test_actions_count_as_long_as_the_incident_goes_on() -> None:
    three = (change(30), change(20), change(10))
    old = tuple(change(minutes) for minutes in (200, 190, 180, 10))
    undoing = (change(30), change(20), change(10, undoes="c20"))

    assert "3 changes in this incident" in refusal("actions-per-incident", situation(history=three))
    assert isinstance(judged("actions-per-incident", situation(history=old)), Passed)
    assert isinstance(judged("actions-per-incident", situation(history=undoing)), Passed)


# --- the diagnosis


@pytest.mark.parametrize(
    "found, kind",
    [
        (None, Unknown),
        (diagnosis("healthy"), Refused),
        (diagnosis("inconclusive"), Unknown),
        (diagnosis("incident", ("a/b", 0.9)), Passed),
        (diagnosis("incident", ("c/d", 0.9), ("a/b", 0.8)), Passed),
        (diagnosis("incident", ("c/d", 0.9)), Refused),
    ],
)
@pytest.mark.parametrize("cause", ["a/b", "a"])
def test_the_incident_must_still_be_there(found: object, kind: type, cause: str) -> None:
    told = situation(of_plan={"causes": (cause,)}, diagnosis=found)

    assert isinstance(judged("incident-still-there", told), kind)


def test_what_cannot_be_known_refuses() -> None:
    told = situation(of_plan={"causes": ("a/b",), "confidence": 0.9})

    assert [one.guard for one in GUARDS.evaluate(told) if one.stops] == ["incident-still-there"]


@pytest.mark.parametrize("confidence, kind", [(0.69, Refused), (0.7, Passed), (None, Unknown)])
def test_the_diagnosis_must_be_sure_enough(confidence: float | None, kind: type) -> None:
    told = situation(of_plan={"causes": ("a/b",), "confidence": confidence})

    assert isinstance(judged("confident-enough", told), kind)


def test_how_sure_the_fresh_diagnosis_is_counts_more() -> None:
    told = situation(of_plan={"causes": ("a/b",), "confidence": 0.99}, diagnosis=diagnosis("incident", ("a/b", 0.5)))

    assert "50% sure" in refusal("confident-enough", told)


def test_more_instances_are_refused_at_the_connection_limit_with_the_arithmetic() -> None:
    before = with_env(service(), DB_POOL_SIZE="10", DB_MAX_OVERFLOW="5")
    told = situation(
        step(*changed(before, max=40)),
        service=before,
        diagnosis=diagnosis("incident", (CONNECTIONS, 0.95)),
        max_connections=200,
    )

    found = refusal("does-not-worsen-cause", told)
    assert "20 instances × 15 connections = 300" in found
    assert "40 instances × 15 connections = 600" in found
    assert "DB_POOL_SIZE is 10, with 5 more at need" in found
    assert "max_connections is 200" in found


@pytest.mark.parametrize(
    "values, told",
    [
        ({}, "20 instances × 80 connections = 1600"),
        ({"DATABASE_URL": "postgres://u:hunter2@db/x?connection_limit=7"}, "20 instances × 7 connections = 140"),
        ({"PG_MAX_CONNECTIONS": "12"}, "20 instances × 12 connections = 240"),
        ({"MAX_UPLOAD_SIZE": "12"}, "20 instances × 80 connections = 1600"),
        ({"POOL_SIZE": "9" * 30}, "20 instances × 80 connections = 1600"),
    ],
)
def test_the_pool_is_found_where_applications_keep_it_and_nothing_else_is_told(
    values: dict[str, str], told: str
) -> None:
    before = with_env(service(), **values)
    found = refusal(
        "does-not-worsen-cause",
        situation(step(*changed(before, max=40)), service=before, of_plan={"causes": (CONNECTIONS,)}),
    )

    assert told in found
    assert "hunter2" not in found
    assert "a number that is not known" in found


@pytest.mark.parametrize(
    "cause, limits",
    [
        (CONNECTIONS, {"max": 21}),
        (CONNECTIONS, {"min": 1}),
        (CONNECTIONS, {"concurrency": 100}),
        ("database-connections/client-pool-exhausted", {"concurrency": 100}),
        ("database-connections/slow-database", {"max": 21}),
        ("resource-exhaustion/memory-limit", {"concurrency": 100}),
        ("resource-exhaustion/memory-limit", {"memory": "256Mi"}),
        ("resource-exhaustion/cpu-saturation", {"cpu": "0.5"}),
        ("resource-exhaustion/instance-limit", {"max": 10}),
        ("resource-exhaustion/instance-limit", {"concurrency": 10}),
        ("resource-exhaustion/concurrency-limit", {"concurrency": 10}),
        ("health-check-timeout/startup-timeout", {"cpu": "0.5"}),
        ("vpc-connector/saturated", {"max": 21}),
        ("vpc-connector/subnet-exhausted", {"max": 21}),
        ("platform/quota", {"cpu": "2"}),
    ],
)
def test_what_would_make_the_cause_worse_is_refused(cause: str, limits: dict[str, int | str]) -> None:
    told = situation(step(*changed(**limits)), of_plan={"causes": (cause,)})

    assert f"would make {cause} worse" in refusal("does-not-worsen-cause", told)


@pytest.mark.parametrize(
    "cause, limits",
    [
        (CONNECTIONS, {"max": 10}),
        ("resource-exhaustion/memory-limit", {"memory": "1Gi"}),
        ("resource-exhaustion/memory-limit", {"concurrency": 40}),
        ("resource-exhaustion/cpu-saturation", {"cpu": "2"}),
        ("resource-exhaustion/instance-limit", {"max": 40}),
        ("resource-exhaustion/concurrency-limit", {"concurrency": 100}),
        ("health-check-timeout/startup-timeout", {"cpu": "2"}),
    ],
)
def test_the_repair_of_a_cause_passes(cause: str, limits: dict[str, int | str]) -> None:
    told = situation(step(*changed(**limits)), of_plan={"causes": (cause,)})

    assert isinstance(judged("does-not-worsen-cause", told), Passed)


@pytest.mark.parametrize(
    "kind, cause",
    [
        ("restart", "health-check-timeout/startup-timeout"),
        ("restart", "vpc-connector/subnet-exhausted"),
        ("unpin", "bad-deployment/regression"),
        ("unpin", "bad-deployment/crash-on-start"),
    ],
)
def test_some_actions_make_a_cause_worse_whatever_they_set(kind: str, cause: str) -> None:
    told = situation(step(*changed(memory="600Mi"), kind=kind), of_plan={"causes": (cause,)})

    assert cause in refusal("does-not-worsen-cause", told)


def test_all_traffic_through_a_broken_vpc_is_refused() -> None:
    before = service(template={"vpcAccess": {"egress": "PRIVATE_RANGES_ONLY"}})
    after = service(template={"vpcAccess": {"egress": "ALL_TRAFFIC"}})
    told = situation(step(before, after), of_plan={"causes": ("vpc-connector/not-ready",)})

    assert "all traffic through the VPC" in refusal("does-not-worsen-cause", told)


def test_harms_are_of_causes_that_there_are() -> None:
    playbooks = Path(__file__).parents[2] / "playbooks"

    assert [one for one in HARMS if not (playbooks / f"{one}.yaml").is_file()] == []


# --- all of them together


@pytest.mark.parametrize(
    "name", ["no-rollout-in-progress", "at-most-doubling", "cool-down", "actions-per-incident", "does-not-worsen-cause"]
)
def test_taking_something_back_is_not_held_up_by_what_limits_new_changes(name: str) -> None:
    told = situation(
        step(*changed(memory="8Gi", concurrency=200), kind="undo"),
        service={**service(), "reconciling": True},
        history=(change(1), change(2), change(3)),
        diagnosis=diagnosis("incident", ("resource-exhaustion/memory-limit", 0.9)),
    )

    assert isinstance(judged(name, told), Passed)


def test_all_guards_that_refuse_are_shown_together() -> None:
    told = situation(step(*changed(memory="4Gi")), actor="bob", history=(change(1),))

    error = GuardsRefusedError(GUARDS.evaluate(told))
    assert error.exit_code == 4
    assert [name in str(error) for name in ("plan-own", "at-most-doubling", "cool-down")] == [True, True, True]
    assert "3 guards refuse" in str(error)


def test_an_override_passes_one_guard_and_is_kept_in_its_verdict() -> None:
    told = situation(step(*changed(memory="4Gi")), history=(change(1),))

    verdicts = GUARDS.evaluate(told, Overrides(guards=("cool-down",), reason="it burns"))
    assert [one.guard for one in verdicts if one.stops] == ["at-most-doubling"]
    assert [one.to_json()["override"] for one in verdicts if one.override] == ["it burns"]


@pytest.mark.parametrize(
    "overrides, told",
    [
        (Overrides(guards=("cool-down",)), "needs a reason"),
        (Overrides(guards=("cool-down",), reason="  "), "needs a reason"),
        (Overrides(guards=("cooldown",), reason="x"), "there is no guard"),
        (Overrides(guards=("target-unchanged",), reason="x"), "cannot be overridden"),
        (Overrides(guards=("plan-intact",), reason="x"), "cannot be overridden"),
        (Overrides(guards=("plan-fresh",), reason="x"), "cannot be overridden"),
    ],
)
def test_an_override_names_a_guard_that_has_one_and_a_reason(overrides: Overrides, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        GUARDS.require_overridable(overrides)


def test_a_guard_that_cannot_be_overridden_stops_all_the_same() -> None:
    told = situation(service=None)

    verdicts = GUARDS.evaluate(told, Overrides(guards=("target-unchanged",), reason="x"))
    assert "target-unchanged" in [one.guard for one in verdicts if one.stops]
    assert not guard("target-unchanged").can_be_overridden
