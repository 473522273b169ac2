"""The grammar that Cloud Logging queries and Monitoring filters share: text in, a tree out, errors with a place.

Precedence is Google's, not a programming language's: NOT binds tightest, then OR, then AND, so that
``a OR b AND c OR d`` is ``(a OR b) AND (c OR d)`` (Logging query language, "Boolean operators").
AND may be left out, ``-x`` is ``NOT x``, operators are upper case only: ``or`` is a word to search for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

LONGEST = 20_000  # characters, comments included (Logging query language, "Syntax notation")
_DEEPEST = 60  # levels of parentheses and NOT; unverified, it keeps the parser off Python's recursion limit


class FilterError(ValueError):
    """A filter that cannot be evaluated; the message is what the API would answer, as far as it is known."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A value: quoted text or a bare word."""

    text: str
    quoted: bool
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A field's name, ``labels."k8s.io/x"`` in segments."""

    steps: tuple[str, ...]
    text: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function with its arguments, each a value or something that may be a field's name."""

    name: str
    arguments: tuple[Literal | Path, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of one node."""

    inner: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of its parts; no parts at all is the empty filter, which everything matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of its parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A field, an operator, and what it is compared with: a value, a function or a group of values."""

    path: Path
    operator: str
    operand: Node


Node: TypeAlias = Not | And | Or | Comparison | Literal | Call

ANYTHING = Literal(text="*", quoted=False, offset=-1)  # the operand of ``field:*``

_BARE = r"""[^\s"'()=<>!~:,*\\]"""  # what needs no quotation marks ("Values and conversions"); a colon does
_TOKEN = re.compile(
    rf"""
    (?P<blank>\s+|--[^\n]*)
  | (?P<word>(?:{_BARE}|"(?:\\.|[^"\\])*")+)
  | (?P<operator>=~|!~|!=|>=|<=|[=<>:])
  | (?P<mark>[(),*])
    """,
    re.VERBOSE | re.DOTALL,
)
_SEGMENT = re.compile(r'"((?:\\.|[^"\\])*)"|([A-Za-z0-9_@$-]+)', re.DOTALL)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_NUMBER = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"'}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # word, operator, mark, end
    text: str
    offset: int


def place(text: str, offset: int) -> str:
    """Return where an offset lies, in the words of Cloud Logging's errors."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}, column {column}"


def parse(text: str) -> Node:
    """Return the tree of a filter; FilterError tells where it breaks."""
    if len(text) > LONGEST:  # wording unverified; the limit is documented
        raise FilterError(f"Unparseable filter: the filter has {len(text)} characters, more than {LONGEST} are refused")
    return _Parser(text).whole()


def parse_path(text: str) -> tuple[str, ...]:
    """Return the segments of a field's name that stands alone; FilterError when it is none."""
    return _Parser(text).path()


def _tokens(text: str) -> list[_Token]:
    tokens, offset = [], 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _broken(text, offset, text[offset])
        if match.lastgroup != "blank":
            tokens.append(_Token(str(match.lastgroup), match.group(), offset))
        offset = match.end()
    return [*tokens, _Token("end", "", len(text))]


def _broken(text: str, offset: int, token: str) -> FilterError:
    # This wording is what the API answers: "syntax error at line 1, column 122, token ':'".
    return FilterError(f"Unparseable filter: syntax error at {place(text, offset)}, token '{token}'")


def _unescaped(text: str) -> str:
    r"""Return quoted text without its escapes.

    A backslash before a character that needs none stays, so that both ``"\d"`` and ``"\\d"`` are a digit in a
    regular expression (unverified; the documentation uses both).
    """
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), text) if "\\" in text else text


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._next.kind == "end":
            return And(())
        tree = self._conjunction(self._restriction)
        if self._next.kind != "end":
            raise self._unexpected()
        return tree

    def path(self) -> tuple[str, ...]:
        path = self._path(self._word())
        if self._next.kind != "end":
            raise self._unexpected()
        return path.steps

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, text: str) -> bool:
        """Take the next token when it is this mark, operator or upper-case word."""
        if self._next.text != text or self._next.kind == "end":
            return False
        self._at += 1
        return True

    def _unexpected(self) -> FilterError:
        return _broken(self._text, self._next.offset, self._next.text)

    def _conjunction(self, leaf: Callable[[], Node]) -> Node:
        """Parse terms joined by AND, or by nothing at all."""
        parts = [self._disjunction(leaf)]
        while self._accept("AND") or self._next.kind == "word" or self._next.text == "(":
            parts.append(self._disjunction(leaf))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _disjunction(self, leaf: Callable[[], Node]) -> Node:
        parts = [self._negation(leaf)]
        while self._accept("OR"):
            parts.append(self._negation(leaf))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _negation(self, leaf: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FilterError(f"Unparseable filter: nested too deeply at {place(self._text, self._next.offset)}")
        try:
            if self._accept("NOT") or self._minus():
                return Not(self._negation(leaf))
            if self._accept("("):
                inner = self._conjunction(leaf)
                self._expect(")")
                return inner
            return leaf()
        finally:
            self._depth -= 1

    def _minus(self) -> bool:
        """Take the minus that negates a term, leaving the rest of its word."""
        token = self._next
        if token.kind != "word" or not token.text.startswith("-"):
            return False
        if len(token.text) > 1:
            self._tokens[self._at] = _Token("word", token.text[1:], token.offset + 1)
        else:
            self._at += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._unexpected()

    def _word(self) -> _Token:
        token = self._next
        if token.kind != "word" or token.text in {"AND", "OR", "NOT"}:
            raise self._unexpected()
        return self._take()

    def _restriction(self) -> Node:
        """Parse a comparison, a function, or a value to be searched for everywhere."""
        token = self._word()
        if self._calls(token):
            return self._standing(self._call(token))
        if self._next.kind != "operator":
            return self._literal(token)
        if token.text.startswith('"') and _QUOTED.fullmatch(token.text):
            raise self._unexpected()  # a quoted value is no field's name
        path = self._path(token)
        operator = self._take().text
        if operator == ":" and self._accept("*"):
            return Comparison(path=path, operator=operator, operand=ANYTHING)
        return Comparison(path=path, operator=operator, operand=self._operand())

    def _standing(self, call: Call) -> Call:
        """Return a call that stands alone; comparing its result, as of cast(), is not served."""
        if self._next.kind == "operator":
            where = place(self._text, call.offset)
            raise FilterError(f"Unparseable filter: the emulator cannot compare the function '{call.name}' at {where}")
        return call

    def _operand(self) -> Node:
        if self._accept("("):
            group = self._conjunction(lambda: self._literal(self._word()))
            self._expect(")")
            return group
        token = self._word()
        return self._call(token) if self._calls(token) else self._literal(token)

    def _calls(self, token: _Token) -> bool:
        """Tell whether a parenthesis follows a name at once; after a blank it would open a group."""
        return self._next.text == "(" and self._next.offset == token.offset + len(token.text)

    def _call(self, name: _Token) -> Call:
        self._expect("(")
        arguments: list[Literal | Path] = []
        while not self._accept(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._argument())
        return Call(name=name.text, arguments=tuple(arguments), offset=name.offset)

    def _argument(self) -> Literal | Path:
        token = self._word()
        if _QUOTED.fullmatch(token.text) or _NUMBER.fullmatch(token.text):
            return self._literal(token)
        return self._path(token)

    def _literal(self, token: _Token) -> Literal:
        quoted = _QUOTED.fullmatch(token.text)
        if quoted:
            return Literal(text=_unescaped(quoted[1]), quoted=True, offset=token.offset)
        if '"' in token.text or (token.text[0] in "+-." and not _NUMBER.fullmatch(token.text)):
            raise _broken(self._text, token.offset, token.text)
        return Literal(text=token.text, quoted=False, offset=token.offset)

    def _path(self, token: _Token) -> Path:
        steps, offset = [], 0
        while True:
            match = _SEGMENT.match(token.text, offset)
            if match is None:
                raise _broken(self._text, token.offset, token.text)
            steps.append(match[2] if match[1] is None else _unescaped(match[1]))
            offset = match.end()
            if offset == len(token.text):
                return Path(steps=tuple(steps), text=token.text, offset=token.offset)
            if token.text[offset] != ".":
                raise _broken(self._text, token.offset + offset, token.text[offset])
            offset += 1
