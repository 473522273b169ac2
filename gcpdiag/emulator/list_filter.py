"""The filters of list calls: what Compute and the newer APIs (AIP-160) have in common, as far as clients send it.

Comparisons, joined by ``AND`` or by standing side by side in parentheses. Compute's older form, which gcloud sends,
is ``field eq REGEX`` and ``field ne REGEX``; the pattern must match the whole value
(https://docs.cloud.google.com/compute/docs/reference/rest/v1/instances/list, parameter ``filter``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import re2

from gcpdiag.emulator.rest import ApiError, invalid
from gcpdiag.model.json import Json, JsonObject, field_at
from gcpdiag.model.window import in_utc

Predicate = Callable[[JsonObject], bool]

_TIME = r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"
_TOKEN = re.compile(rf"""\s*({_TIME}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|!=|<=|>=|[=<>:()]|[^\s"'=<>:()!]+)""")
_PATH = re.compile(r"[A-Za-z_][\w.-]*")
_ORDERED: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def parse_list_filter(text: str) -> Predicate:
    """Return what tells whether a resource matches; ApiError 400 for what cannot be evaluated."""
    tokens = [one for one in _tokens_of(text) if one not in ("(", ")", "AND")]
    terms: list[Predicate] = []
    for start in range(0, len(tokens), 3):
        term = tokens[start : start + 3]
        if len(term) != 3:  # noqa: PLR2004 - a field, an operator, a value
            raise _refusal(text)
        path, operator, value = term
        terms.append(_term(path, operator, value, text))
    return lambda resource: all(term(resource) for term in terms)


def _tokens_of(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if not found:
            raise _refusal(text)
        tokens.append(found[1])
        position = found.end()
    return tokens


def _term(path: str, operator: str, value: str, text: str) -> Predicate:
    if not _PATH.fullmatch(path) or path in ("OR", "NOT"):
        raise _refusal(text)
    wanted = _unquoted(value)
    if operator in ("eq", "ne"):
        pattern = _pattern_of(wanted, text)
        return lambda one: (pattern.fullmatch(_spelled(field_at(one, path))) is not None) == (operator == "eq")
    if operator in ("=", "!="):
        return lambda one: (_spelled(field_at(one, path)) == wanted) == (operator == "=")
    if operator == ":":
        return lambda one: _has(field_at(one, path), wanted)
    if operator in _ORDERED:
        return lambda one: _is_ordered(_spelled(field_at(one, path)), operator, wanted)
    raise _refusal(text)


def _has(value: Json, wanted: str) -> bool:
    """Tell whether a field has a value; a star stands for any value, or for any end of it."""
    if wanted == "*":
        return value is not None
    own, start = _spelled(value).casefold(), wanted.casefold()
    return own.startswith(start[:-1]) if start.endswith("*") else own == start


def _pattern_of(text: str, told: str) -> re2._Regexp:
    try:
        return re2.compile(text)
    except re2.error as error:
        raise _refusal(told) from error


def _is_ordered(own: str, operator: str, wanted: str) -> bool:
    if not own:
        return False
    left, right = _measured(own), _measured(wanted)
    if left is None or right is None:
        left, right = 0.0 if own == wanted else (-1.0 if own < wanted else 1.0), 0.0
    return _ORDERED[operator]((left > right) - (left < right))


def _measured(text: str) -> float | None:
    """Return a number, or a time as one."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return in_utc(datetime.fromisoformat(text)).timestamp()
    except ValueError:
        return None


def _unquoted(value: str) -> str:
    if value[0] not in "\"'":
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if "\\" in value else value[1:-1]


def _spelled(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _refusal(text: str) -> ApiError:
    return invalid(f"Invalid list filter expression: {text}")  # unverified wording
