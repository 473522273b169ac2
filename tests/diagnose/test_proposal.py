from __future__ import annotations

import pytest

from gcpdiag.diagnose.proposal import proposed_values
from gcpdiag.model.json import JsonObject
from tests.making import SERVICES, service
from tests.signals.making import API, estate_in


def proposed(limits: JsonObject, *, concurrency: int = 80) -> dict[str, str]:
    one = service(maxInstanceRequestConcurrency=concurrency, containers=[{"resources": {"limits": limits}}])
    return proposed_values(estate_in({SERVICES: [one]}), API)


@pytest.mark.parametrize(
    "limit, more",
    [
        ("512Mi", "1Gi"),
        ("600Mi", "1Gi"),
        ("1Gi", "2Gi"),
        ("1G", "1Gi"),
        ("1073741824", "2Gi"),
        ("128Mi", "512Mi"),
        ("16Gi", "32Gi"),
    ],
)
def test_memory_goes_up_to_the_next_size_and_at_most_doubles(limit: str, more: str) -> None:
    assert proposed({"memory": limit})["memory_more"] == more


@pytest.mark.parametrize("limit", ["32Gi", "lots"])
def test_where_there_is_no_more_memory_none_is_proposed(limit: str) -> None:
    assert "memory_more" not in proposed({"memory": limit})


@pytest.mark.parametrize("cpu, more", [("1", "2"), ("1000m", "2"), ("2", "4"), ("4", "6"), ("500m", "1")])
def test_cpu_goes_up_to_the_next_count(cpu: str, more: str) -> None:
    assert proposed({"cpu": cpu})["cpu_more"] == more


def test_concurrency_is_doubled_or_halved_within_its_bounds() -> None:
    assert proposed({}, concurrency=8)["concurrency_more"] == "16"
    assert proposed({}, concurrency=8)["concurrency_less"] == "4"
    assert proposed({}, concurrency=700)["concurrency_more"] == "1000"
    assert "concurrency_less" not in proposed({}, concurrency=1)
    assert "concurrency_more" not in proposed({}, concurrency=1000)


def test_nothing_is_proposed_for_a_service_that_nobody_knows() -> None:
    assert proposed_values(estate_in({}), API) == {}
