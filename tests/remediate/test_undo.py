"""Taking changes back: what was before is there again, and what others did since is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcpdiag.errors import UsageError
from gcpdiag.model.json import objects_at, text_at
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_egress import SETTINGS, plan_egress
from gcpdiag.remediate.action_restart import RESTARTED_AT
from gcpdiag.remediate.action_rollback import RollbackOptions, Served, plan_rollback
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.history import change_id
from gcpdiag.remediate.receipt import Receipt
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.undo import changes_to_undo, undo_plan
from tests.emulator.asking import http_answer
from tests.remediate.applying import ALICE, TARGET, Desk, desk_at

OLDER = "backend-staging-00703-hwt"
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "memory": st.sampled_from(["2Gi", "3Gi", "8Gi"]),
        "cpu": st.sampled_from(["2", "4"]),
        "min_instances": st.integers(min_value=0, max_value=2),
        "max_instances": st.integers(min_value=2, max_value=40),
        "concurrency": st.integers(min_value=1, max_value=160),
    },
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as found:
        yield found


def undo(desk: Desk, name: str = "", *, incident: bool = False) -> list[Receipt]:
    receipts = []
    for change in changes_to_undo(
        desk.changes(), name=name, project="demo-staging", incident=incident, now=desk.clock.now()
    ):
        service = desk.writer.get_service(TARGET)
        plan = undo_plan(change, service, ALICE, plan_id=f"u-{change.id}", now=desk.clock.now())
        receipts.append(desk.apply(plan, undoes=change.id))
    return receipts


def step_of(desk: Desk, kind: str) -> Step:
    service, revisions = desk.writer.get_service(TARGET), desk.writer.list_revisions(TARGET)
    if kind == "rollback":
        told = RollbackOptions(to=OLDER, served={OLDER: Served(requests=100, errors=0)})
        return plan_rollback(service, revisions, told)
    if kind == "egress":
        return plan_egress(service, revisions, SETTINGS["private-ranges-only"])
    return plan_scale(service, revisions, ScaleOptions(memory="2Gi", max_instances=10))


@pytest.mark.parametrize("kind", ["scale", "rollback", "egress"])
def test_what_is_taken_back_was_never_there_but_for_revisions_and_times(desk: Desk, kind: str) -> None:
    before = desk.settings()
    assert desk.apply(desk.plan(step_of(desk, kind))).outcome == "applied"
    assert desk.settings() != before

    (receipt,) = undo(desk)
    assert (receipt.outcome, receipt.kind) == ("applied", "undo")
    assert desk.settings() == before


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=LIMITS)
def test_the_inverse_undoes_whatever_the_limits(desk: Desk, limits: dict[str, int | str]) -> None:
    http_answer(desk.emulator.http, "/_emulator/reset", method="POST")
    desk.clock.turn(hours=2)
    before = desk.settings()
    try:
        plan = desk.scale(**limits)
    except (NothingToDoError, UsageError, RefusedError):
        return
    assert desk.apply(plan).outcome == "applied"

    assert [one.outcome for one in undo(desk)] == ["applied"]
    assert desk.settings() == before


def test_a_restart_is_taken_back_with_one_more_revision(desk: Desk) -> None:
    desk.apply(desk.restart())
    assert RESTARTED_AT in str(desk.settings())

    assert undo(desk)[0].outcome == "applied"
    assert RESTARTED_AT not in str(desk.settings())


def test_a_failed_change_is_taken_back(desk: Desk) -> None:
    desk.on_sending(lambda: desk.plan_rollout(outcome="fail"))
    assert desk.apply(desk.scale(memory="2Gi")).outcome == "failed"
    desk.on_progress = lambda _: None

    assert (undo(desk)[0].outcome, desk.memory()) == ("applied", "4Gi")
    assert text_at(desk.service(), "terminalCondition.state") == "CONDITION_SUCCEEDED"


def test_a_change_that_still_rolls_out_is_taken_back(desk: Desk) -> None:
    desk.on_sending(lambda: desk.plan_rollout(outcome="slow", seconds=900))
    assert desk.apply(desk.scale(memory="2Gi"), patience=5).outcome == "pending"
    desk.on_progress = lambda _: None

    assert (undo(desk)[0].outcome, desk.memory()) == ("applied", "4Gi")


def test_the_journal_knows_what_took_what_back(desk: Desk) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"))
    undo(desk)

    first, second = desk.changes()
    assert (first.undone_by, second.undoes) == (second.id, receipt.run)
    assert second.id == change_id(second.run, 0)


@pytest.mark.parametrize("name", ["run1", "p1"])
def test_a_change_is_named_by_its_id_or_its_plans(desk: Desk, name: str) -> None:
    desk.apply(desk.scale(memory="2Gi"))

    assert undo(desk, name)[0].outcome == "applied"


def test_without_a_name_the_last_change_goes_first(desk: Desk) -> None:
    desk.apply(desk.scale(memory="2Gi"))
    desk.clock.turn(minutes=6)
    desk.apply(desk.scale(max_instances=10))

    undo(desk)
    assert (desk.memory(), desk.changes()[1].undone_by) == ("2Gi", "run3")
    undo(desk)
    assert desk.memory() == "4Gi"


def test_the_whole_incident_is_taken_back_newest_first(desk: Desk) -> None:
    before = desk.settings()
    desk.apply(desk.scale(concurrency=40))
    desk.clock.turn(hours=3)
    between = desk.settings()
    desk.apply(desk.scale(memory="2Gi"))
    desk.clock.turn(minutes=6)
    desk.apply(desk.scale(memory="3Gi"))

    receipts = undo(desk, incident=True)
    assert [one.outcome for one in receipts] == ["applied", "applied"]
    assert desk.settings() == between != before


def test_what_somebody_changed_since_is_left_alone(desk: Desk) -> None:
    desk.apply(desk.scale(memory="2Gi"))
    other = desk.scale(memory="3Gi").steps[0]
    body = other.request(desk.writer.get_service(TARGET))
    desk.writer.update_service(body, other.update_mask, validate_only=False, timeout=10)

    with pytest.raises(RefusedError, match="was changed since") as raised:
        undo(desk)
    assert (raised.value.exit_code, desk.memory()) == (4, "3Gi")


def test_an_image_deployed_since_is_not_taken_back_with_the_limits(desk: Desk) -> None:
    desk.apply(desk.scale(memory="2Gi"))
    service = desk.writer.get_service(TARGET)
    objects_at(service, "template.containers")[0]["image"] = "gcr.io/demo-staging/backend-staging:v2"
    desk.writer.update_service(service, ("template.containers",), validate_only=False, timeout=10)

    with pytest.raises(RefusedError, match="image"):
        undo(desk)


def test_nothing_is_taken_back_twice(desk: Desk) -> None:
    desk.apply(desk.scale(memory="2Gi"))
    undo(desk)

    with pytest.raises(NothingToDoError):
        undo(desk)
    with pytest.raises(NothingToDoError, match="taken back by run2"):
        undo(desk, "run1")
    with pytest.raises(UsageError, match="run2 took run1 back"):
        undo(desk, "run2")


def test_a_name_that_nothing_has_gets_the_nearest(desk: Desk) -> None:
    desk.apply(desk.scale(memory="2Gi"))

    with pytest.raises(UsageError, match="Did you mean run1"):
        undo(desk, "runl")


def test_a_change_that_was_undone_by_hand_needs_nothing(desk: Desk) -> None:
    desk.apply(desk.scale(memory="2Gi"))
    other = desk.scale(memory="4Gi").steps[0]
    body = other.request(desk.writer.get_service(TARGET))
    desk.writer.update_service(body, other.update_mask, validate_only=False, timeout=10)

    with pytest.raises(NothingToDoError):
        undo(desk)
