"""What a change asks before and after: how full the database may get, and whether it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gcpdiag.cli.recovery import max_connections_in, when_decided
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.verification import Criterion, CriterionVerdict, Verification
from tests.making import bundle
from tests.remediate.applying import Clock


def verification(verdict: CriterionVerdict) -> Verification:
    criterion = Criterion(group="health", title="", subject="", verdict=verdict, text="")
    return Verification(at=datetime(2030, 1, 1, tzinfo=UTC), criteria=(criterion,))


@pytest.mark.parametrize("last", ["met", "not met"])
def test_too_early_is_asked_again_until_it_is_decided(last: CriterionVerdict) -> None:
    answers: Iterator[CriterionVerdict] = iter(("too early", "unknown", last))

    decided = when_decided(lambda: verification(next(answers)), Clock())
    assert decided == verification(last)
    assert list(answers) == []


def test_patience_has_an_end() -> None:
    clock = Clock()

    assert when_decided(lambda: verification("too early"), clock).outcome == "undecided"
    assert 400 < clock.monotonic() <= 540


@pytest.mark.parametrize(
    "limits, most", [([], None), (["400"], 400), (["400", "100"], 100), (["many"], None), ([""], None)]
)
def test_the_connection_limit_is_the_databases_own(limits: list[str], most: int | None) -> None:
    instances: list[Json] = [
        {"settings": {"databaseFlags": [{"name": "max_connections", "value": one}, {"name": "x", "value": "1"}]}}
        for one in limits
    ]
    files: dict[str, JsonObject | list[Json]] = {"sqladmin/instances.json": instances}

    assert max_connections_in(bundle(files)) == most  # type: ignore[arg-type]
