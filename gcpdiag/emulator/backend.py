"""What stands behind both wires: every call is counted, delayed, struck by its fault or refused, else answered."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from gcpdiag.bundle.format import SOURCES
from gcpdiag.emulator.faults import REFUSALS, Fault, FaultPlan, refusal_of
from gcpdiag.emulator.progress import settle
from gcpdiag.emulator.refusal import other_project, recorded_refusal
from gcpdiag.emulator.rest import ApiError, Request, Route, RouteTable, api_of, is_reading
from gcpdiag.emulator.state import State
from gcpdiag.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in, over HTTP or gRPC."""

    wire: str
    method: str
    api: str
    path: str
    source: str
    mutates: bool

    def to_json(self) -> JsonObject:
        """Return the call as ``GET /_emulator/requests`` lists it."""
        return {
            "wire": self.wire,
            "method": self.method,
            "api": self.api,
            "path": self.path,
            "source": self.source,
            "mutates": self.mutates,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, and the manner in which it goes out: ``whole``, ``hang``, ``drip``, ``cut`` or ``malformed``."""

    answer: JsonObject = field(default_factory=dict)
    manner: str = "whole"


class Backend:
    """Answers requests out of a state, whichever wire they came by."""

    def __init__(
        self, state: State, routes: Iterable[Route], *, latency: timedelta = timedelta(), faults: Iterable[Fault] = ()
    ) -> None:
        self.state = state
        self.stopped = threading.Event()
        self._routes = RouteTable(routes)
        self._latency = latency.total_seconds()
        self._faults = FaultPlan(faults)
        self._calls: list[Call] = []

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, oldest first."""
        with self.state.lock:
            return tuple(self._calls)

    def reset(self) -> None:
        """Go back to the bundle's state; calls and faults are counted anew."""
        self.state.job_store.stop()
        with self.state.lock:
            self.state.reset()
            self._faults.reset()
            self._calls.clear()

    def respond(self, request: Request, *, wire: str = "http") -> Outcome:
        """Return what a request is answered with, or raise ApiError."""
        try:
            route, captured = self._routes.find(request)
        except ApiError:
            self._count(wire, request, None)
            raise
        if not route.api:
            return Outcome(route.answer(self.state, request, captured))
        self._count(wire, request, route)
        self.stopped.wait(self._latency)
        kind = self._faults.strike(route.source)
        if kind in REFUSALS:
            raise refusal_of(kind, self.state, route, request)
        if kind == "hang":  # it never arrives, so it changes nothing; what is cut or malformed has been done
            return Outcome(manner=kind)
        if kind:
            return Outcome(self._answer_or_error(route, request, captured), kind)
        return Outcome(self._answer(route, request, captured))

    def note_unknown(self, method: str) -> None:
        """Count a gRPC method that the emulator does not have; nobody knows whether it would change anything."""
        with self.state.lock:
            self._calls.append(Call(wire="grpc", method="", api="", path=method, source="", mutates=True))

    def _answer(self, route: Route, request: Request, captured: Mapping[str, str]) -> JsonObject:
        project = captured.get("project")
        if project and project not in (self.state.project, self.state.project_number):
            raise other_project(project, route.api)
        if route.source:
            permission = route.permission or SOURCES[route.source].permission
            refused = recorded_refusal(self.state, route.source, route.api, permission, request.path)
            if refused:
                raise refused
        settle(self.state)  # what a rollout has come to by now is in the logs, whoever asks for them
        return route.answer(self.state, request, captured)

    def _answer_or_error(self, route: Route, request: Request, captured: Mapping[str, str]) -> JsonObject:
        """Return the answer that a fault will spoil; an error is spoilt like any other answer."""
        try:
            return self._answer(route, request, captured)
        except ApiError as error:
            return error.to_json()

    def _count(self, wire: str, request: Request, route: Route | None) -> None:
        call = Call(
            wire=wire,
            method=request.method,
            api=route.api if route else api_of(request.host),
            path=request.path,
            source=route.source if route else "",
            mutates=route.mutates if route else not is_reading(request.method),
        )
        with self.state.lock:
            self._calls.append(call)
