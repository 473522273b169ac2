"""What the emulator keeps of Cloud Run jobs: the jobs, their executions, secrets that they may read, and processes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gcpdiag.model.json import JsonObject


@dataclass(slots=True)
class JobStore:
    """Jobs and executions by full name, values of secrets by ``projects/P/secrets/S``, and permissions that are denied.

    Whoever changes anything holds the state's lock.
    """

    jobs: dict[str, JsonObject] = field(default_factory=dict)
    executions: dict[str, JsonObject] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    running: dict[str, Task] = field(default_factory=dict)

    def stop(self) -> None:
        """End what still runs; the lock must not be held, for which the last lines of a task may wait."""
        for one in list(self.running.values()):
            one.stop()

    def clear(self) -> None:
        """Forget everything."""
        self.jobs.clear()
        self.executions.clear()
        self.secrets.clear()
        self.denied.clear()
        self.running.clear()


class Task:
    """The container of an execution: a process of this machine, whose lines are told as they come, and then its end."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        limit: float,
        on_line: Callable[[str, str], None],
        on_end: Callable[[int | None], None],
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - gcpdiag itself, with the arguments of the job
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            encoding="utf-8",
            errors="replace",
        )
        self._limit = limit
        self._on_line = on_line
        self._on_end = on_end
        self._silent = False
        self._readers = [
            threading.Thread(target=self._tell, args=(name,), name=f"job {name}") for name in ("stdout", "stderr")
        ]
        self._watch = threading.Thread(target=self._await_end, name="job")
        for thread in (*self._readers, self._watch):
            thread.start()

    def stop(self) -> None:
        """End the process and wait for that; nothing is told any more."""
        self._silent = True
        self._process.kill()
        self._watch.join()

    def _tell(self, name: str) -> None:
        stream = self._process.stdout if name == "stdout" else self._process.stderr
        if stream is not None:
            with stream:
                for line in stream:
                    if not self._silent:
                        self._on_line(name, line.rstrip("\n"))

    def _await_end(self) -> None:
        """Wait for the end; ``None`` is told instead of an exit code when the time was over."""
        code: int | None
        try:
            code = self._process.wait(timeout=self._limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            code = None
        for thread in self._readers:
            thread.join()
        if not self._silent:
            self._on_end(code)
