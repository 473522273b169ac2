"""Playbook directories as they are, perhaps full of mistakes: what can be understood, and where it stands.

The loader stops at the first mistake. A draft goes on: a finding, a signal or a test that is as it should be
can be looked at, whatever its neighbours are like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from gcpdiag.errors import PlaybookError
from gcpdiag.model.json import Json, field_at, text_at
from gcpdiag.playbook.format import ExpectedFinding, Playbook, PlaybookTest, Remediation
from gcpdiag.playbook.load import playbook_files
from gcpdiag.playbook.position import Document, Flaw, Place, Step, Steps, read_documents
from gcpdiag.signals.definition import SignalDefinition

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Placed(Generic[T]):
    """A value that was understood, and where it stands."""

    value: T
    document: Document
    steps: Steps = ()

    def place(self, *steps: Step) -> Place:
        """Return the line of the value, or of a part of it."""
        return self.document.place(*self.steps, *steps)


@dataclass(frozen=True, kw_only=True)
class CauseDraft:
    """One playbook file: its first document and the others, which are tests."""

    path: Path
    root: Path
    document: Document
    tests: tuple[Document, ...]

    @property
    def id(self) -> str:
        """The id as it is written, or an empty text."""
        return text_at(self.document.value, "id")

    @property
    def findings(self) -> list[Placed[ExpectedFinding]]:
        """The findings that are written as they should be."""
        return list(_understood(self.items("findings"), ExpectedFinding))

    @property
    def looked_for(self) -> set[str]:
        """The signals of all findings and steps, even of those that are not written as they should be."""
        steps = {text_at(one.value, key) for one in self.items("remediation") for key in ("when", "unless")}
        return {text_at(one.value, "signal") for one in self.items("findings")} | steps - {""}

    @property
    def remediation(self) -> list[Placed[Remediation]]:
        """The steps that are written as they should be."""
        return list(_understood(self.items("remediation"), Remediation))

    @property
    def signals(self) -> dict[str, Placed[SignalDefinition]]:
        """The playbook's own signals."""
        return _signals(self.document, ("signals",), field_at(self.document.value, "signals"))

    @property
    def readable_tests(self) -> list[Placed[PlaybookTest]]:
        """The tests that are written as they should be."""
        placed = (Placed(value=one.value, document=one) for one in self.tests)
        return list(_understood(placed, PlaybookTest))

    @property
    def id_of_path(self) -> str:
        """The id that a cause in this file must have."""
        return self.path.relative_to(self.root).with_suffix("").as_posix()

    def texts(self, name: str) -> list[Placed[str]]:
        """Return the texts of a list such as ``explains``."""
        return list(_understood(self.items(name), str))

    def items(self, name: str) -> list[Placed[Json]]:
        """Return the items of a list, whatever they are like."""
        found = field_at(self.document.value, name)
        return [
            Placed(value=item, document=self.document, steps=(name, index))
            for index, item in enumerate(found if isinstance(found, list) else [])
        ]


@dataclass(frozen=True, kw_only=True)
class SignalDraft:
    """One file of shared signals."""

    path: Path
    document: Document

    @property
    def signals(self) -> dict[str, Placed[SignalDefinition]]:
        """The signals that are written as they should be."""
        return _signals(self.document, (), self.document.value)


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """Everything in some playbook directories; a cause of a later one replaces that of its id before it."""

    causes: tuple[CauseDraft, ...] = ()
    shared: tuple[SignalDraft, ...] = ()
    unreadable: tuple[Flaw, ...] = ()
    ignored: tuple[Path, ...] = ()

    @property
    def whole(self) -> bool:
        """Every file and document could be read, so that what was not found does not exist."""
        return not self.unreadable and all(one.value is not None for one, _ in self.documents)

    @property
    def ids(self) -> set[str]:
        """The ids of all causes as they are written, or as their files are called."""
        return {one.id or one.id_of_path for one in self.causes}

    @property
    def documents(self) -> Iterator[tuple[Document, object]]:
        """Every document with the type that it should have."""
        for shared in self.shared:
            yield shared.document, dict[str, SignalDefinition]
        for cause in self.causes:
            yield cause.document, Playbook
            for test in cause.tests:
                yield test, PlaybookTest

    @property
    def signals(self) -> Iterator[tuple[str, Placed[SignalDefinition]]]:
        """Every definition of a signal, shared ones first."""
        for shared in self.shared:
            yield from shared.signals.items()
        for cause in self.causes:
            yield from cause.signals.items()

    @property
    def signal_ids(self) -> set[str]:
        """The ids of all signals, even of those that are not written as they should be."""
        tables = [one.document.value for one in self.shared]
        tables += [field_at(one.document.value, "signals") for one in self.causes]
        return {str(key) for table in tables if isinstance(table, dict) for key in table}


def read_drafts(roots: Iterable[Path]) -> Drafts:
    """Return what is in the directories; nothing is raised for a file that cannot be read."""
    drafts = Drafts()
    for root in roots:
        if not root.is_dir():
            flaw = Flaw(place=Place(path=root, line=1), text="there is no such directory")
            drafts = replace(drafts, unreadable=(*drafts.unreadable, flaw))
            continue
        drafts = replace(drafts, ignored=(*drafts.ignored, *sorted(root.rglob("*.yml"))))
        for path in sorted((root / "signals").glob("*.yaml")):
            drafts = _with_file(drafts, path, root, shared=True)
        for path in playbook_files(root):
            drafts = _with_file(drafts, path, root, shared=False)
    return drafts


def _with_file(drafts: Drafts, path: Path, root: Path, *, shared: bool) -> Drafts:
    try:
        documents = read_documents(path)
    except PlaybookError as error:
        flaw = Flaw(place=Place(path=path, line=1), text=error.cause or error.problem)
        return replace(drafts, unreadable=(*drafts.unreadable, flaw))
    if not documents or (shared and len(documents) > 1):
        told = "a signal file is one YAML document" if documents else "the file is empty"
        flaw = Flaw(place=Place(path=path, line=1), text=told)
        return replace(drafts, unreadable=(*drafts.unreadable, flaw))
    first, *others = documents
    if shared:
        return replace(drafts, shared=(*drafts.shared, SignalDraft(path=path, document=first)))
    cause = CauseDraft(path=path, root=root, document=first, tests=tuple(others))
    kept = tuple(one for one in drafts.causes if not (one.id and one.id == cause.id and one.root != root))
    return replace(drafts, causes=(*kept, cause))


def _signals(document: Document, steps: Steps, table: Json) -> dict[str, Placed[SignalDefinition]]:
    if not isinstance(table, dict):
        return {}
    found: dict[str, Placed[SignalDefinition]] = {}
    for key, value in table.items():
        try:
            understood = msgspec.convert({str(key): value}, dict[str, SignalDefinition])
        except (msgspec.ValidationError, RecursionError):
            continue
        for signal, definition in understood.items():
            found[signal] = Placed(value=definition, document=document, steps=(*steps, signal))
    return found


def _understood(items: Iterable[Placed[Json]], wanted: type[T]) -> Iterator[Placed[T]]:
    for item in items:
        try:
            value = msgspec.convert(item.value, wanted)
        except (msgspec.ValidationError, RecursionError):
            continue
        yield Placed(value=value, document=item.document, steps=item.steps)
