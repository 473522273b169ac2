"""Cloud Logging's query language: which entries a filter selects.

Source: https://cloud.google.com/logging/docs/view/logging-query-language. What the filter asks and this module
cannot answer is a FilterError, never a term that is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gcpdiag.emulator.log_comparison import Check, comparison
from gcpdiag.emulator.log_field import MISSING, field_of
from gcpdiag.emulator.log_function import called
from gcpdiag.emulator.log_subject import Subject, Test
from gcpdiag.emulator.log_value import folded
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
    parse,
    place,
)
from gcpdiag.model.json import JsonObject

__all__ = ["FilterError", "LogFilter", "parse_log_filter"]

_Predicate: TypeAlias = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A filter, ready to be asked about entries."""

    _test: Test

    def matches(self, entry: JsonObject) -> bool:
        """Tell whether the filter selects an entry."""
        return self._test(Subject(entry))


def parse_log_filter(text: str) -> LogFilter:
    """Return the filter that a text describes; the empty one selects everything."""
    return LogFilter(_Compiler(text).test(parse(text)))


class _Compiler:
    def __init__(self, text: str) -> None:
        self._text = text

    def test(self, node: Node) -> Test:
        """Return the test of one node of the tree."""
        match node:
            case Not(inner):
                return _negated(self.test(inner))
            case And(parts):
                return _all([self.test(one) for one in parts])
            case Or(parts):
                return _any([self.test(one) for one in parts])
            case Literal(text=text):
                return _anywhere(text)
            case Call():
                return called(node, self._text)
            case Comparison():
                return self._compared(node)

    def _compared(self, node: Comparison) -> Test:
        field = field_of(node.path, self._text)
        read = field.read
        if node.operand is ANYTHING:
            return lambda subject: read(subject.entry) is not MISSING

        def leaf(literal: Literal) -> Check:
            return comparison(field, node.operator, literal, self._text)

        check = self._check(node.operand, leaf)
        return lambda subject: check(read(subject.entry))

    def _check(self, operand: Node, leaf: Callable[[Literal], Check]) -> Check:
        """Return the test of one field's value; field and operator apply to each value of a group."""
        match operand:
            case Not(inner):
                return _negated(self._check(inner, leaf))
            case And(parts):
                return _all([self._check(one, leaf) for one in parts])
            case Or(parts):
                return _any([self._check(one, leaf) for one in parts])
            case Literal():
                return leaf(operand)
            case Call(name=name, offset=offset):
                raise FilterError(
                    f"Unparseable filter: the emulator cannot compare with the function '{name}' "
                    f"at {place(self._text, offset)}"
                )
            case Comparison(path=path):
                raise FilterError(f"Unparseable filter: a value is expected at {place(self._text, path.offset)}")


def _negated(test: _Predicate) -> _Predicate:
    return lambda subject: not test(subject)


def _all(tests: list[_Predicate]) -> _Predicate:
    if len(tests) == 1:
        return tests[0]

    def every(subject: object) -> bool:
        for test in tests:  # noqa: SIM110 - a loop is twice as fast as all() with a generator, and this runs per entry
            if not test(subject):
                return False
        return True

    return every


def _any(tests: list[_Predicate]) -> _Predicate:
    def some(subject: object) -> bool:
        for test in tests:  # noqa: SIM110 - see above
            if test(subject):
                return True
        return False

    return some


def _anywhere(text: str) -> Test:
    wanted = folded(text)
    return lambda subject: wanted in subject.text
