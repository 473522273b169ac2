"""Comparisons of a field with a value: each becomes one function, built once and called for every entry.

Source of the rules: Logging query language, sections "Comparison operators", "Values and conversions" and
"Missing fields".
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final, TypeAlias

import re2

from gcpdiag.emulator import log_value
from gcpdiag.emulator.log_field import MAY_BE_MISSING, MISSING, Field, Found, Kind, leaves
from gcpdiag.emulator.query_syntax import FilterError, Literal, place
from gcpdiag.model.json import Json

Check: TypeAlias = Callable[[Found], bool]
_Compare: TypeAlias = Callable[..., bool]  # of two values of the same type, whichever that is
_Read: TypeAlias = "Callable[[Json], float | str | None]"

_ORDER: Final[dict[str, _Compare]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    ":": operator.eq,  # "has" is for text; of other values only equality makes sense (unverified)
}
_READERS: Final[dict[Kind, tuple[_Read, Json]]] = {  # with the default of a field that is not set
    Kind.TEXT: (log_value.text_of, ""),
    Kind.LABEL: (log_value.text_of, None),
    Kind.NUMBER: (log_value.number_of, 0),
    Kind.BOOL: (log_value.bool_of, False),
    Kind.SEVERITY: (log_value.rank_of, "DEFAULT"),
    Kind.DURATION: (log_value.nanoseconds_of, "0s"),
    Kind.TIME: (log_value.instant_of, "1970-01-01T00:00:00Z"),
}
_NULL = "NULL_VALUE"
_MAX_MEMORY = 16 << 20  # bytes for the automaton of one expression


def comparison(field: Field, sign: str, literal: Literal, text: str) -> Check:
    """Return the test of a field's value; FilterError when the two cannot be compared."""
    if field.is_container:
        if sign != ":":
            raise FilterError(
                f"Unparseable filter: '{field.path.text}' is not a scalar and cannot be compared with '{sign}' "
                f"at {place(text, field.path.offset)}"
            )  # unverified wording
        return _somewhere(log_value.folded(literal.text))
    if sign in {"=~", "!~"}:
        return _pattern(field, sign, literal, text)
    if field.kind in _READERS:
        return _typed(field, sign, literal, text)
    return _untyped(field, sign, literal)


def _somewhere(wanted: str) -> Check:
    """Return the test whether any value inside an object contains the text; keys are not searched (unverified)."""
    return lambda found: any(wanted in log_value.folded(log_value.plain_of(leaf)) for leaf in leaves(found))


def _typed(field: Field, sign: str, literal: Literal, text: str) -> Check:
    read, default = _READERS[field.kind]
    constant = log_value.query_instant_of(literal.text) if field.kind is Kind.TIME else read(literal.text)
    if constant is None:
        # The documentation lets such a comparison fail; a constant that can never be compared is refused
        # here, so that a mistake does not look like an empty answer (wording unverified).
        raise FilterError(
            f"Unparseable filter: '{literal.text}' is no value for the field '{field.path.text}' "
            f"at {place(text, literal.offset)}"
        )
    compare = _ORDER[sign]
    if sign == ":" and field.kind in {Kind.TEXT, Kind.LABEL}:
        compare = _contains
    unset = read(default)
    if_missing = field.kind not in MAY_BE_MISSING and unset is not None and compare(unset, constant)

    def check(found: Found) -> bool:
        if found is MISSING:
            return if_missing
        if isinstance(found, list):
            return any(check(one) for one in found)
        value = read(found)
        return value is not None and compare(value, constant)

    return check


def _contains(value: object, part: object) -> bool:
    return isinstance(value, str) and isinstance(part, str) and part in value


def _pattern(field: Field, sign: str, literal: Literal, text: str) -> Check:
    if not literal.quoted:
        raise FilterError(
            "Unparseable filter: regular expressions must begin and end with '\"' "
            f"at {place(text, literal.offset)}, token '{literal.text}'"
        )  # unverified wording
    if field.kind not in {Kind.TEXT, Kind.LABEL, Kind.STRUCT, Kind.MESSAGE}:
        raise FilterError(
            f"Unparseable filter: '{field.path.text}' at {place(text, field.path.offset)} is not a string, "
            "and only strings can be matched with a regular expression"
        )  # documented; the wording is unverified
    search = _compiled(literal, text).search
    wanted = sign == "=~"
    if_missing = field.kind is Kind.TEXT and (search("") is not None) is wanted

    def check(found: Found) -> bool:
        if isinstance(found, str):
            return (search(found) is not None) is wanted
        if isinstance(found, list):
            return any(check(one) for one in found)
        return found is MISSING and if_missing

    return check


def _compiled(literal: Literal, text: str) -> re2._Regexp[str]:
    options = re2.Options()  # case-sensitive and not anchored, as documented
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(literal.text, options)
    except re2.error as error:
        raise FilterError(
            f"Unparseable filter: invalid regular expression at {place(text, literal.offset)}: {literal.text}"
        ) from error  # unverified wording


def _untyped(field: Field, sign: str, literal: Literal) -> Check:
    """Return the test of a value whose type is only known when it is seen: text, number, bool or null."""
    compare = _ORDER[sign]
    is_null = literal.text == _NULL and not literal.quoted
    text, number = log_value.folded(literal.text), log_value.number_of(literal.text)
    truth = log_value.bool_of(literal.text)
    of_text = _proto_text(literal.text, compare) if field.kind is Kind.MESSAGE and sign != ":" else None
    inside = _somewhere(text)

    def check(found: Found) -> bool:  # noqa: PLR0911 - one way out for each type that JSON has
        if isinstance(found, str):
            if is_null:
                return sign == "!="
            if sign == ":":
                return text in log_value.folded(found)
            return of_text(found) if of_text else compare(log_value.folded(found), text)
        if isinstance(found, bool):
            return (truth is not None and compare(found, truth)) or (is_null and sign == "!=")
        if isinstance(found, int | float):
            return (number is not None and compare(found, number)) or (is_null and sign == "!=")
        if found is None:
            return is_null and sign in {"=", ":"}
        if isinstance(found, list):
            return any(check(one) for one in found)
        return sign == ":" and found is not MISSING and inside(found)

    return check


def _proto_text(told: str, compare: _Compare) -> Callable[[str], bool]:
    """Return the test of text below protoPayload.

    It may stand for an int64, a timestamp or a duration there. The type is not in the entry; where both sides
    read as one of these they are compared as such, and as text otherwise (unverified).
    """
    readers: tuple[_Read, ...] = (log_value.number_of, log_value.instant_of, log_value.nanoseconds_of)
    constants = [(read, read(told)) for read in readers]
    known = [(read, constant) for read, constant in constants if constant is not None]
    text = log_value.folded(told)

    def check(found: str) -> bool:
        for read, constant in known:
            value = read(found)
            if value is not None:
                return compare(value, constant)
        return compare(log_value.folded(found), text)

    return check
