"""YAML documents together with the line on which each field and each list item of them stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from gcpdiag.model.json import Json
from gcpdiag.playbook.load import documents_of
from gcpdiag.signals.catalogue import load_yaml

Step: TypeAlias = str | int
Steps: TypeAlias = tuple[Step, ...]
"""The way to a value inside a document: ``("findings", 0, "signal")``."""

_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENED = ("while parsing a flow", "while scanning a quoted")
_EXTRAS = {yaml.AnchorToken: "an anchor", yaml.AliasToken: "an alias", yaml.TagToken: "a tag"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file; the first one is 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something about a document's writing that is wrong before anybody reads its content."""

    place: Place
    text: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML document of a file; ``value`` is None when it could not be read."""

    path: Path
    first_line: int
    value: Json = None
    lines: Mapping[Steps, int] = field(default_factory=dict)
    unreadable: Flaw | None = None
    extras: tuple[Flaw, ...] = ()
    doubled: tuple[Flaw, ...] = ()

    def place(self, *steps: Step) -> Place:
        """Return where a value stands, or the nearest that encloses it."""
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return Place(path=self.path, line=self.lines.get(steps, self.first_line))


def read_documents(path: Path) -> list[Document]:
    """Return the YAML documents of a file, each read by itself; PlaybookError for an unreadable file."""
    texts = documents_of(path)
    before = path.read_text(encoding="utf-8").count("\n") - sum(text.count("\n") for text in texts)
    documents: list[Document] = []
    for text in texts:
        documents.append(read_document(path, text, first_line=before + 1))
        before += text.count("\n")
    return documents


def read_document(path: Path, text: str, *, first_line: int = 1) -> Document:
    """Return one document, with what is wrong with its YAML; anchors and tags are told and not followed."""
    try:
        extras = tuple(_extras(path, text, first_line))
        if extras:
            return Document(path=path, first_line=first_line, extras=extras)
        node = yaml.compose(text, Loader=_LOADER)
        value = load_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        flaw = Flaw(place=Place(path=path, line=first_line + _line_of(error, text)), text=_told(error))
        return Document(path=path, first_line=first_line, unreadable=flaw)
    walk = _Walk(path=path, first_line=first_line)
    if node is not None:
        walk.take(node, ())
    begin = walk.lines.get((), first_line)
    return Document(path=path, first_line=begin, value=value, lines=walk.lines, doubled=tuple(walk.doubled))


class _Walk:
    """One walk over the nodes of a document, noting the line of each and keys that come twice."""

    def __init__(self, *, path: Path, first_line: int) -> None:
        self.lines: dict[Steps, int] = {}
        self.doubled: list[Flaw] = []
        self._path = path
        self._first_line = first_line

    def take(self, node: yaml.Node, steps: Steps) -> None:
        self.lines.setdefault(steps, self._line(node))
        if isinstance(node, yaml.MappingNode):
            self._take_mapping(node, steps)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.take(item, (*steps, index))

    def _take_mapping(self, node: yaml.MappingNode, steps: Steps) -> None:
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, line = str(key.value), self._line(key)
            if name in seen:
                told = f"{name!r} stands here again; it was given in line {seen[name]}, and only one can count"
                self.doubled.append(Flaw(place=Place(path=self._path, line=line), text=told))
            seen.setdefault(name, line)
            self.lines[(*steps, name)] = line
            self.take(value, (*steps, name))

    def _line(self, node: yaml.Node) -> int:
        return self._first_line + int(node.start_mark.line)


def _extras(path: Path, text: str, first_line: int) -> Iterator[Flaw]:
    for token in yaml.scan(text, Loader=_LOADER):
        named = _EXTRAS.get(type(token))
        if named:
            place = Place(path=path, line=first_line + int(token.start_mark.line))
            yield Flaw(place=place, text=f"{named} is not allowed here; write the value out")


def _line_of(error: Exception, text: str) -> int:
    """Return the line of a YAML error, counted from 0; an open bracket or quote is told where it opens."""
    if isinstance(error, yaml.MarkedYAMLError):
        opened = (error.context or "").startswith(_OPENED)
        mark = error.context_mark if opened else error.problem_mark or error.context_mark
        return min(int(mark.line), text.rstrip().count("\n")) if mark else 0
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.position, int):
        return text.count("\n", 0, error.position)
    return 0


def _told(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        return ", ".join(part for part in (error.context, error.problem) if part)
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).splitlines()[0]
