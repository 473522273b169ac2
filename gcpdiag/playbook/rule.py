"""What a lint rule is: an id, a severity, and a check that looks at all drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gcpdiag.playbook.draft import Drafts
from gcpdiag.playbook.position import Flaw

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that playbooks must (error) or should (warning) be; ``check`` yields what is not so."""

    id: str
    severity: Severity
    check: Callable[[Drafts], Iterator[Flaw]]

    @property
    def description(self) -> str:
        """What the rule asks for, in a sentence or two: the docstring of its check."""
        return " ".join((self.check.__doc__ or "").split())
