"""Monitoring filters: which time series a filter selects.

Source: https://cloud.google.com/monitoring/api/v3/filters. What cannot be evaluated is a FilterError.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import re2

from gcpdiag.emulator.query_syntax import (
    ANYTHING,
    And,
    Call,
    Comparison,
    FilterError,
    Literal,
    Node,
    Not,
    Or,
    Path,
    parse,
)
from gcpdiag.model.json import JsonObject, object_at, text_at

_Test: TypeAlias = Callable[[JsonObject], bool]
_Match: TypeAlias = Callable[[str], bool]
_Read: TypeAlias = Callable[[JsonObject], str]

_TYPE: Final = ("metric", "type")
_NUMBERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """A filter of time series, and the one metric type that it names."""

    metric_type: str
    _test: _Test

    def matches(self, series: JsonObject) -> bool:
        """Tell whether the filter selects a series."""
        return text_at(series, "metric.type") == self.metric_type and self._test(series)


def parse_metric_filter(text: str) -> MetricFilter:
    """Return the filter that a text describes; it must name exactly one metric type."""
    try:
        tree = parse(text)
    except FilterError as error:
        raise refused(text, error.message.removeprefix("Unparseable filter: ")) from error
    return MetricFilter(_metric_type(tree, text), _Compiler(text).test(tree))


def refused(text: str, reason: str) -> FilterError:
    """Return the error for a filter; the first half is the API's wording, reasons are unverified."""
    return FilterError(f'Field filter had an invalid value of "{text}": {reason}')


def _metric_type(tree: Node, text: str) -> str:
    """Return the type that every selected series must have: ``metric.type = "..."``, once, and not inside OR or NOT."""
    required = [one for one in _required(tree) if one.path.steps == _TYPE]
    named = {one.operand.text for one in required if one.operator == "=" and isinstance(one.operand, Literal)}
    if len(named) != 1 or len(required) != _count(tree):
        raise refused(text, "The filter must specify a single metric type.")
    return named.pop()


def _required(tree: Node) -> list[Comparison]:
    match tree:
        case Comparison():
            return [tree]
        case And(parts):
            return [one for part in parts for one in _required(part)]
        case _:
            return []


def _count(tree: Node) -> int:
    """Return how many comparisons with metric.type there are, wherever they stand."""
    match tree:
        case Comparison(path=path):
            return int(path.steps == _TYPE)
        case And(parts) | Or(parts):
            return sum(_count(part) for part in parts)
        case Not(inner):
            return _count(inner)
        case _:
            return 0


class _Compiler:
    def __init__(self, text: str) -> None:
        self._text = text

    def test(self, node: Node) -> _Test:
        """Return the test of one node of the tree."""
        match node:
            case Not(inner):
                test = self.test(inner)
                return lambda series: not test(series)
            case And(parts):
                tests = [self.test(one) for one in parts]
                return lambda series: all(test(series) for test in tests)
            case Or(parts):
                tests = [self.test(one) for one in parts]
                return lambda series: any(test(series) for test in tests)
            case Comparison():
                return self._compared(node)
            case Literal(text=word):
                raise refused(self._text, f"'{word}' is not a comparison.")
            case Call(name=name):
                raise refused(self._text, f"the emulator cannot evaluate the function '{name}'.")

    def _compared(self, node: Comparison) -> _Test:
        read = self._reader(node.path)
        matches = self._match(node)
        return lambda series: matches(read(series))

    def _reader(self, path: Path) -> _Read:
        """Return how to read a selector; a label that a series does not have is empty (unverified)."""
        match path.steps:
            case ("project",):
                return lambda series: text_at(series, "resource.labels.project_id")
            case (("metric" | "resource") as owner, "type"):
                return lambda series: text_at(series, f"{owner}.type")
            case (("metric" | "resource") as owner, "labels" | "label", key):
                return lambda series: _label(series, owner, key)
            case _:
                raise refused(self._text, f"the emulator cannot evaluate the selector '{path.text}'.")

    def _match(self, node: Comparison) -> _Match:
        operand, sign = node.operand, node.operator
        if operand is ANYTHING or sign in {"=~", "!~"}:
            raise refused(self._text, f"the emulator cannot evaluate the operator of '{node.path.text}'.")
        if isinstance(operand, Call):
            return self._called(operand, sign)
        if not isinstance(operand, Literal):
            raise refused(self._text, f"'{node.path.text}' must be compared with one value; one_of() takes several.")
        if sign in _NUMBERS:
            return self._ordered(operand, _NUMBERS[sign])
        if sign == ":":
            # "has" is a substring; that letter case does not matter is unverified.
            wanted = operand.text.lower()
            return lambda value: wanted in value.lower()
        equals = _equality(operand)
        return equals if sign == "=" else lambda value: not equals(value)

    def _ordered(self, operand: Literal, compare: Callable[[float, float], bool]) -> _Match:
        limit = _number(operand.text)
        if limit is None:
            raise refused(self._text, f"'{operand.text}' is not a number.")

        def test(value: str) -> bool:
            own = _number(value)
            return own is not None and compare(own, limit)

        return test

    def _called(self, call: Call, sign: str) -> _Match:
        values = [one.text for one in call.arguments if isinstance(one, Literal) and one.quoted]
        if sign not in {"=", "!="} or not values or len(values) != len(call.arguments):
            raise refused(self._text, f"'{call.name}' is used wrongly.")
        if len(values) > 1 and call.name != "one_of":
            raise refused(self._text, f"'{call.name}' takes one value.")
        test = self._function(call.name, values)
        return test if sign == "=" else lambda value: not test(value)

    def _function(self, name: str, values: list[str]) -> _Match:
        match name:
            case "starts_with":
                return lambda value: value.startswith(values[0])
            case "ends_with":
                return lambda value: value.endswith(values[0])
            case "has_substring":
                return lambda value: values[0] in value
            case "one_of":
                wanted = frozenset(values)
                return lambda value: value in wanted
            case "monitoring.regex.full_match":
                return self._full_match(values[0])
            case _:
                raise refused(self._text, f"the function '{name}' is not known.")

    def _full_match(self, pattern: str) -> _Match:
        options = re2.Options()
        options.log_errors = False
        try:
            compiled = re2.compile(pattern, options)
        except re2.error as error:
            raise refused(self._text, f"'{pattern}' is not a regular expression.") from error
        return lambda value: compiled.fullmatch(value) is not None


def _equality(operand: Literal) -> _Match:
    """Return the test of equality: of text exactly, of a bare number or truth value as what it is."""
    text, number = operand.text, None if operand.quoted else _number(operand.text)
    if number is not None:
        return lambda value: value == text or _number(value) == number
    if not operand.quoted and text.lower() in {"true", "false"}:
        return lambda value: value.lower() == text.lower()
    return lambda value: value == text


def _label(series: JsonObject, owner: str, key: str) -> str:
    value = object_at(series, f"{owner}.labels").get(key)
    return value if isinstance(value, str) else ""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
