"""Applying plans over Google's own client: what was promised happens, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remediate.applying import Desk, desk_at


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as found:
        yield found


def test_a_plan_is_carried_out_and_the_service_has_what_it_says(desk: Desk) -> None:
    receipt = desk.apply(desk.scale(memory="2Gi"))

    assert (receipt.outcome, receipt.exit_code, desk.memory()) == ("applied", 0, "2Gi")
    assert receipt.problems == ()
