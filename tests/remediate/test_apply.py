"""Applying plans over Google's own client: what was promised happens, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.gcp.failure import FailureKind
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from gcpdiag.model.plan import Plan
from gcpdiag.remediate.action_rollback import RollbackOptions, Served, plan_rollback
from gcpdiag.remediate.action_traffic import plan_unpin
from gcpdiag.remediate.guard import GuardsRefusedError, Overrides
from gcpdiag.remediate.journal import Journal, JournalError
from gcpdiag.remediate.lease import ANNOTATION, LockedError
from gcpdiag.remediate.policy import Policy
from gcpdiag.remediate.settle import is_refusal
from tests.remediate.applying import TARGET, Desk, desk_at
from tests.remediate.faulty import (
    LOSSES,
    REFUSALS,
    FaultyWriter,
    Strike,
    failing,
    on_leases,
    on_the_step,
)

SERVING, OLDER = "backend-staging-00704-9fz", "backend-staging-00703-hwt"
WHOLE_RUN = ["started", "intent", "outcome", "settled", "finished"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as found:
        yield found


def refusing(desk: Desk, plan: Plan, **options: object) -> set[str]:
    """The guards that refuse a plan; nothing at all may be sent."""
    before, sent = desk.settings(), len(desk.mutations())
    with pytest.raises(GuardsRefusedError) as raised:
        desk.apply(plan, **options)
    assert raised.value.exit_code == 4
    assert (desk.settings(), len(desk.mutations())) == (before, sent)
    return {one.guard for one in raised.value.verdicts if one.stops}


# --- what is done


def test_a_plan_is_carried_out_and_the_service_has_what_it_says(desk: Desk) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"))

    assert (receipt.outcome, receipt.exit_code, desk.memory()) == ("applied", 0, "2Gi")
    assert receipt.revision == "backend-staging-00705-" + receipt.revision[-3:]
    assert receipt.serving == f"{receipt.revision} (100 %)"
    assert receipt.problems == ()


def test_one_line_is_written_before_and_one_after_each_thing_that_is_sent(desk: Desk) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"))

    (change,) = desk.changes()
    assert desk.events() == WHOLE_RUN
    assert desk.journal.read().problems == ()
    assert (change.id, change.outcome, change.operation) == (receipt.run, "applied", receipt.operation)
    assert (change.who, change.host, change.digest) == ("alice", "desk", receipt.digest)
    assert text_at(objects_at(change.before, "template.containers")[0], "resources.limits.memory") == "4Gi"
    assert text_at(objects_at(change.after, "template.containers")[0], "resources.limits.memory") == "2Gi"


def test_nothing_but_the_plan_is_changed_and_the_lock_is_taken_away(desk: Desk) -> None:
    before = desk.settings()
    desk.apply(desk.scale(memory="2Gi"))

    after = desk.settings()
    containers = objects_at(after, "template.containers")
    object_at(containers[0], "resources.limits")["memory"] = "4Gi"
    assert after == before


def test_environment_values_stay_in_the_service_and_out_of_the_journal(desk: Desk) -> None:
    values = objects_at(desk.service(), "template.containers")[0]["env"]
    desk.apply(desk.scale(memory="2Gi"))

    assert objects_at(desk.service(), "template.containers")[0]["env"] == values
    assert "10.166.204.83" not in desk.journal.path.read_text()


def test_limits_of_the_service_make_no_revision_and_nor_does_the_lock(desk: Desk) -> None:
    revisions = desk.revisions()
    receipt = desk.apply(desk.scale(max_instances=10))

    assert (receipt.outcome, receipt.revision) == ("applied", "")
    assert desk.revisions() == revisions
    assert object_at(desk.service(), "scaling").get("maxInstanceCount") == 10


def test_a_restart_makes_one_revision(desk: Desk) -> None:
    revisions = desk.revisions()
    receipt = desk.apply(desk.restart())

    assert receipt.outcome == "applied"
    assert len(desk.revisions()) == len(revisions) + 1


def test_a_rollback_moves_the_traffic_and_unpin_moves_it_back(desk: Desk) -> None:
    service, revisions = desk.writer.get_service(TARGET), desk.writer.list_revisions(TARGET)
    back = plan_rollback(service, revisions, RollbackOptions(to=OLDER, served={OLDER: Served(requests=100, errors=0)}))
    receipt = desk.apply(desk.plan(back))
    assert (receipt.outcome, receipt.serving) == ("applied", f"{OLDER} (100 %)")

    desk.clock.turn(minutes=10)
    unpin = desk.apply(desk.plan(plan_unpin(desk.writer.get_service(TARGET), desk.writer.list_revisions(TARGET))))
    assert (unpin.outcome, unpin.serving) == ("applied", f"{SERVING} (100 %)")


def test_what_happens_is_told_on_the_way(desk: Desk) -> None:
    desk.on_sending(lambda: desk.plan_rollout(outcome="slow", seconds=20))
    desk.apply(desk.scale(memory="2Gi"))

    assert desk.told[:2] == ["taking the lock on the service", "sending: scale of backend-staging"]
    assert any("waiting for RoutesReady" in one for one in desk.told)


# --- what is refused, and sends nothing


def test_an_expired_plan_is_refused(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    desk.clock.turn(minutes=16)

    assert refusing(desk, plan) == {"plan-fresh"}


def test_an_edited_plan_is_refused(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")

    assert refusing(desk, replace(plan, reason="another"), digest=plan.digest) == {"plan-intact"}


def test_somebody_elses_plan_is_refused(desk: Desk) -> None:
    assert refusing(desk, desk.scale(memory="2Gi"), actor="bob") == {"plan-own"}


def test_a_plan_from_before_another_change_is_refused(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    desk.apply(desk.scale(max_instances=10))
    desk.clock.turn(minutes=6)

    assert refusing(desk, plan) == {"target-unchanged"}


def test_the_same_plan_is_not_done_twice(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    desk.apply(plan)

    assert "target-unchanged" in refusing(desk, plan)


def test_a_service_that_is_gone_is_refused(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    services = desk.emulator.state.resources("run.services")
    assert services is not None
    services[:] = [one for one in services if one["name"] != TARGET]

    with pytest.raises(GuardsRefusedError, match="does not exist any more"):
        desk.apply(plan)
    assert desk.mutations() == []


def test_production_is_refused_without_its_name(desk: Desk) -> None:
    policy = Policy(production_projects=("demo-*",))
    plan = desk.scale(memory="2Gi")

    assert refusing(desk, plan, policy=policy, production=True) == {"project-allowed"}
    receipt = desk.apply(plan, policy=policy, production=True, confirmed="backend-staging")
    assert receipt.outcome == "applied"


def test_a_refusal_is_journalled_and_is_no_change(desk: Desk) -> None:
    refusing(desk, desk.scale(memory="2Gi"), actor="bob")

    assert (desk.events(), desk.changes()) == (["refused"], ())


def test_an_override_lets_it_through_and_is_journalled(desk: Desk) -> None:
    receipt = desk.apply(
        desk.scale(memory="2Gi"), actor="bob", overrides=Overrides(guards=("plan-own",), reason="reviewed")
    )

    started = desk.journal.read().records[0]
    assert receipt.outcome == "applied"
    assert started["overrides"] == [{"guard": "plan-own", "reason": "reviewed"}]
    assert [one.override for one in receipt.verdicts if one.guard == "plan-own"] == ["reviewed"]


def test_an_override_without_a_reason_sends_nothing(desk: Desk) -> None:
    with pytest.raises(UsageError):
        desk.apply(desk.scale(memory="2Gi"), overrides=Overrides(guards=("plan-own",)))
    assert desk.mutations() == []


def test_a_journal_that_cannot_be_written_sends_nothing(desk: Desk) -> None:
    desk.journal.path.mkdir()

    with pytest.raises(JournalError):
        desk.apply(desk.scale(memory="2Gi"))
    assert desk.mutations() == []


def test_a_target_that_cannot_be_read_sends_nothing(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    desk.writer = FaultyWriter(desk.writer, on_read=lambda: Strike("unavailable"))

    with pytest.raises(UnreachableError):
        desk.apply(plan)
    assert desk.mutations() == []


def test_a_deployment_between_the_lock_and_the_step_is_left_alone(desk: Desk) -> None:
    plan, other = desk.scale(memory="2Gi"), desk.scale(concurrency=40)

    def deploy() -> None:
        desk.on_progress = lambda _: None
        body = other.steps[0].request(desk.writer.get_service(TARGET))
        desk.writer.update_service(body, other.steps[0].update_mask, validate_only=False, timeout=10)

    desk.on_sending(deploy)
    receipt = desk.apply(plan)

    assert (receipt.outcome, desk.memory()) == ("not-applied", "4Gi")
    assert object_at(desk.service(), "template")["maxInstanceRequestConcurrency"] == 40
    assert not desk.service().get("annotations")


def test_a_deployment_while_the_lock_was_taken_is_noticed_before_anything_is_sent(desk: Desk) -> None:
    plan, other = desk.scale(memory="2Gi"), desk.scale(concurrency=40)
    faulty = FaultyWriter(desk.writer)

    def deploy(_mask: object) -> None:
        if faulty.taken == [("annotations",)]:
            faulty.on_read = lambda: None
            body = other.steps[0].request(faulty.inner.get_service(TARGET))
            faulty.inner.update_service(body, other.steps[0].update_mask, validate_only=False, timeout=10)

    faulty.on_read = lambda: deploy(None)
    desk.writer = faulty
    with pytest.raises(GuardsRefusedError) as raised:
        desk.apply(plan)

    assert "target-unchanged" in {one.guard for one in raised.value.verdicts if one.stops}
    assert (faulty.steps_sent(), desk.memory()) == (0, "4Gi")
    assert not desk.service().get("annotations")
    assert desk.events()[-1] == "finished"


# --- rollouts that go wrong


def test_a_revision_that_does_not_become_ready_leaves_the_traffic_where_it_was(desk: Desk) -> None:
    desk.on_sending(lambda: desk.plan_rollout(outcome="fail"))
    receipt = desk.apply(desk.scale(memory="2Gi"))

    assert (receipt.outcome, receipt.exit_code) == ("failed", 1)
    assert receipt.serving == f"{SERVING} (100 %)"
    assert "is not ready" in receipt.message
    assert [one.path for one in receipt.diff] == ["template.containers[0].resources.limits.memory"]
    assert desk.changes()[0].outcome == "failed"
    assert not desk.service().get("annotations")


def test_a_slow_rollout_is_waited_for(desk: Desk) -> None:
    desk.on_sending(lambda: desk.plan_rollout(outcome="slow", seconds=120))

    assert desk.apply(desk.scale(memory="2Gi")).outcome == "applied"


def test_a_rollout_that_outlasts_our_patience_is_pending_and_resume_tells_its_end(desk: Desk) -> None:
    desk.on_sending(lambda: desk.plan_rollout(outcome="slow", seconds=300))
    receipt = desk.apply(desk.scale(memory="2Gi"), patience=5)
    assert (receipt.outcome, receipt.exit_code) == ("pending", 1)

    desk.clock.turn(minutes=10)
    assert [one.result for one in desk.resume()] == ["applied"]
    assert desk.changes()[0].outcome == "applied"


def test_who_stops_waiting_is_told_that_it_goes_on(desk: Desk) -> None:
    def interrupt(text: str) -> None:
        if text.startswith("sending"):
            desk.plan_rollout(outcome="slow", seconds=120)
        if "waiting for" in text:
            raise KeyboardInterrupt

    desk.on_progress = interrupt
    receipt = desk.apply(desk.scale(memory="2Gi"))

    assert (receipt.outcome, receipt.message) == ("pending", "you stopped waiting; the rollout goes on")
    assert not desk.service().get("annotations")


def test_traffic_to_a_revision_that_cannot_serve_is_taken_back(desk: Desk) -> None:
    service, revisions = desk.writer.get_service(TARGET), desk.writer.list_revisions(TARGET)
    back = plan_rollback(service, revisions, RollbackOptions(to=OLDER, served={OLDER: Served(requests=100, errors=0)}))

    def break_it() -> None:
        for one in desk.emulator.state.listed("run.revisions"):
            if text_at(one, "name").endswith((OLDER, SERVING)):
                one["conditions"] = [{"type": "Ready", "state": "CONDITION_FAILED"}]

    desk.on_sending(break_it)
    receipt = desk.apply(desk.plan(back))

    assert receipt.outcome == "rolled-back"
    assert [text_at(one, "type")[-6:] for one in objects_at(desk.service(), "traffic")] == ["LATEST"]


# --- verification


@pytest.mark.parametrize(
    "verdict, outcome, memory", [(True, "applied", "2Gi"), (None, "applied", "2Gi"), (False, "rolled-back", "4Gi")]
)
def test_what_did_not_help_is_taken_back(desk: Desk, outcome: str, memory: str, *, verdict: bool | None) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"), verify=lambda: verdict)

    assert (receipt.outcome, desk.memory()) == (outcome, memory)
    assert [one.undone_by for one in desk.changes()][:1] == ([""] if verdict is not False else ["run1.1"])
    assert not desk.service().get("annotations")


def test_too_early_to_say_is_said(desk: Desk) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"), verify=lambda: None)

    assert "too early to say" in receipt.problems[0]


def test_it_may_be_kept_all_the_same(desk: Desk) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"), verify=lambda: False, auto_rollback=False)

    assert (receipt.outcome, desk.memory()) == ("failed", "2Gi")


def test_a_verification_that_cannot_look_takes_nothing_back(desk: Desk) -> None:
    def verify() -> bool | None:
        raise UnreachableError("no network")

    receipt = desk.apply(desk.scale(memory="2Gi"), verify=verify)
    assert (receipt.outcome, desk.memory()) == ("applied", "2Gi")
    assert "no network" in receipt.problems[0]


def test_what_somebody_changed_meanwhile_is_not_taken_back(desk: Desk) -> None:
    plan, other = desk.scale(memory="2Gi"), desk.scale(memory="3Gi")

    def deploy_and_fail() -> bool | None:
        body = other.steps[0].request(desk.writer.get_service(TARGET))
        desk.writer.update_service(body, other.steps[0].update_mask, validate_only=False, timeout=10)
        return False

    receipt = desk.apply(plan, verify=deploy_and_fail)
    assert (receipt.outcome, desk.memory()) == ("failed", "3Gi")
    assert "was changed since" in receipt.problems[0]


# --- faults on every call that changes something


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_the_server_refuses_is_not_applied_and_not_tried_again(desk: Desk, kind: FailureKind) -> None:
    plan = desk.scale(memory="2Gi")
    desk.writer = faulty = FaultyWriter(desk.writer, on_update=on_the_step(Strike(kind)))
    receipt = desk.apply(plan)

    assert (receipt.outcome, receipt.exit_code, desk.memory()) == ("not-applied", 1, "4Gi")
    assert faulty.steps_sent() == 1
    assert desk.changes()[0].outcome == "not-applied"
    assert not desk.service().get("annotations")


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("has_acted", [True, False])
def test_a_lost_answer_is_settled_by_reading_and_never_sent_again(
    desk: Desk, kind: FailureKind, *, has_acted: bool
) -> None:
    plan = desk.scale(memory="2Gi")
    desk.writer = faulty = FaultyWriter(desk.writer, on_update=on_the_step(Strike(kind, has_acted=has_acted)))
    receipt = desk.apply(plan)

    assert receipt.outcome == ("applied" if has_acted else "not-applied")
    assert desk.memory() == ("2Gi" if has_acted else "4Gi")
    assert faulty.steps_sent() == 1
    assert desk.changes()[0].outcome == receipt.outcome
    assert not desk.service().get("annotations")


def test_a_request_that_got_stuck_cannot_arrive_once_it_was_settled(desk: Desk) -> None:
    plan = desk.scale(memory="2Gi")
    stuck: list[tuple[JsonObject, tuple[str, ...]]] = []
    inner = desk.writer

    class Stuck(FaultyWriter):
        def update_service(self, service, update_mask, *, validate_only, timeout):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            if tuple(update_mask) != ("annotations",):
                stuck.append((service, tuple(update_mask)))
                raise failing("timeout")
            return inner.update_service(service, update_mask, validate_only=validate_only, timeout=timeout)

    desk.writer = Stuck(inner)
    receipt = desk.apply(plan)
    assert receipt.outcome == "not-applied"

    with pytest.raises(Exception, match="Conflict"):
        inner.update_service(stuck[0][0], stuck[0][1], validate_only=False, timeout=10)
    assert desk.memory() == "4Gi"


@pytest.mark.parametrize("kind", [*REFUSALS, *LOSSES])
def test_without_the_lock_nothing_is_sent(desk: Desk, kind: FailureKind) -> None:
    plan = desk.scale(memory="2Gi")
    desk.writer = faulty = FaultyWriter(desk.writer, on_update=on_leases(Strike(kind)))

    if kind == "conflict":
        with pytest.raises(LockedError):
            desk.apply(plan)
    else:
        assert desk.apply(plan).outcome == "not-applied"
    assert (faulty.steps_sent(), desk.memory()) == (0, "4Gi")
    assert desk.events()[-1] == "finished"
    assert ANNOTATION not in object_at(desk.service(), "annotations")


@pytest.mark.parametrize("kind", LOSSES)
def test_a_lock_that_was_taken_although_nobody_heard_is_ours(desk: Desk, kind: FailureKind) -> None:
    plan = desk.scale(memory="2Gi")
    desk.writer = FaultyWriter(desk.writer, on_update=on_leases(Strike(kind, has_acted=True)))

    assert desk.apply(plan).outcome == "applied"
    assert not desk.service().get("annotations")


@pytest.mark.parametrize("kind", ["denied", "unavailable"])
@pytest.mark.parametrize("outcome", ["ready", "fail"])
def test_who_may_not_see_operations_is_told_by_the_service(desk: Desk, kind: FailureKind, outcome: str) -> None:
    plan = desk.scale(memory="2Gi")
    desk.writer = FaultyWriter(desk.writer, on_operation=lambda: Strike(kind))
    desk.on_sending(lambda: desk.plan_rollout(outcome=outcome))
    receipt = desk.apply(plan, patience=30)

    ended = {"ready": "applied", "fail": "failed"}[outcome]
    assert receipt.outcome == (ended if kind == "denied" else "pending")
    assert not desk.service().get("annotations")


def test_a_disk_that_fills_up_after_the_step_hides_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = desk.scale(memory="2Gi")
    whole = Journal.append

    def append(self, event, run, content, *, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if event in ("outcome", "settled", "finished"):
            raise JournalError("the disk is full")
        whole(self, event, run, content, at=at)

    monkeypatch.setattr(Journal, "append", append)
    receipt = desk.apply(plan)

    assert (receipt.outcome, desk.memory()) == ("applied", "2Gi")
    assert any("disk is full" in one for one in receipt.problems)
    monkeypatch.undo()
    assert [one.result for one in desk.resume()] == ["applied"]


def test_which_failures_say_that_nothing_was_done() -> None:
    assert all(is_refusal(failing(one)) for one in REFUSALS)
    assert not any(is_refusal(failing(one)) for one in LOSSES)
