"""An emulator that runs: both wires over one state, for tests and for the command line."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.bundle.read import Bundle
from gcpdiag.emulator import data_api, jobs, logging_api, monitoring_api, network_api, project_api, run_v1, run_v2
from gcpdiag.emulator.backend import Backend, Call
from gcpdiag.emulator.faults import Fault
from gcpdiag.emulator.rest import Request, Route
from gcpdiag.emulator.state import Clock, State, clock_of_the_system
from gcpdiag.emulator.wire import HttpWire
from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject
from gcpdiag.model.window import rfc3339

if TYPE_CHECKING:
    from gcpdiag.emulator.grpc_wire import GrpcWire


_HIGHEST_PORT = 65535

ROUTES = (
    *run_v1.ROUTES,
    *run_v2.ROUTES,
    *jobs.ROUTES,
    *logging_api.ROUTES,
    *monitoring_api.ROUTES,
    *network_api.ROUTES,
    *data_api.ROUTES,
    *project_api.ROUTES,
)


class Emulator:
    """Serves a bundle on loopback; a context manager that starts and stops it."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        port: int = 0,
        now: bool = False,
        latency: timedelta = timedelta(),
        faults: Iterable[Fault] = (),
        clock: Clock = clock_of_the_system,
    ) -> None:
        self.state = State(bundle, clock=clock, now=now)
        self._backend = Backend(self.state, (*self._own_routes(), *ROUTES), latency=latency, faults=faults)
        try:
            self._http = HttpWire(self._backend, port=port)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} cannot be used", cause=str(error), hint="Give another --port, or none for a free one"
            ) from error
        self._grpc = _grpc_wire(self._backend, port=port + 1 if port else 0)

    def start(self) -> Self:
        """Begin to serve."""
        self._http.start()
        self._grpc.start()
        return self

    def warm_up(self, until: threading.Event) -> None:
        """Do ahead what the first questions would have to wait for, until done or told to stop; it serves meanwhile."""
        for entry in self.state.listed(LOG_ENTRIES):
            if until.is_set():
                return
            self._grpc.keep(entry)

    def stop(self) -> None:
        """Stop at once, whatever calls are under way; stopping again does nothing."""
        self._backend.stopped.set()
        self._http.stop()
        self._grpc.stop()
        self.state.job_store.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def http(self) -> str:
        """Where REST is served, ``127.0.0.1:PORT``."""
        return self._http.address

    @property
    def grpc(self) -> str:
        """Where gRPC is served, ``127.0.0.1:PORT``."""
        return self._grpc.address

    @property
    def requests(self) -> tuple[Call, ...]:
        """The calls so far, oldest first."""
        return self._backend.calls

    def describe(self) -> JsonObject:
        """Return the line that tells where the emulator is and what it serves."""
        window = self.state.window
        return {
            "http": self.http,
            "grpc": self.grpc,
            "project": self.state.project,
            "pid": os.getpid(),
            "regions": list(self.state.regions),
            "window": {"start": rfc3339(window.start), "end": rfc3339(window.end)},
        }

    def _own_routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "", r"/_emulator/?", lambda *_: self.describe()),
            Route("GET", "", r"/_emulator/requests", lambda *_: {"requests": [one.to_json() for one in self.requests]}),
            Route("POST", "", r"/_emulator/reset", self._reset, mutates=True),
        )

    def _reset(self, state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG002
        self._backend.reset()
        return {}


def _grpc_wire(backend: Backend, *, port: int) -> GrpcWire:
    """Return the gRPC server on a port, or on a free one where somebody else has that."""
    from gcpdiag.emulator.grpc_wire import GrpcWire  # noqa: PLC0415 - loads Google's protocol types

    try:
        return GrpcWire(backend, port=port if port <= _HIGHEST_PORT else 0)
    except OSError:
        return GrpcWire(backend)


def serve(
    bundle: Bundle,
    *,
    port: int = 0,
    now: bool = False,
    latency: timedelta = timedelta(),
    faults: Iterable[Fault] = (),
    clock: Clock = clock_of_the_system,
) -> Emulator:
    """Return an emulator of the bundle that is ready to start: use it in a ``with`` block, or start and stop it."""
    return Emulator(bundle, port=port, now=now, latency=latency, faults=faults, clock=clock)
