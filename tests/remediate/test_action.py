"""Every action declares what it takes, how risky it is and how it is undone; none forgets to."""

from __future__ import annotations

from typing import get_args

import click
import pytest

from gcpdiag.cli.main import gcpdiag
from gcpdiag.collect.permission import PERMISSIONS
from gcpdiag.model.plan import ActionKind, Risk
from gcpdiag.remediate.action import ACTIONS, Action

KNOWN = {one.name for one in PERMISSIONS}


def test_every_kind_of_step_has_its_action() -> None:
    assert set(ACTIONS) == set(get_args(ActionKind))
    assert all(kind == action.kind for kind, action in ACTIONS.items())


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda one: one.kind)
def test_an_action_declares_permissions_risk_and_inverse(action: Action) -> None:
    if action.kind == "probe":  # it changes no service, and its permissions are in docs/verify.md
        assert "run.services.update" not in action.permissions
    else:
        assert {"run.services.get", "run.services.update"} <= set(action.permissions) <= KNOWN
    assert action.risk in get_args(Risk)
    assert action.inverse
    assert action.title


PLANNED = [one for one in ACTIONS.values() if one.kind not in ("undo", "probe")]


@pytest.mark.parametrize("action", PLANNED, ids=lambda one: one.kind)
def test_an_action_has_a_command_with_an_example_and_a_plan(action: Action) -> None:
    context = click.Context(gcpdiag)
    words = action.command.split()[1:]
    command = gcpdiag.get_command(context, words[0])
    if isinstance(command, click.Group):
        command = command.get_command(context, words[1])

    assert command is not None
    assert command.epilog is not None
    assert command.epilog.startswith("Example: gcpdiag ")
    plans = gcpdiag.get_command(context, "plan")
    assert isinstance(plans, click.Group)
    planned = plans.get_command(context, str(command.name))
    assert planned is not None
    assert "apply" in {one.name for one in command.params} - {one.name for one in planned.params}
