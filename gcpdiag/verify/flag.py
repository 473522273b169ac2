"""Targets from the command line: a URL each, whose query may name a credential, never hold one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gcpdiag.errors import UsageError
from gcpdiag.verify.address import address_in, parse_address, parse_url
from gcpdiag.verify.credential import Credential, FromEnvironment, FromFile, FromSecret
from gcpdiag.verify.target import (
    ClickHouseTarget,
    HttpTarget,
    PostgresqlTarget,
    RedisTarget,
    Target,
    TcpTarget,
    WebSocketTarget,
)

_CREDENTIALS: dict[str, Callable[[str], Credential]] = {
    "password_env": FromEnvironment,
    "password_file": lambda text: FromFile(Path(text)),
    "password_secret": FromSecret,
}
_HINT = "Name it in the query: ?password_env=NAME, ?password_file=PATH or ?password_secret=projects/P/secrets/S"


def http_target(text: str) -> Target:
    """Return the target of ``--http URL``."""
    return HttpTarget(url=parse_url(text, ("http", "https")), identity=True)


def websocket_target(text: str) -> Target:
    """Return the target of ``--websocket URL``."""
    return WebSocketTarget(url=parse_url(text, ("ws", "wss")), identity=True)


def tcp_target(text: str) -> Target:
    """Return the target of ``--tcp HOST:PORT``."""
    return TcpTarget(address=parse_address(text))


def postgresql_target(text: str) -> Target:
    """Return the target of ``--postgresql [postgresql://][USER@]HOST[:PORT][/DATABASE]``."""
    parts, credential = _split(text, ("postgresql", "postgres"))
    return PostgresqlTarget(
        address=address_in(parts, 5432),
        user=unquote(parts.username or "postgres"),
        database=unquote(parts.path.strip("/")) or "postgres",
        password=credential,
    )


def redis_target(text: str) -> Target:
    """Return the target of ``--redis [redis[s]://][USER@]HOST[:PORT][/NUMBER]``."""
    parts, credential = _split(text, ("redis", "rediss"))
    number = parts.path.strip("/") or "0"
    if not (number.isascii() and number.isdigit()):
        raise UsageError("a database of Redis is a number")
    return RedisTarget(
        address=address_in(parts, 6379),
        user=unquote(parts.username or ""),
        database=int(number),
        password=credential,
        tls=parts.scheme == "rediss",
    )


def clickhouse_target(text: str) -> Target:
    """Return the target of ``--clickhouse http[s]://[USER@]HOST[:PORT]`` or ``clickhouse[s]://…``, the native port."""
    parts, credential = _split(text, ("http", "https", "clickhouse", "clickhouses"))
    native = parts.scheme.startswith("clickhouse")
    tls = parts.scheme in {"https", "clickhouses"}
    port = (9440 if tls else 9000) if native else (8443 if tls else 8123)
    return ClickHouseTarget(
        address=address_in(parts, port),
        native=native,
        user=unquote(parts.username or "default"),
        database=unquote(parts.path.strip("/")) or "default",
        password=credential,
        tls=tls,
    )


def _split(text: str, schemes: tuple[str, ...]) -> tuple[SplitResult, Credential | None]:
    """Return the parts of a URL and the credential that it names; UsageError for a password in it."""
    try:
        parts = urlsplit(text if "://" in text else f"{schemes[0]}://{text}")
        password = parts.password
    except ValueError as error:
        raise UsageError("this is no address") from error
    if parts.scheme not in schemes:
        raise UsageError(f"the address begins with {' or '.join(f'{one}://' for one in schemes)}")
    if password is not None:
        raise UsageError("there is a password in this address", hint=_HINT)
    return parts, _credential(parts.query)


def _credential(query: str) -> Credential | None:
    found: Credential | None = None
    for name, value in parse_qsl(query):
        if name not in _CREDENTIALS:
            raise UsageError(f"{name[:40]!r} has no meaning here", hint=_HINT)
        found = _CREDENTIALS[name](value)
    return found
