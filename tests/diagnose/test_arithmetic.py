from __future__ import annotations

from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


@pytest.mark.parametrize(
    "fixture, told",
    [
        ("client-pool-exhausted", "6 instances at most × 15 connections (pool of 5, overflow 10)"),
        ("client-pool-exhausted", "crm-main allows 400"),
        ("server-connection-limit", "fleet-db allows 100 connections, of which"),
        (
            "server-connection-limit",
            "shared by 20 instances at most that is 5.0 for each, 2.5 while a rollout overlaps",
        ),
        ("instance-limit", "3 instances at most × 10 requests at once = 30 slots; 3 instances ran at the most"),
        ("concurrency-limit", "6 instances at most × 4 requests at once = 24 slots"),
        ("saturated", "3 × e2-micro of travel-connector at most × some 100 Mbit/s = 300 Mbit/s"),
        (
            "subnet-exhausted",
            "up to 60 instances take some 128 addresses (two for each, in blocks of 16); cabs-main has 60",
        ),
    ],
)
def test_a_limit_is_told_as_a_sum_that_a_person_can_check(fixture: str, told: str, library: Library) -> None:
    diagnosis = diagnose(load_bundle(FIXTURES / fixture), library)

    assert any(told in line for line in diagnosis.root_causes[0].sums)


def test_a_cause_without_a_limit_has_no_sum(library: Library) -> None:
    assert diagnose(load_bundle(FIXTURES / "redis"), library).root_causes[0].sums == ()
