"""Rules about how files are written: YAML, fields, words, texts."""

from __future__ import annotations

from collections.abc import Iterator

from gcpdiag.playbook.draft import Drafts
from gcpdiag.playbook.position import Document, Flaw, Place, Step
from gcpdiag.playbook.rule import Rule
from gcpdiag.playbook.shape import FaultKind, shape_faults

_CAUSE_TEXTS = ("id", "title", "summary", "explanation")


def _unreadable(drafts: Drafts) -> Iterator[Flaw]:
    """Every file can be read: UTF-8, not empty, signals in one document."""
    yield from drafts.unreadable


def _ignored_file(drafts: Drafts) -> Iterator[Flaw]:
    """Playbooks end in ``.yaml``; a file that ends in ``.yml`` is never read."""
    for path in drafts.ignored:
        yield Flaw(place=Place(path=path, line=1), text="only files that end in .yaml are read")


def _yaml_syntax(drafts: Drafts) -> Iterator[Flaw]:
    """Every document is YAML."""
    for document, _ in drafts.documents:
        if document.unreadable:
            yield document.unreadable


def _yaml_extras(drafts: Drafts) -> Iterator[Flaw]:
    """Documents have no anchors, aliases or tags: what a file says stands where it is read."""
    for document, _ in drafts.documents:
        yield from document.extras


def _duplicate_key(drafts: Drafts) -> Iterator[Flaw]:
    """No field is given twice, since all but the last would be dropped without a word."""
    for document, _ in drafts.documents:
        yield from document.doubled


def _unknown_field(drafts: Drafts) -> Iterator[Flaw]:
    """Every field is one that the format has."""
    yield from _shape(drafts, "unknown field")


def _missing_field(drafts: Drafts) -> Iterator[Flaw]:
    """Every field that has no default is given."""
    yield from _shape(drafts, "missing field")


def _wrong_value(drafts: Drafts) -> Iterator[Flaw]:
    """Every value is of its type, and every word one of the vocabulary."""
    yield from _shape(drafts, "wrong value")


def _shape(drafts: Drafts, kind: FaultKind) -> Iterator[Flaw]:
    for document, wanted in drafts.documents:
        if document.unreadable or document.extras:
            continue
        for fault in shape_faults(document.value, wanted):
            if fault.kind == kind:
                yield Flaw(place=document.place(*fault.steps), text=fault.text)


def _empty_text(drafts: Drafts) -> Iterator[Flaw]:
    """No text is empty: titles, summaries, explanations, reasons, and the names of tests."""
    for cause in drafts.causes:
        for name in _CAUSE_TEXTS:
            yield from _blank(cause.document, name)
        for step in cause.remediation:
            yield from _blank(cause.document, *step.steps, "why")
        for check in cause.texts("verification"):
            yield from _blank(cause.document, *check.steps)
        for test in cause.tests:
            yield from _blank(test, "test")
    for _, signal in drafts.signals:
        yield from _blank(signal.document, *signal.steps, "title")


def _blank(document: Document, *steps: Step) -> Iterator[Flaw]:
    here = document.value
    for step in steps:
        if isinstance(here, dict) and isinstance(step, str):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int):
            here = here[step]
        else:
            return
    if isinstance(here, str) and not here.strip():
        name = next(step for step in reversed(steps) if isinstance(step, str))
        yield Flaw(place=document.place(*steps), text=f"{name!r} is empty")


FILE_RULES = (
    Rule(id="unreadable", severity="error", check=_unreadable),
    Rule(id="ignored-file", severity="warning", check=_ignored_file),
    Rule(id="yaml-syntax", severity="error", check=_yaml_syntax),
    Rule(id="yaml-extras", severity="error", check=_yaml_extras),
    Rule(id="duplicate-key", severity="error", check=_duplicate_key),
    Rule(id="unknown-field", severity="error", check=_unknown_field),
    Rule(id="missing-field", severity="error", check=_missing_field),
    Rule(id="wrong-value", severity="error", check=_wrong_value),
    Rule(id="empty-text", severity="error", check=_empty_text),
)
