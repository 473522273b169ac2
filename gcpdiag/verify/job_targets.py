"""Targets as a Cloud Run job gets them: JSON in an environment variable, and credentials as references to secrets.

What a job's environment holds can be read by whoever may see the job. So no credential's value goes there, nor a URL's
query, which may hold a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from gcpdiag.errors import UsageError
from gcpdiag.model.json import Json, JsonObject, is_too_deep, object_at, text_at
from gcpdiag.verify.configuration import targets_of_tables
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

VARIABLE = "GCPDIAG_TARGETS"
"""The environment variable of the job that holds the targets."""

LARGEST = 30_000
"""Characters: Cloud Run takes 32 KiB for one variable."""

_SECRET_VARIABLE = "GCPDIAG_SECRET_{}"  # noqa: S105 - the name of a variable
_HIGHEST_STATUS = 599
_MANY = 3  # statuses that follow one another are told as a range when there are more


@dataclass(frozen=True, slots=True, kw_only=True)
class Luggage:
    """What a job takes along: its environment, which targets are in it, and why others are not (by their place)."""

    environment: tuple[JsonObject, ...]
    places: tuple[int, ...]
    left: Mapping[int, str]


class _StaysError(Exception):
    """A target cannot be given to a job; the text says why."""


def pack(targets: Sequence[Target], secrets: Mapping[str, JsonObject]) -> Luggage:
    """Return what a job needs to probe targets.

    ``secrets`` are the ``secretKeyRef`` of the service's environment, by variable. UsageError where there are too many
    targets for one job.
    """
    variables: dict[str, JsonObject] = {}
    tables: list[Json] = []
    places: list[int] = []
    left: dict[int, str] = {}
    for place, target in enumerate(targets):
        try:
            tables.append(_table(_portable(target, secrets, variables)))
        except _StaysError as reason:
            left[place] = str(reason)
        else:
            places.append(place)
    text = json.dumps(tables, separators=(",", ":"))
    if len(text) > LARGEST:
        raise UsageError(
            f"{len(tables)} targets are too many for one job",
            cause=f"they take {len(text)} characters, and {LARGEST} are the most",
            hint="Name fewer, with --no-discover or another --targets FILE",
        )
    told: JsonObject = {"name": VARIABLE, "value": text}
    return Luggage(environment=(told, *variables.values()), places=tuple(places), left=left)


def unpack(text: str) -> list[Target]:
    """Return the targets of the variable's text; UsageError when they are not as ``pack`` has written them."""
    try:
        tables: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{VARIABLE} is not JSON") from error
    if not isinstance(tables, list) or is_too_deep(tables):
        raise UsageError(f"{VARIABLE} is not a list of targets")
    targets = targets_of_tables([_spread(one) for one in tables], Path(VARIABLE), _duration)
    found = [isinstance(one, dict) and one.get("found") is True for one in tables]
    return [replace(target, found=one) for target, one in zip(targets, found, strict=True)]


def _portable(target: Target, secrets: Mapping[str, JsonObject], variables: dict[str, JsonObject]) -> Target:
    """Return the target with its credential from a variable of the job's, which is added to ``variables``."""
    if target.ca_file is not None:
        raise _StaysError("its ca-file is on this machine, and not in the job")
    match target:
        case TcpTarget():
            return target
        case HttpTarget() | WebSocketTarget():
            if target.url.query:
                raise _StaysError("its URL has a query, which would stand in the job for everybody to read")
            return replace(target, token=_reference(target.token, secrets, variables))
        case _:
            return replace(target, password=_reference(target.password, secrets, variables))


def _reference(
    credential: Credential | None, secrets: Mapping[str, JsonObject], variables: dict[str, JsonObject]
) -> Credential | None:
    match credential:
        case None:
            return None
        case FromEnvironment(name):
            if name not in secrets:
                raise _StaysError(
                    f"{name} is no secret of the service's environment, and its value is not put into a job;"
                    " name a secret instead"
                )
            variables[name] = _variable(name, secrets[name])
            return credential
        case FromSecret() as secret:
            project, _, rest = secret.version.removeprefix("projects/").partition("/secrets/")
            short, _, version = rest.partition("/versions/")
            known = next(
                (one for one in variables.values() if _is(one, f"projects/{project}/secrets/{short}", version)), None
            )
            if known is not None:
                return FromEnvironment(text_at(known, "name"))
            name = _SECRET_VARIABLE.format(len(variables) + 1)
            variables[name] = _variable(name, {"secret": f"projects/{project}/secrets/{short}", "version": version})
            return FromEnvironment(name)
        case FromFile():
            raise _StaysError("its credential is in a file of this machine; name a secret instead")


def _is(variable: JsonObject, secret: str, version: str) -> bool:
    reference = object_at(variable, "valueSource.secretKeyRef")
    return (text_at(reference, "secret"), text_at(reference, "version")) == (secret, version)


def _variable(name: str, reference: JsonObject) -> JsonObject:
    return {"name": name, "valueSource": {"secretKeyRef": reference}}


def _table(target: Target) -> JsonObject:
    """Return a target as ``[[verify.targets]]`` has it; what is empty is left out."""
    within = f"{round(target.within / timedelta(milliseconds=1))}ms" if target.within else ""
    told: JsonObject = {"kind": target.kind, "found": target.found, "within": within, **_own(target)}
    return {key: value for key, value in told.items() if value not in ("", None, False)}


def _own(target: Target) -> JsonObject:
    match target:
        case HttpTarget():
            return {
                "url": target.url.whole,
                **_statuses(target.statuses),
                "contains": target.contains,
                "successes": target.successes,
                "redirects": target.redirects,
                "certificate-days": target.certificate_days,
                "token": _named(target.token),
                "identity": target.identity,
            }
        case WebSocketTarget():
            return {
                "url": target.url.whole,
                "send": target.send,
                "expect": target.expect,
                "subprotocols": [*target.subprotocols],
                "token": _named(target.token),
                "identity": target.identity,
            }
        case TcpTarget():
            return {"address": str(target.address), "tls": target.tls}
        case PostgresqlTarget() | RedisTarget() | ClickHouseTarget():
            native = {"native": target.native} if isinstance(target, ClickHouseTarget) else {}
            return {
                "address": str(target.address),
                "database": target.database,
                "user": target.user,
                "password": _named(target.password),
                "tls": target.tls,
                **native,
            }


def _statuses(statuses: tuple[int, ...]) -> JsonObject:
    first, last = statuses[0], statuses[-1]
    if len(statuses) > _MANY and statuses == tuple(range(first, last + 1)):
        return {"statuses": [first, last]}
    return {"status": [*statuses]}


def _spread(table: Json) -> Json:
    """Return a table as a file has it: a range of statuses spread out, and without what no file says."""
    if not isinstance(table, dict):
        return table
    kept: JsonObject = {key: value for key, value in table.items() if key not in ("statuses", "found")}
    match table.get("statuses"):
        case None:
            return kept
        case [int(first), int(last)] if 0 < first <= last <= _HIGHEST_STATUS:
            return {**kept, "status": [*range(first, last + 1)]}
        case _:
            raise UsageError(f"{VARIABLE}: a range of statuses is two numbers")


def _named(credential: Credential | None) -> Json:
    return {"env": credential.name} if isinstance(credential, FromEnvironment) else None


def _duration(text: str) -> timedelta:
    number = text.removesuffix("ms")
    if not (number.isascii() and number.isdecimal()):
        raise UsageError(f"{VARIABLE}: `within` is a number of milliseconds")
    return timedelta(milliseconds=int(number))
