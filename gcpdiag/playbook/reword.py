"""Changing the likelihood words of a playbook file in place, and not one byte besides them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from gcpdiag.errors import PlaybookError
from gcpdiag.playbook.format import Likelihood, Playbook
from gcpdiag.playbook.load import documents_of
from gcpdiag.signals.catalogue import load_yaml


def reworded(text: str, words: Mapping[str, Likelihood], *, path: Path) -> str:
    """Return a playbook file's text with other likelihoods for these signals; comments and layout stay.

    Raises PlaybookError when a signal is not expected there, or when anything else would change.
    """
    spans = _spans(text, path)
    if missing := sorted(words.keys() - spans.keys()):
        raise PlaybookError(f"{path}: no finding of {missing[0]!r} has a likelihood that can be changed in place")
    after = text
    for signal, (start, end) in sorted(spans.items(), key=lambda one: -one[1][0]):
        if signal in words:
            after = after[:start] + words[signal] + after[end:]
    _check(text, after, words, path)
    return after


def reword_file(path: Path, words: Mapping[str, Likelihood]) -> None:
    """Change the words of a file; it is replaced in one piece, or left as it was."""
    documents_of(path)  # says what is wrong with a file that is no text
    with path.open(encoding="utf-8", newline="") as stream:
        after = reworded(stream.read(), words, path=path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(after)
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _spans(text: str, path: Path) -> dict[str, tuple[int, int]]:
    """Return where in the text each expected finding's likelihood stands, by signal; plain words only."""
    try:
        documents = yaml.compose_all(text, Loader=yaml.SafeLoader)  # not the C one: its marks count otherwise
        root = next(iter(documents), None)
    except yaml.YAMLError as error:
        raise PlaybookError(f"{path} is no YAML", cause=str(error)) from error
    findings = _values(root).get("findings")
    spans: dict[str, tuple[int, int]] = {}
    for node in findings.value if isinstance(findings, yaml.SequenceNode) else []:
        values = _values(node)
        signal, word = values.get("signal"), values.get("likelihood")
        if isinstance(signal, yaml.ScalarNode) and isinstance(word, yaml.ScalarNode) and word.style is None:
            spans[str(signal.value)] = (int(word.start_mark.index), int(word.end_mark.index))
    return spans


def _values(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _check(before: str, after: str, words: Mapping[str, Likelihood], path: Path) -> None:
    """Raise PlaybookError unless the two texts differ in these words alone."""
    old, new = (msgspec.convert(load_yaml(_first(text)), Playbook) for text in (before, after))
    findings = [msgspec.structs.replace(one, likelihood=words.get(one.signal, one.likelihood)) for one in old.findings]
    if msgspec.structs.replace(old, findings=findings) != new:
        raise PlaybookError(f"{path} cannot be changed in place", hint="Change its words by hand")


def _first(text: str) -> str:
    """Return the first document of a file's text."""
    lines = text.removeprefix("---\n").splitlines(keepends=True)
    end = next((number for number, line in enumerate(lines) if line.rstrip() == "---"), len(lines))
    return "".join(lines[:end])
