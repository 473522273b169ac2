"""One probe on its way: how far it has come, and what a failure on that way means."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from time import monotonic
from typing import TypeVar

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.probe import Measure, ProbeStage

_Answer = TypeVar("_Answer")
_LONGEST_ERROR = 200
_INSTALL = "pip install 'gcpdiag-triage[probes]'"
_UNREACHABLE = {errno.EHOSTUNREACH: "no route to this host", errno.ENETUNREACH: "no route to this network"}
_WAITING: dict[ProbeStage, str] = {
    "name": "the name was not resolved",
    "tcp": "the connection was not accepted",
    "tls": "the TLS handshake did not end",
    "authentication": "the login was not answered",
}


class ProbeFailure(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The probe failed at a stage; ``status`` is what an HTTP server answered."""

    def __init__(self, stage: ProbeStage, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.stage = stage
        self.text = text
        self.status = status


class MissingExtraError(Exception):
    """The library that this kind of probe needs is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(f"{library} is not installed; run: {_INSTALL}")


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What a probe notes while it runs, so that it can be told even when time runs out in the middle."""

    deadline: timedelta
    monotonic: Callable[[], float] = monotonic
    began: float = 0.0
    stage: ProbeStage = "name"
    received: int = 0
    """Bytes of an answer that has begun and not ended."""
    status: int | None = None
    latencies: list[timedelta] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """What must not be told, whoever repeats it."""

    def __post_init__(self) -> None:
        self.began = self.monotonic()

    @property
    def left(self) -> float:
        """How many seconds are left, never fewer than a hundredth."""
        return max(0.01, self.deadline.total_seconds() - (self.monotonic() - self.began))

    def measure(self, name: str, value: object) -> None:
        """Note what was read or reckoned."""
        self.measures.append(Measure(name=name, value=one_line(str(value), limit=80)))

    def late(self) -> ProbeFailure:
        """Return the failure of having run out of time, which says at what."""
        within = f"within {_seconds(self.deadline)}"
        if self.received:
            told = f"the answer began and had not ended {within}; {self.received} bytes had come"
            return ProbeFailure("latency", told, status=self.status)
        return ProbeFailure(self.stage, f"{_WAITING.get(self.stage, 'there was no answer')} {within}")


def failure_of(  # noqa: PLR0911 - one return for each kind of failure
    error: BaseException, stage: ProbeStage
) -> ProbeFailure:
    """Return what an exception of a socket, of TLS or of a library means at a stage."""
    match error:
        case ProbeFailure():
            return error
        case socket.gaierror():
            return ProbeFailure("name", f"the name does not resolve: {one_line(error.strerror or str(error))}")
        case ssl.SSLCertVerificationError():
            told = error.verify_message or str(error)
            return ProbeFailure("tls", f"the certificate is not valid: {one_line(told, limit=_LONGEST_ERROR)}")
        case ssl.SSLError():
            reason = (error.reason or str(error)).replace("_", " ").lower()
            return ProbeFailure("tls", f"the TLS handshake fails: {one_line(reason, limit=_LONGEST_ERROR)}")
        case ConnectionRefusedError():
            return ProbeFailure("tcp", "the connection is refused: nothing listens there")
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            return ProbeFailure(stage, "the other side reset the connection")
        case EOFError():
            return ProbeFailure(stage, "the other side closed the connection before its answer ended")
        case OSError(errno=number) if number in _UNREACHABLE:
            return ProbeFailure("tcp", f"the connection fails: {_UNREACHABLE[number]}")
        case OSError():
            return ProbeFailure(stage, f"the connection fails: {one_line(str(error), limit=_LONGEST_ERROR)}")
        case _:
            told = one_line(f"{type(error).__name__}: {error}", limit=_LONGEST_ERROR)
            return ProbeFailure(stage, told)


def require(module: str, library: str) -> None:
    """Raise MissingExtraError unless the module can be imported."""
    if find_spec(module) is None:
        raise MissingExtraError(library)


async def in_thread(question: Callable[[], _Answer]) -> _Answer:
    """Return what a blocking call gives, from a thread that holds nothing up when it is given up on.

    asyncio's own threads are few, and are waited for at the end: one name server that does not answer would hold up
    a hundred probes, and the program after them.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Answer] = loop.create_future()

    def settle(answer: _Answer | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(answer)  # type: ignore[arg-type] # None only where the answer is one

    def ask() -> None:
        answer, failure = None, None
        try:
            answer = question()
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits it
            failure = error
        try:
            loop.call_soon_threadsafe(settle, answer, failure)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    threading.Thread(target=ask, daemon=True).start()
    return await future


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():g} s"
