"""Rules about causes: their ids, what they list, and what their texts refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gcpdiag.model.json import field_at, text_at
from gcpdiag.playbook.draft import CauseDraft, Drafts, Placed
from gcpdiag.playbook.format import PLACEHOLDERS
from gcpdiag.playbook.notation import nearest
from gcpdiag.playbook.position import Flaw, Place
from gcpdiag.playbook.rule import Rule

CATEGORIES = frozenset(
    {
        "resource-exhaustion",
        "health-check-timeout",
        "database-connections",
        "vpc-connector",
        "dependency-unreachable",
        "bad-deployment",
        "access-denied",
        "load-balancer",
        "platform",
    }
)
"""The categories of the contract's section 1."""

ID_FORM = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_TEXTS = ("title", "summary", "explanation")


def _id_form(drafts: Drafts) -> Iterator[Flaw]:
    """An id is ``category/cause``, in lower-case words joined by hyphens."""
    for cause in drafts.causes:
        if cause.id and not ID_FORM.fullmatch(cause.id):
            told = f"{cause.id!r} is no cause id; write it as category/cause, in lower case with hyphens"
            yield Flaw(place=cause.document.place("id"), text=told)


def _id_path(drafts: Drafts) -> Iterator[Flaw]:
    """A cause stands in the file that its id names: ``<category>/<cause>.yaml``."""
    for cause in drafts.causes:
        if cause.id and cause.id != cause.id_of_path:
            told = f"this file is {cause.id_of_path}.yaml, and the id is {cause.id!r}"
            yield Flaw(place=cause.document.place("id"), text=told)


def _new_category(drafts: Drafts) -> Iterator[Flaw]:
    """A category is one that reports know; another one is allowed, and may be a slip."""
    for cause in drafts.causes:
        category = cause.id.split("/", 1)[0]
        if cause.id and category not in CATEGORIES:
            told = f"{category!r} is a category of your own; {nearest(category, CATEGORIES)}"
            yield Flaw(place=cause.document.place("id"), text=told)


def _unknown_signal(drafts: Drafts) -> Iterator[Flaw]:
    """The signal of a finding, or of a step's `when` or `unless`, is defined: in ``signals/``, or in some playbook."""
    known = drafts.signal_ids
    for cause in drafts.causes if drafts.whole else ():
        named = [(one.value.signal, one.place("signal")) for one in cause.findings]
        named += [(one.value.when, one.place("when")) for one in cause.remediation if one.value.when]
        named += [(one.value.unless, one.place("unless")) for one in cause.remediation if one.value.unless]
        for signal, place in named:
            if signal not in known:
                yield Flaw(place=place, text=f"there is no signal {signal!r}; {_suggested(signal, known)}")


def _repeated_finding(drafts: Drafts) -> Iterator[Flaw]:
    """A cause lists each signal once: the same evidence does not count twice."""
    for cause in drafts.causes:
        seen: dict[str, Place] = {}
        for finding in cause.findings:
            signal, place = finding.value.signal, finding.place("signal")
            if signal in seen:
                yield Flaw(place=place, text=f"{signal!r} is listed already, in line {seen[signal].line}")
            seen.setdefault(signal, place)


def _nothing_specific(drafts: Drafts) -> Iterator[Flaw]:
    """A cause has a finding that is ``specific``; without one it can never be named."""
    for cause in drafts.causes:
        findings = cause.findings
        understood = len(findings) == len(cause.items("findings"))
        if findings and understood and not any(one.value.specific for one in findings):
            told = "no finding is `specific: true`, so this cause can never be named"
            yield Flaw(place=cause.document.place("findings"), text=told)


def _no_findings(drafts: Drafts) -> Iterator[Flaw]:
    """A cause has findings."""
    for cause in drafts.causes:
        if field_at(cause.document.value, "findings") == []:
            yield Flaw(place=cause.document.place("findings"), text="there is nothing to look for")


def _unknown_cause(drafts: Drafts) -> Iterator[Flaw]:
    """Every cause that is referred to exists: in ``explains``, ``look_alikes``, and what tests expect."""
    known = drafts.ids
    for cause in drafts.causes:
        for one in _references(cause):
            if one.value not in known:
                told = f"there is no cause {one.value!r}; {_suggested(one.value, known)}"
                yield Flaw(place=one.place(), text=told)


def _references(cause: CauseDraft) -> Iterator[Placed[str]]:
    yield from cause.texts("explains")
    yield from cause.texts("look_alikes")
    for test in cause.readable_tests:
        expect = test.value.expect
        if expect.first:
            yield Placed(value=expect.first, document=test.document, steps=("expect", "first"))
        for name in ("named", "unnamed", "ruled_out", "warned"):
            for index, one in enumerate(getattr(expect, name)):
                yield Placed(value=one, document=test.document, steps=("expect", name, index))


def _own_look_alike(drafts: Drafts) -> Iterator[Flaw]:
    """A cause neither explains nor resembles itself."""
    for cause in drafts.causes:
        for one in (*cause.texts("explains"), *cause.texts("look_alikes")):
            if one.value == cause.id:
                yield Flaw(place=one.place(), text="this is the cause itself")


def _unknown_placeholder(drafts: Drafts) -> Iterator[Flaw]:
    """Texts and commands have only placeholders that reports can fill."""
    for cause in drafts.causes:
        for text in _texts(cause):
            for name in _PLACEHOLDER.findall(text.value):
                if name not in PLACEHOLDERS:
                    told = f"nothing fills {{{name}}}; {nearest(name, PLACEHOLDERS)}"
                    yield Flaw(place=text.place(), text=told)


def _texts(cause: CauseDraft) -> Iterator[Placed[str]]:
    for name in _TEXTS:
        yield Placed(value=text_at(cause.document.value, name), document=cause.document, steps=(name,))
    yield from cause.texts("verification")
    for step in cause.remediation:
        for name, text in (("command", step.value.command), ("why", step.value.why)):
            yield Placed(value=text, document=cause.document, steps=(*step.steps, name))


def _no_remedy(drafts: Drafts) -> Iterator[Flaw]:
    """A cause says what to do about it: at least one step, each with a command."""
    for cause in drafts.causes:
        if cause.document.value is not None and not cause.items("remediation"):
            yield Flaw(place=cause.document.place("remediation"), text="there is no step of remediation")
        for step in cause.remediation:
            if not step.value.command.strip():
                yield Flaw(place=step.place("command"), text="this step has no command")


def _suggested(word: str, known: set[str]) -> str:
    """Return the nearest id, or a short remark: there may be hundreds."""
    hint = nearest(word, known)
    return hint if hint.startswith("did") else "nothing is called nearly so"


CAUSE_RULES = (
    Rule(id="id-form", severity="error", check=_id_form),
    Rule(id="id-path", severity="error", check=_id_path),
    Rule(id="new-category", severity="warning", check=_new_category),
    Rule(id="no-findings", severity="error", check=_no_findings),
    Rule(id="unknown-signal", severity="error", check=_unknown_signal),
    Rule(id="repeated-finding", severity="error", check=_repeated_finding),
    Rule(id="nothing-specific", severity="error", check=_nothing_specific),
    Rule(id="unknown-cause", severity="error", check=_unknown_cause),
    Rule(id="own-look-alike", severity="error", check=_own_look_alike),
    Rule(id="unknown-placeholder", severity="error", check=_unknown_placeholder),
    Rule(id="no-remedy", severity="error", check=_no_remedy),
)
