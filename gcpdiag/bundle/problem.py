"""What was wrong with a bundle's files; the rest of them is used all the same."""

from __future__ import annotations

from dataclasses import dataclass

_KEPT_PER_FILE = 20


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One defect, with its file and (where there is one) its line, counted from 1; 0 is the whole file."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.text}"


class ProblemLog:
    """Collects problems while a bundle is read; a line that is read twice counts once."""

    def __init__(self) -> None:
        self._kept: dict[str, set[Problem]] = {}
        self._count: dict[str, int] = {}
        self._last_line: dict[str, int] = {}

    def add(self, path: str, line: int, text: str) -> None:
        """Note a problem."""
        problem = Problem(path=path, line=line, text=text)
        kept = self._kept.setdefault(path, set())
        if problem in kept or (line and line <= self._last_line.get(path, 0)):
            return
        self._last_line[path] = max(line, self._last_line.get(path, 0))
        self._count[path] = self._count.get(path, 0) + 1
        if len(kept) < _KEPT_PER_FILE or not line:
            kept.add(problem)

    def count(self, path: str) -> int:
        """Return how many problems a file has."""
        return self._count.get(path, 0)

    def problems(self) -> list[Problem]:
        """Return the problems in order; of a file with very many, the first ones and how many more."""
        shown: list[Problem] = []
        for path in sorted(self._kept):
            kept = sorted(self._kept[path])
            shown += kept
            if (rest := self._count[path] - len(kept)) > 0:
                shown.append(Problem(path=path, line=0, text=f"and {rest} more malformed lines"))
        return shown
