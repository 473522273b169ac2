"""What is to be probed, and what answer is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from gcpdiag.errors import UsageError
from gcpdiag.model.probe import ProbeKind
from gcpdiag.verify.address import Address, Url
from gcpdiag.verify.credential import Credential

SUCCESSES = 3
"""Consecutive answers that an HTTP target must give: one may be luck."""

RESPONSE_LIMIT = timedelta(seconds=2)
"""How long a database or Redis may take to answer."""

CERTIFICATE_DAYS = 7
"""Fewer days left make a note: a certificate that renews itself does so earlier."""

_STATUSES = range(100, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What every target has: ``within`` bounds an answer's latency, ``found`` that topology named it."""

    within: timedelta | None = None
    ca_file: Path | None = None
    found: bool = False

    def __post_init__(self) -> None:
        if self.within is not None and self.within <= timedelta():
            raise UsageError("`within` must be longer than nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget(_Target):
    """An HTTP(S) address that must answer ``successes`` times in a row with one of ``statuses``."""

    url: Url
    statuses: tuple[int, ...] = (200,)
    contains: str = ""
    successes: int = SUCCESSES
    redirects: int = 5
    certificate_days: int = CERTIFICATE_DAYS
    token: Credential | None = None
    identity: bool = False
    """Whether a 401 or 403 is answered with an ID token of who runs this, as Cloud Run asks for."""

    def __post_init__(self) -> None:
        _Target.__post_init__(self)
        if self.successes < 1:
            raise UsageError("`successes` is at least 1")
        if not self.statuses or any(one not in _STATUSES for one in self.statuses):
            raise UsageError("`status` is an HTTP status between 100 and 599")

    @property
    def kind(self) -> ProbeKind:
        """The kind of the probe."""
        return "http"

    @property
    def shown(self) -> str:
        """The target as it may be shown."""
        return self.url.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketTarget(_Target):
    """A WebSocket address that must accept the handshake, and answer ``send`` with a text that has ``expect`` in it."""

    url: Url
    send: str = ""
    expect: str = ""
    subprotocols: tuple[str, ...] = ()
    token: Credential | None = None
    identity: bool = False

    @property
    def kind(self) -> ProbeKind:
        """The kind of the probe."""
        return "websocket"

    @property
    def shown(self) -> str:
        """The target as it may be shown."""
        return self.url.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpTarget(_Target):
    """A port that must accept connections, and with ``tls`` a handshake."""

    address: Address
    tls: bool = False

    @property
    def kind(self) -> ProbeKind:
        """The kind of the probe."""
        return "tcp"

    @property
    def shown(self) -> str:
        """The target as it may be shown."""
        return f"{'tls' if self.tls else 'tcp'}://{self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlTarget(_Target):
    """A PostgreSQL server that must answer ``SELECT 1``, several times and within the limit."""

    address: Address
    database: str = "postgres"
    user: str = "postgres"
    password: Credential | None = None
    tls: bool = False

    @property
    def kind(self) -> ProbeKind:
        """The kind of the probe."""
        return "postgresql"

    @property
    def shown(self) -> str:
        """The target as it may be shown."""
        return f"postgresql://{self.address}/{self.database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisTarget(_Target):
    """A Redis server that must answer ``PING``, have room, and not turn writes away."""

    address: Address
    database: int = 0
    user: str = ""
    password: Credential | None = None
    tls: bool = False

    @property
    def kind(self) -> ProbeKind:
        """The kind of the probe."""
        return "redis"

    @property
    def shown(self) -> str:
        """The target as it may be shown."""
        return f"{'rediss' if self.tls else 'redis'}://{self.address}/{self.database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickHouseTarget(_Target):
    """A ClickHouse server that must answer ``SELECT 1``, on its HTTP port or on its native one."""

    address: Address
    native: bool = False
    database: str = "default"
    user: str = "default"
    password: Credential | None = None
    tls: bool = False

    @property
    def kind(self) -> ProbeKind:
        """The kind of the probe."""
        return "clickhouse"

    @property
    def shown(self) -> str:
        """The target as it may be shown."""
        scheme = ("clickhouses" if self.tls else "clickhouse") if self.native else ("https" if self.tls else "http")
        return f"{scheme}://{self.address}"


Target: TypeAlias = HttpTarget | WebSocketTarget | TcpTarget | PostgresqlTarget | RedisTarget | ClickHouseTarget


def address_of(target: Target) -> Address:
    """Return the host and port that a target's probe connects to."""
    match target:
        case HttpTarget(url=url) | WebSocketTarget(url=url):
            return url.address
        case _:
            return target.address
