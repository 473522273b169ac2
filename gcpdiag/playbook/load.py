"""Reading playbook directories: the shipped one and a user's own, as one library of causes and signals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from gcpdiag.errors import PlaybookError
from gcpdiag.playbook.format import Playbook, PlaybookTest
from gcpdiag.signals.catalogue import Catalogue, catalogue_of, load_signals, load_yaml
from gcpdiag.signals.definition import SignalDefinition

_DOCUMENT_BREAK = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Library:
    """All playbooks by id, in order, with the catalogue of every signal they may look for."""

    playbooks: Mapping[str, Playbook]
    paths: Mapping[str, Path]
    catalogue: Catalogue

    def playbook(self, cause_id: str) -> Playbook:
        """Return one playbook; PlaybookError with the nearest ids when there is none."""
        if cause_id in self.playbooks:
            return self.playbooks[cause_id]
        near = [one for one in self.playbooks if cause_id and cause_id.rsplit("/", 1)[-1] in one]
        known = ", ".join(near or self.playbooks)
        raise PlaybookError(f"there is no cause {cause_id!r}", hint=f"Known: {known}")


def load_library(roots: Iterable[Path]) -> Library:
    """Return the library of several playbook directories; a later one may replace a cause by its id.

    Raises PlaybookError, naming the file, when a file is not as it should be.
    """
    playbooks: dict[str, Playbook] = {}
    paths: dict[str, Path] = {}
    signals: dict[str, SignalDefinition] = {}
    for root in roots:
        if not root.is_dir():
            raise PlaybookError(f"{root} is no directory", hint="Give a directory of playbooks")
        signals |= load_signals(root)
        for path in playbook_files(root):
            playbook = load_playbook(path)
            playbooks[playbook.id] = playbook
            paths[playbook.id] = path
    for playbook in playbooks.values():
        signals |= playbook.signals
    for playbook in playbooks.values():
        _check_signals(playbook, paths[playbook.id], signals)
    return Library(playbooks=dict(sorted(playbooks.items())), paths=paths, catalogue=catalogue_of(signals))


def _check_signals(playbook: Playbook, path: Path, signals: Mapping[str, SignalDefinition]) -> None:
    steps = [signal for one in playbook.remediation for signal in (one.when, one.unless) if signal]
    for signal in (*(one.signal for one in playbook.findings), *steps):
        if signal not in signals:
            raise PlaybookError(
                f"{path}: unknown signal {signal!r}",
                hint="`gcpdiag playbook lint` names the line",
            )


def playbook_files(root: Path) -> list[Path]:
    """Return the playbook files below a directory, sorted; ``signals/`` holds none."""
    return sorted(path for path in root.rglob("*.yaml") if path.parent != root / "signals")


def documents_of(path: Path) -> list[str]:
    """Return the texts of a file's YAML documents; none of them is parsed yet."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"{path} cannot be read", cause=str(error)) from error
    parts = _DOCUMENT_BREAK.split(text)
    return parts[1:] if not parts[0].strip() else parts


def load_playbook(path: Path) -> Playbook:
    """Return the cause that a file describes; its tests are not read."""
    try:
        return msgspec.convert(load_yaml(documents_of(path)[0]), Playbook)
    except (msgspec.ValidationError, yaml.YAMLError, IndexError, RecursionError) as error:
        raise PlaybookError(f"{path} is not a playbook", cause=str(error)) from error


def load_tests(path: Path) -> list[PlaybookTest]:
    """Return the tests in a playbook file; PlaybookError names the file."""
    try:
        return [msgspec.convert(load_yaml(text), PlaybookTest) for text in documents_of(path)[1:]]
    except (msgspec.ValidationError, yaml.YAMLError, RecursionError) as error:
        raise PlaybookError(f"{path}: a test is not as it should be", cause=str(error)) from error
