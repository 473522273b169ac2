"""Linting playbook directories: every mistake with its file and line, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gcpdiag.playbook.draft import read_drafts
from gcpdiag.playbook.lint_cause import CAUSE_RULES
from gcpdiag.playbook.lint_file import FILE_RULES
from gcpdiag.playbook.lint_signal import SIGNAL_RULES
from gcpdiag.playbook.lint_tests import TEST_RULES
from gcpdiag.playbook.rule import Rule, Severity

RULES: tuple[Rule, ...] = (*FILE_RULES, *CAUSE_RULES, *SIGNAL_RULES, *TEST_RULES)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Complaint:
    """What is wrong on a line of a file, and the rule that says so."""

    path: Path
    line: int
    rule: str
    severity: Severity
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.text} [{self.rule}]"


def lint_library(roots: Iterable[Path]) -> list[Complaint]:
    """Return all complaints about some playbook directories, by file and line; no file makes it raise."""
    drafts = read_drafts(roots)
    complaints = {
        Complaint(path=flaw.place.path, line=flaw.place.line, rule=rule.id, severity=rule.severity, text=flaw.text)
        for rule in RULES
        for flaw in rule.check(drafts)
    }
    return sorted(complaints)
