"""Running the tests that playbooks carry: each is a small bundle, diagnosed by the whole pipeline."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from gcpdiag.diagnose.engine import diagnose
from gcpdiag.diagnose.selftest_bundle import bundle_of_test
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.playbook.format import Expectation, PlaybookTest
from gcpdiag.playbook.load import Library, load_tests


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """What one test of a playbook gave; no complaint means that it passed."""

    __test__ = False  # a name that pytest would take for a class of tests

    cause: str
    path: Path
    test: str
    complaints: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """The diagnosis said all that the test expects of it."""
        return not self.complaints


def run_library(library: Library, causes: Collection[str] = ()) -> Iterator[TestOutcome]:
    """Yield the outcome of every test of some causes, or of all; PlaybookError for an unreadable file."""
    for cause, path in sorted(library.paths.items()):
        if causes and cause not in causes:
            continue
        for test in load_tests(path):
            yield TestOutcome(cause=cause, path=path, test=test.test, complaints=run_test(test, library))


def run_test(test: PlaybookTest, library: Library) -> tuple[str, ...]:
    """Return what the diagnosis says otherwise than the test expects; nothing when the test passed."""
    try:
        bundle = bundle_of_test(test)
    except ValueError as error:
        return (f"the test cannot be read: {error}",)
    diagnosis = diagnose(bundle, library)
    unread = [f"the test's bundle is not as Google answers: {one}" for one in diagnosis.problems]
    return tuple(unread + [f"{one} ({diagnosis.summary})" for one in _complaints(test.expect, diagnosis)])


def _complaints(expect: Expectation, diagnosis: Diagnosis) -> Iterator[str]:
    roots = [one.id for one in diagnosis.root_causes]
    effects = [one.id for one in diagnosis.contributing]
    if expect.status and diagnosis.status != expect.status:
        yield f"expected the status {expect.status}, came {diagnosis.status}"
    if expect.first and roots[:1] != [expect.first]:
        yield f"expected {expect.first} first, came {_listed(roots)}"
    yield from _missing("the root cause", expect.named, roots)
    for cause in expect.unnamed:
        if cause in roots or cause in effects:
            yield f"expected {cause} not to be named, came {_listed(roots + effects)}"
    yield from _missing("ruled out:", expect.ruled_out, [one.id for one in diagnosis.ruled_out])
    yield from _missing("the warning", expect.warned, [one.id for one in diagnosis.warnings])
    yield from _missing("a gap in", expect.gaps, sorted({one.source for one in diagnosis.gaps}))


def _missing(what: str, wanted: Collection[str], came: Collection[str]) -> Iterator[str]:
    for one in wanted:
        if one not in came:
            yield f"expected {what} {one}, came {_listed(came)}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
