"""Filters of list calls; what cannot be evaluated is refused, never ignored."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.list_filter import parse_list_filter
from gcpdiag.emulator.rest import ApiError
from gcpdiag.model.json import JsonObject

RESOURCE: JsonObject = {
    "name": "web-map",
    "region": "https://www.googleapis.com/compute/v1/projects/p/regions/us-central1",
    "priority": 1000,
    "enabled": True,
    "labels": {"team": "a"},
    "updateTime": "2025-10-19T19:58:33Z",
    "state": "ACTIVE",
}


@pytest.mark.parametrize(
    "text",
    [
        'name eq ".*(^web-map$).*"',
        "name eq web.*",
        "(name eq web-map) (state eq ACTIVE)",
        "name = web-map",
        'name="web-map" AND state="ACTIVE"',
        "name != other",
        "name ne other",
        "labels.team:*",
        "labels.team = 'a'",
        "priority > 999 priority <= 1000",
        "enabled = true",
        'updateTime >= "2025-10-19T00:00:00Z"',
        "state:active",
        "name:web*",
    ],
)
def test_a_filter_that_holds(text: str) -> None:
    assert parse_list_filter(text)(RESOURCE)


@pytest.mark.parametrize(
    "text",
    [
        "name eq web",
        "name ne .*map",
        "name = web",
        "missing:*",
        "priority < 1000",
        "name = web-map AND state = CLOSED",
        "updateTime > 2025-10-20T00:00:00Z",
        "missing > 3",
        "state:act",
    ],
)
def test_a_filter_that_does_not_hold(text: str) -> None:
    assert not parse_list_filter(text)(RESOURCE)


@pytest.mark.parametrize(
    "text",
    ["name", "name =", "name ~ x", "a = 1 OR b = 2", "NOT a = 1", 'name eq "("', '"unfinished', "1 = 1", "-a = 1"],
)
def test_what_cannot_be_evaluated_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_list_filter(text)
    assert refused.value.status == "INVALID_ARGUMENT"
