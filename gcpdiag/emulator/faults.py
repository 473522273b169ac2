"""Faults on purpose: a source that refuses, fails, hangs or answers rubbish, so that clients can show what they do."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from gcpdiag.bundle.format import PROBES, SOURCES
from gcpdiag.emulator.refusal import api_disabled, permission_denied, quota_exceeded
from gcpdiag.emulator.rest import ApiError, Request, Route
from gcpdiag.emulator.state import State
from gcpdiag.errors import UsageError

EVERY_SOURCE = "*"
REFUSALS = ("denied", "disabled", "429", "500", "503")
MANNERS = ("hang", "drip", "cut", "malformed")
KINDS = (*REFUSALS, *MANNERS)


@dataclass(frozen=True, slots=True)
class Fault:
    """What strikes the calls of a source (``*``: of all): all of them, or the first ``count``."""

    source: str
    kind: str
    count: int | None = None


def parse_fault(text: str) -> Fault:
    """Return the fault that ``SOURCE=KIND`` or ``SOURCE=KIND:N`` asks for; UsageError names what there is."""
    source, _, told = text.partition("=")
    kind, colon, number = told.partition(":")
    known = [one for one in SOURCES if one != PROBES]
    if source != EVERY_SOURCE and source not in known:
        raise UsageError(
            f"fault {text!r}: there is no source {source!r}", hint=f"Sources: {EVERY_SOURCE}, {', '.join(known)}"
        )
    if kind not in KINDS:
        raise UsageError(f"fault {text!r}: there is no kind {kind!r}", hint=f"Kinds: {', '.join(KINDS)}")
    if colon and not (number.isdecimal() and int(number) > 0):
        raise UsageError(f"fault {text!r}: {number!r} is no number of calls", hint=f"For example {source}={kind}:2")
    return Fault(source, kind, int(number) if colon else None)


class FaultPlan:
    """The faults of one emulator, and how often each has struck."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._lock = threading.Lock()
        self._struck = [0] * len(self._faults)

    def reset(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._struck = [0] * len(self._faults)

    def strike(self, source: str) -> str:
        """Return the kind of the fault that strikes this call of a source, or an empty text."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                fits = fault.source in (EVERY_SOURCE, source)
                if fits and (fault.count is None or self._struck[number] < fault.count):
                    self._struck[number] += 1
                    return fault.kind
        return ""


def refusal_of(kind: str, state: State, route: Route, request: Request) -> ApiError:
    """Return the error that a fault of one of the refusing kinds answers with."""
    match kind:
        case "denied":
            permission = route.permission or (SOURCES[route.source].permission if route.source else "")
            return permission_denied(state, route.api, permission or f"{route.api}.unknown", request.path)
        case "disabled":
            return api_disabled(state, route.api)
        case "429":
            return quota_exceeded(route.api, state)
        case "503":
            return ApiError(503, message="The service is currently unavailable.")
        case _:
            return ApiError(500, message="Internal error encountered.")
