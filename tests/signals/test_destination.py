"""Which addresses lie in the network, on the internet, or in the container itself."""

from __future__ import annotations

import pytest

from gcpdiag.signals.destination import destination_fits, destination_of


@pytest.mark.parametrize(
    "address, where",
    [
        ("10.0.0.3", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.1", "public"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("100.127.255.255", "private"),
        ("100.128.0.1", "public"),
        ("198.18.0.1", "private"),
        ("199.36.153.4", "private"),
        ("199.36.153.8", "private"),
        ("199.36.153.12", "public"),
        ("203.0.113.7", "public"),
        ("198.51.100.82", "public"),
        ("192.0.2.1", "public"),
        ("8.8.8.8", "public"),
        ("127.0.0.1", "local"),
        ("0.0.0.0", "local"),  # noqa: S104 - a text
        ("169.254.169.254", "local"),
        ("999.1.1.1", ""),
        ("010.0.0.1", ""),
        ("::1", ""),
        ("", ""),
    ],
)
def test_where_an_address_lies(address: str, where: str) -> None:
    assert destination_of(address) == where


@pytest.mark.parametrize(
    "text, wanted, fits",
    [
        ("connect ETIMEDOUT 203.0.113.7:443", "public", True),
        ("connect ETIMEDOUT 203.0.113.7:443", "private", False),
        ("connect ETIMEDOUT 10.0.0.3:6379", "private", True),
        ("connect ETIMEDOUT 127.0.0.1:6379", "private", False),
        ("connect ETIMEDOUT redis.internal:6379", "private", False),
        ("version 10.0.0.3 said: connect ETIMEDOUT 203.0.113.7:443", "private", False),
    ],
)
def test_the_address_that_the_pattern_names_decides(text: str, wanted: str, *, fits: bool) -> None:
    assert destination_fits(text, [r"connect ETIMEDOUT (?P<ip>[\d.]+)"], wanted) is fits


def test_without_a_named_group_any_address_in_the_match_counts() -> None:
    assert destination_fits("dial tcp 10.0.0.3:5432: timeout, v8.8.8.8", [r"dial tcp \S+ timeout"], "private")


def test_an_address_outside_the_match_does_not_count() -> None:
    assert not destination_fits("8.8.8.8 dial tcp 10.0.0.3:5432: timeout", [r"dial tcp \S+ timeout"], "public")
