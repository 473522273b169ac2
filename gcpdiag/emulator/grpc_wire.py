"""gRPC on loopback: the same answers as REST, as the messages that Python's clients expect."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import Protocol

import grpc
from google.protobuf import any_pb2, json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.grpc_api import LIST_ENTRIES, METHODS, EntryCache
from gcpdiag.emulator.grpc_method import Method
from gcpdiag.emulator.rest import ApiError
from gcpdiag.model.json import JsonObject

DETAIL_TYPES = (error_details_pb2.ErrorInfo,)
"""Types that an error packs as ``@type``; they can be converted once they are imported."""

_THREADS = 64  # a call that hangs keeps one
_NOT_A_MESSAGE = b"\xff\xff\xff\xff"


class _Context(Protocol):
    """What is used of ``grpc.ServicerContext``."""

    def abort(self, code: object, details: str) -> None: ...

    def abort_with_status(self, status: object) -> None: ...

    def add_callback(self, callback: object) -> bool: ...


class GrpcWire:
    """A gRPC server on 127.0.0.1 that asks a backend; it runs from ``start`` until ``stop``."""

    def __init__(self, backend: Backend, *, port: int = 0) -> None:
        self._pool = futures.ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="grpc")
        self._entries = EntryCache()
        methods = _Methods(backend, self._entries)
        self._server = grpc.server(
            self._pool, handlers=(methods,), options=(("grpc.so_reuseport", 0),), compression=None
        )
        try:
            self._port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        except RuntimeError as error:
            self._pool.shutdown()
            raise OSError(str(error)) from error

    @property
    def address(self) -> str:
        """Where it listens, ``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def keep(self, entry: JsonObject) -> None:
        """Convert a log entry before anybody asks for it."""
        self._entries.keep(entry)

    def stop(self) -> None:
        """Cancel every call, whatever it waits for, and join the threads."""
        self._server.stop(grace=None).wait()
        self._pool.shutdown(wait=True)


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc ships no types
    def __init__(self, backend: Backend, entries: EntryCache) -> None:
        self._backend = backend
        self._entries = entries

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Return what answers a method, or None where there is none: gRPC then says UNIMPLEMENTED."""
        method = METHODS.get(handler_call_details.method)
        if method is None:
            self._backend.note_unknown(handler_call_details.method)
            return None

        def answer(message: Message, context: _Context) -> bytes:
            return self._answer(method, message, context)

        return grpc.unary_unary_rpc_method_handler(answer, request_deserializer=method.request.FromString)

    def _answer(self, method: Method, message: Message, context: _Context) -> bytes:
        try:
            outcome = self._backend.respond(method.to_rest(message), wire="grpc")
        except ApiError as error:
            context.abort_with_status(_status_of(error))
            raise
        match outcome.manner:
            case "hang" | "drip":
                _wait_until_gone(context)
                context.abort(grpc.StatusCode.CANCELLED, "The client went away")
            case "cut":
                context.abort(grpc.StatusCode.UNAVAILABLE, "Stream removed")
            case "malformed":
                return _NOT_A_MESSAGE
            case _:
                return self._serialized(method, outcome.answer)
        return b""

    def _serialized(self, method: Method, answer: JsonObject) -> bytes:
        if method.name == LIST_ENTRIES:
            return self._entries.serialized(answer)
        with self._backend.state.lock:
            return bytes(method.to_message(answer).SerializeToString())


def _wait_until_gone(context: _Context) -> None:
    gone = threading.Event()
    if context.add_callback(gone.set):
        gone.wait()  # until the client's deadline or its end; stopping the server ends the call too


def _status_of(error: ApiError) -> object:
    code = grpc.StatusCode[error.status]
    status = status_pb2.Status(code=code.value[0], message=error.message)
    for detail in error.details:
        status.details.append(_packed(detail))
    return rpc_status.to_status(status)


def _packed(detail: JsonObject) -> Message:
    return json_format.ParseDict(detail, any_pb2.Any(), ignore_unknown_fields=True)
