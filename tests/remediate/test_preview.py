"""A plan as people read it: aligned, in 80 columns, harmless to a terminal."""

from __future__ import annotations

from hypothesis import given

from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_rollback import RollbackOptions, Served, plan_rollback
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.preview import render_plan
from tests.remediate.services import GOOD, SECRET, TARGET, planned, revisions, service
from tests.remediate.strategies import steps


def test_it_shows_the_difference_of_the_real_resource_and_how_to_take_it_back() -> None:
    plan = planned(plan_scale(service(), revisions(), ScaleOptions(max_instances=10)))

    text = render_plan(plan)

    assert f"Target      {TARGET}\n\n  scaling.maxInstanceCount\n    - (not set)\n    + 10\n" in text
    assert "Risk        low; can be undone" in text
    assert "Reaches     1 service, 100 % of its traffic, 20 instances at most" in text
    assert "Asked by    jane@example.com on laptop" in text
    assert "Way back    the limits as they were" in text
    assert "Cost        lower" in text
    assert "good until 2025-09-15T12:15:00Z" in text
    assert plan.digest in text


def test_what_to_mind_is_said() -> None:
    options = RollbackOptions(served={GOOD: Served(requests=5, errors=0)})

    text = render_plan(planned(plan_rollback(service(), revisions(), options)))

    assert "Mind        Database schemas and data do not roll back" in text


def test_the_words_of_the_server_are_shown() -> None:
    step = plan_scale(service(), revisions(), ScaleOptions(max_instances=10))

    assert "Cloud Run says: 400 no" in render_plan(planned(step, validation="400 no"))
    assert "Server      not asked" in render_plan(planned(step, validation=""))


@given(steps())
def test_no_line_is_longer_than_a_narrow_terminal_and_no_secret_is_shown(step: Step) -> None:
    text = render_plan(planned(step))

    assert max(map(len, text.splitlines())) <= 80
    assert SECRET not in text


def test_nothing_in_a_service_does_anything_to_a_terminal() -> None:
    hostile = service(template={"annotations": {"x": "\x1b[2J\u202e\r\nRisk  none"}})
    step = plan_scale(hostile, revisions(), ScaleOptions(memory="1Gi"))

    text = render_plan(planned(step, reason="\x1b]0;owned\x07 \u202eevil"))

    assert all(one.isprintable() for line in text.splitlines() for one in line)
