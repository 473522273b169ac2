"""Everything that can go wrong and ends a command: the problem, the cause, what to try, the exit code."""

from __future__ import annotations


class GcpdiagError(Exception):
    """The root of all errors that a user may see; ``exit_code`` is the command's (contract section 4)."""

    exit_code = 1

    def __init__(self, problem: str, *, cause: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.cause = cause
        self.hint = hint

    def __str__(self) -> str:
        """Return one line: the problem, its cause, and what to try."""
        line = f"{self.problem}: {self.cause}" if self.cause else self.problem
        return f"{line.removesuffix('.')}. {self.hint}" if self.hint else line


class UsageError(GcpdiagError):
    """The command was given something that does not exist or does not fit."""

    exit_code = 2


class BundleError(GcpdiagError):
    """Nothing can be read from this bundle, so there is nothing to diagnose."""

    exit_code = 3


class UnreachableError(GcpdiagError):
    """Nothing could be collected: no credentials, no network, no such project."""

    exit_code = 3


class PlaybookError(GcpdiagError):
    """A playbook or signal file is wrong; ``gcpdiag playbook lint`` names the lines."""

    exit_code = 2
