"""Values of environment variables, read for hosts and ports only: nothing else of them is ever stored."""

from __future__ import annotations

import re

from gcpdiag.model.json import Json, JsonObject

_CONNECTION_NAME = re.compile(r"(?<![\w.:-])(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]+:[a-z]+-[a-z]+\d+:[a-z][a-z0-9-]*(?![\w-])")
_NAMED_HOST = re.compile(r"(?:^|[\s;,?&])(?:host|hostaddr|server|addr)\s*=\s*([^\s;,&'\"]+)", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:^|//|[,;\s\[({\"'=])"  # where a host may begin: never in the middle of a word, as in a key or a token
    r"((?:\d{1,3}(?:\.\d{1,3}){3}|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?::\d{1,5})?)"
    r"(?=$|[/,;\s\])}\"'?#&])"
)


def without_values(document: JsonObject) -> JsonObject:
    """Return the document with every environment variable's value reduced to its hosts and ports.

    Wherever it stands: in a service, a revision, a Knative one, or in the audit entry of a deployment.
    """
    return {key: _reduced(key, value) for key, value in document.items()}


def hosts_and_ports(value: str) -> str:
    """Return the hosts, ports and Cloud SQL connection names in a value, separated by blanks; all else is dropped."""
    found = _CONNECTION_NAME.findall(value)
    for named in _NAMED_HOST.findall(value):
        found += _ADDRESS.findall(named)
    found += _ADDRESS.findall(value.rsplit("@", 1)[-1])  # before the last @ stand a user and a password
    return " ".join(dict.fromkeys(found))


def _reduced(key: str, value: Json) -> Json:
    if isinstance(value, dict):
        return without_values(value)
    if not isinstance(value, list):
        return value
    if key == "env":
        return [_variable(one) for one in value]
    return [_reduced(key, one) for one in value]


def _variable(variable: Json) -> Json:
    if not isinstance(variable, dict) or not isinstance(variable.get("value"), str):
        return variable
    kept = hosts_and_ports(str(variable["value"]))
    return {key: kept if key == "value" else part for key, part in variable.items() if key != "value" or kept}
