"""Names of resources."""

from __future__ import annotations

import pytest

from gcpdiag.model.resource import ServiceRef, last_segment, location_of


@pytest.mark.parametrize(
    "name, short",
    [("projects/p/locations/r/connectors/c", "c"), ("c", "c"), ("a/c/", "c"), ("", ""), ("https://x/y/net", "net")],
)
def test_the_short_name_is_the_last_part(name: str, short: str) -> None:
    assert last_segment(name) == short


@pytest.mark.parametrize(
    "name, location",
    [
        ("projects/p/locations/us-central1/services/s", "us-central1"),
        ("https://www.googleapis.com/compute/v1/projects/p/regions/us-east1/routers/r", "us-east1"),
        ("namespaces/p/services/s", ""),
        ("projects/p/locations", ""),
        ("", ""),
    ],
)
def test_the_location_follows_its_word(name: str, location: str) -> None:
    assert location_of(name) == location


def test_services_are_told_by_name_and_sorted_by_it() -> None:
    services = [ServiceRef(name="b", region="x"), ServiceRef(name="a", region="y"), ServiceRef(name="a", region="x")]
    assert [f"{one} {one.region}" for one in sorted(services)] == ["a x", "a y", "b x"]
