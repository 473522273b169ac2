"""The built-in functions of the Logging query language: log_id, sample, ip_in_net and SEARCH."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from gcpdiag.emulator.log_field import MAY_BE_MISSING, MISSING, Field, Found, Kind, field_of, leaves, listed
from gcpdiag.emulator.log_subject import BETWEEN, Subject, Test
from gcpdiag.emulator.log_value import folded, number_of, plain_of
from gcpdiag.emulator.query_syntax import Call, FilterError, Literal, Path, place

# The delimiters of the text analyzer (BigQuery, "LOG_ANALYZER"); its percent-encoded ones are not served.
_DELIMITERS = "[]<>(){}|!;,'\"*&?+/:=@.-$%\\_ \n\r\t"
_TOKEN = re.compile(r"`([^`]*)`|([^`]+)")
_BEFORE, _AFTER = (
    rf"(?<![^{re.escape(_DELIMITERS + BETWEEN)}])",
    rf"(?![^{re.escape(_DELIMITERS + BETWEEN)}])",
)


class _Reading:
    """One call, and how to refuse it."""

    def __init__(self, call: Call, text: str) -> None:
        self._call = call
        self._text = text

    def refused(self, reason: str) -> FilterError:
        # Unverified wording.
        where = place(self._text, self._call.offset)
        return FilterError(f"Unparseable filter: function '{self._call.name}' at {where} {reason}")

    def count(self, least: int, most: int) -> int:
        given = len(self._call.arguments)
        if not least <= given <= most:
            raise self.refused(f"has {given} arguments")
        return given

    def value(self, index: int) -> str:
        argument = self._call.arguments[index]
        if not isinstance(argument, Literal):
            raise self.refused("needs a quoted value")
        return argument.text

    def field(self, index: int, kinds: frozenset[Kind]) -> Field:
        argument = self._call.arguments[index]
        if not isinstance(argument, Path):
            raise self.refused("needs the name of a field")
        field = field_of(argument, self._text)
        if field.kind not in kinds:
            raise self.refused(f"cannot be applied to the field '{argument.text}'")
        return field


def called(call: Call, text: str) -> Test:
    """Return the test that a function stands for; FilterError for one that is unknown or wrongly used."""
    reading = _Reading(call, text)
    function = _FUNCTIONS.get(call.name.lower())
    if function is None:
        raise reading.refused("is not known to the emulator")
    return function(reading)


def _log_id(reading: _Reading) -> Test:
    reading.count(1, 1)
    wanted = folded(reading.value(0))
    known: dict[str, bool] = {}  # a bundle has a handful of log names

    def test(subject: Subject) -> bool:
        name = subject.entry.get("logName")
        if not isinstance(name, str):
            return False
        if name not in known:
            known[name] = folded(unquote(name.partition("/logs/")[2])) == wanted
        return known[name]

    return test


_SAMPLED = frozenset({Kind.TEXT, Kind.LABEL, Kind.NUMBER, Kind.STRUCT, Kind.MESSAGE})


def _sample(reading: _Reading) -> Test:
    reading.count(2, 2)
    field = reading.field(0, _SAMPLED)
    fraction = number_of(reading.value(1))
    if fraction is None or not 0 < fraction <= 1:
        raise reading.refused("needs a fraction greater than 0 and no greater than 1")
    read, default = field.read, "" if field.kind is Kind.TEXT else "0"

    def test(subject: Subject) -> bool:
        found = read(subject.entry)
        if found is MISSING:
            return field.kind not in MAY_BE_MISSING and _share(default) <= fraction
        return isinstance(found, str | int | float) and _share(plain_of(found)) <= fraction

    return test


def _share(text: str) -> float:
    """Return where a value falls between 0 and 1; which hash the API takes is not documented."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / (2**48 - 1)


_ADDRESSES = frozenset({Kind.TEXT, Kind.LABEL, Kind.STRUCT, Kind.MESSAGE})


def _ip_in_net(reading: _Reading) -> Test:
    reading.count(2, 2)
    read = reading.field(0, _ADDRESSES).read
    net = _network(reading.value(1))
    if net is None:
        raise reading.refused("needs an IP address or range")
    return lambda subject: any(_lies_in(one, net) for one in listed(read(subject.entry)))


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: object) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


def _lies_in(value: object, net: _Network) -> bool:
    own = _network(value)
    if isinstance(own, ipaddress.IPv4Network):
        return isinstance(net, ipaddress.IPv4Network) and own.subnet_of(net)
    return own is not None and isinstance(net, ipaddress.IPv6Network) and own.subnet_of(net)


_SEARCHED = frozenset({Kind.TEXT, Kind.LABEL, Kind.STRUCT, Kind.MESSAGE, Kind.GROUP})


def _search(reading: _Reading) -> Test:
    """Return the test whether all tokens stand in the entry, or in one field of it, in any order."""
    named = reading.count(1, 2) == 2  # noqa: PLR2004 - SEARCH([field], query)
    tokens = [re.compile(_BEFORE + re.escape(token) + _AFTER) for token in _tokens(reading.value(-1))]
    if not tokens:
        raise reading.refused("needs something to search for")
    if not named:
        return lambda subject: all(token.search(subject.text) for token in tokens)
    read = reading.field(0, _SEARCHED).read
    return lambda subject: _has_tokens(read(subject.entry), tokens)


def _has_tokens(found: Found, tokens: list[re.Pattern[str]]) -> bool:
    text = folded(BETWEEN.join(leaf for leaf in leaves(found) if isinstance(leaf, str)))
    return all(token.search(text) for token in tokens)


def _tokens(query: str) -> list[str]:
    """Return what must be found: the words of a query, and each phrase in backticks as it stands."""
    tokens: list[str] = []
    for phrase, words in _TOKEN.findall(folded(query)):
        tokens += [phrase] if phrase else re.split(f"[{re.escape(_DELIMITERS)}]", words)
    return [token for token in tokens if token]


_FUNCTIONS: Final[dict[str, Callable[[_Reading], Test]]] = {
    "log_id": _log_id,
    "sample": _sample,
    "ip_in_net": _ip_in_net,
    "search": _search,
}
