"""Targets from ``gcpdiag.toml``: what is written there is checked, and a password in it is refused unread."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import msgspec

from gcpdiag.errors import GcpdiagError, UsageError
from gcpdiag.verify.address import parse_address, parse_url
from gcpdiag.verify.credential import Credential, FromEnvironment, FromFile, FromSecret
from gcpdiag.verify.target import (
    CERTIFICATE_DAYS,
    SUCCESSES,
    ClickHouseTarget,
    HttpTarget,
    PostgresqlTarget,
    RedisTarget,
    Target,
    TcpTarget,
    WebSocketTarget,
)

FILE = "gcpdiag.toml"
_MOST_TARGETS = 1000
_LARGEST = 1 << 20  # bytes


class _CredentialTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    env: str = ""
    file: str = ""
    secret: str = ""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", rename="kebab"):
    within: str = ""
    ca_file: str = ""


class _Http(_Table, frozen=True, kw_only=True, tag="http"):
    url: str
    status: int | list[int] = 200
    contains: str = ""
    successes: int = SUCCESSES
    redirects: int = 5
    certificate_days: int = CERTIFICATE_DAYS
    token: _CredentialTable | None = None
    identity: bool = False


class _WebSocket(_Table, frozen=True, kw_only=True, tag="websocket"):
    url: str
    send: str = ""
    expect: str = ""
    subprotocols: list[str] = []
    token: _CredentialTable | None = None
    identity: bool = False


class _Tcp(_Table, frozen=True, kw_only=True, tag="tcp"):
    address: str
    tls: bool = False


class _Postgresql(_Table, frozen=True, kw_only=True, tag="postgresql"):
    address: str
    database: str = "postgres"
    user: str = "postgres"
    password: _CredentialTable | None = None
    tls: bool = False


class _Redis(_Table, frozen=True, kw_only=True, tag="redis"):
    address: str
    database: int = 0
    user: str = ""
    password: _CredentialTable | None = None
    tls: bool = False


class _ClickHouse(_Table, frozen=True, kw_only=True, tag="clickhouse"):
    address: str
    native: bool = False
    database: str = "default"
    user: str = "default"
    password: _CredentialTable | None = None
    tls: bool = False


_AnyTable: TypeAlias = _Http | _WebSocket | _Tcp | _Postgresql | _Redis | _ClickHouse


class _Verify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    targets: list[_AnyTable] = []


def load_targets(path: Path, parse_duration: Callable[[str], timedelta]) -> list[Target]:
    """Return the targets of ``[[verify.targets]]`` in a TOML file; other tables of the file are not read.

    UsageError names the target and what is wrong with it. Paths in the file are relative to it.
    """
    try:
        with path.open("rb") as stream:
            document = tomllib.loads(stream.read(_LARGEST).decode())
    except OSError as error:
        raise UsageError(f"{path} cannot be read", cause=error.strerror or "") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML", cause=_first_line(error)) from error
    section = document.get("verify", {})
    _refuse_passwords(section, path)
    try:
        tables = msgspec.convert(section, _Verify).targets
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: [verify] is not as it should be", cause=str(error)) from error
    if len(tables) > _MOST_TARGETS:
        raise UsageError(f"{path}: {len(tables)} targets, and {_MOST_TARGETS} are the most")
    return _targets(tables, path, parse_duration)


def targets_of_tables(
    tables: Sequence[object], origin: Path, parse_duration: Callable[[str], timedelta]
) -> list[Target]:
    """Return the targets of tables that were read elsewhere; UsageError where one is not as it should be."""
    try:
        return _targets(msgspec.convert(tables, list[_AnyTable]), origin, parse_duration)
    except msgspec.ValidationError as error:
        raise UsageError(f"{origin}: a target is not as it should be", cause=str(error)) from error


def _targets(tables: Sequence[_AnyTable], path: Path, parse_duration: Callable[[str], timedelta]) -> list[Target]:
    found: list[Target] = []
    for number, table in enumerate(tables, start=1):
        try:
            found.append(_target(table, path.parent, parse_duration))
        except GcpdiagError as error:
            told = f"{path}: target {number} ({type(table).__struct_config__.tag})"
            raise UsageError(told, cause=str(error)) from error
    return found


def _refuse_passwords(section: object, path: Path) -> None:
    """Raise UsageError for a credential that is written out, before any error could repeat it."""
    targets = section.get("targets") if isinstance(section, dict) else None
    for number, target in enumerate(targets if isinstance(targets, list) else [], start=1):
        for name in ("password", "token"):
            if isinstance(target, dict) and isinstance(target.get(name), str):
                raise UsageError(
                    f"{path}: target {number} has its {name} written out",
                    hint=f'Say where it is: {name} = {{ env = "NAME" }}, {{ file = "PATH" }} or {{ secret = "NAME" }}',
                )


def _target(table: _AnyTable, home: Path, parse_duration: Callable[[str], timedelta]) -> Target:
    within = parse_duration(table.within) if table.within else None
    ca_file = home / table.ca_file if table.ca_file else None
    match table:
        case _Http():
            statuses = (table.status,) if isinstance(table.status, int) else tuple(table.status)
            return HttpTarget(
                url=parse_url(table.url, ("http", "https")),
                statuses=statuses,
                contains=table.contains,
                successes=table.successes,
                redirects=table.redirects,
                certificate_days=table.certificate_days,
                token=_credential(table.token, home),
                identity=table.identity,
                within=within,
                ca_file=ca_file,
            )
        case _WebSocket():
            return WebSocketTarget(
                url=parse_url(table.url, ("ws", "wss")),
                send=table.send,
                expect=table.expect,
                subprotocols=tuple(table.subprotocols),
                token=_credential(table.token, home),
                identity=table.identity,
                within=within,
                ca_file=ca_file,
            )
        case _:
            return _server(table, home, within, ca_file)


def _server(
    table: _Tcp | _Postgresql | _Redis | _ClickHouse, home: Path, within: timedelta | None, ca_file: Path | None
) -> Target:
    match table:
        case _Tcp():
            return TcpTarget(address=parse_address(table.address), tls=table.tls, within=within, ca_file=ca_file)
        case _Postgresql():
            return PostgresqlTarget(
                address=parse_address(table.address, default_port=5432),
                database=table.database,
                user=table.user,
                password=_credential(table.password, home),
                tls=table.tls,
                within=within,
                ca_file=ca_file,
            )
        case _Redis():
            return RedisTarget(
                address=parse_address(table.address, default_port=6379),
                database=table.database,
                user=table.user,
                password=_credential(table.password, home),
                tls=table.tls,
                within=within,
                ca_file=ca_file,
            )
        case _ClickHouse():
            return ClickHouseTarget(
                address=parse_address(table.address, default_port=9000 if table.native else 8123),
                native=table.native,
                database=table.database,
                user=table.user,
                password=_credential(table.password, home),
                tls=table.tls,
                within=within,
                ca_file=ca_file,
            )


def _credential(table: _CredentialTable | None, home: Path) -> Credential | None:
    if table is None:
        return None
    named = [one for one in (table.env, table.file, table.secret) if one]
    if len(named) != 1:
        raise UsageError("a credential is one of `env`, `file` and `secret`")
    if table.env:
        return FromEnvironment(table.env)
    return FromFile(home / table.file) if table.file else FromSecret(table.secret)


def _first_line(error: Exception) -> str:
    """Return where TOML breaks off; the rest of the message might repeat what stands there."""
    return str(error).splitlines()[0][:120]
