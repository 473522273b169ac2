"""Servers that the tests of probes share: each is started once in every process that tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gcpdiag.verify.address import Address
from tests.verify import servers
from tests.verify.faults import Authority


@pytest.fixture(scope="session")
def servers_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def authority(servers_home: Path) -> Authority:
    return Authority(servers_home)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A PostgreSQL that takes five connections, three of them reserved for nobody."""
    settings = ("max_connections=5", "superuser_reserved_connections=0", "max_wal_senders=0")
    with servers.postgresql(tmp_path_factory.mktemp("postgresql") / "home", *settings) as running:
        yield running.address


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with servers.redis(tmp_path_factory.mktemp("redis") / "home") as running:
        yield running.address


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Address, Address]]:
    """The HTTP port and the native port of Debian's ClickHouse."""
    with servers.clickhouse(tmp_path_factory.mktemp("clickhouse") / "home") as running:
        yield running
