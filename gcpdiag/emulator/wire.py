"""HTTP/1.1 on loopback: JSON in and out, directly or as a proxy that takes absolute addresses."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from gcpdiag.emulator.backend import Backend, Outcome
from gcpdiag.emulator.rest import ApiError, Request, invalid
from gcpdiag.model.json import JsonObject

_MOST_BODY = 32 << 20  # bytes
_DRIP_PAUSE = 0.2  # seconds
_GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)


class HttpWire:
    """An HTTP server on 127.0.0.1 that asks a backend; it runs from ``start`` until ``stop``."""

    def __init__(self, backend: Backend, *, port: int = 0) -> None:
        self._server = _Server(backend, port)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        """Where it listens, ``127.0.0.1:PORT``."""
        host, port = self._server.server_address[:2]
        return f"{host if isinstance(host, str) else host.decode()}:{port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, whatever it waits for, and join the threads."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close joins them
    block_on_close = True
    request_queue_size = 128

    def __init__(self, backend: Backend, port: int) -> None:
        self.backend = backend
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Exchange)

    def hang_up(self) -> None:
        """Shut every open connection, so that the threads that read from one go on to their end."""
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Note a connection, and serve it in a thread of its own."""
        if isinstance(request, socket.socket):
            with self._open_lock:
                self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Forget a connection, and close it."""
        if isinstance(request, socket.socket):
            with self._open_lock:
                self._open.discard(request)
        super().shutdown_request(request)


class _Exchange(BaseHTTPRequestHandler):
    """One connection, with the requests that come over it one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "gcpdiag-emulator"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and body go out together
    server: _Server

    def finish(self) -> None:
        """Send what is left, if anybody still reads it."""
        with suppress(*_GONE):
            super().finish()
        self.rfile.close()

    def handle(self) -> None:
        """Serve the connection until either side goes away."""
        with suppress(*_GONE):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: the calls are listed at ``/_emulator/requests``."""

    def _exchange(self) -> None:
        """Answer one request."""
        try:
            outcome = self.server.backend.respond(self._request())
        except ApiError as error:
            self._send(error.code, _encoded(error.to_json()))
            return
        with self.server.backend.state.lock:
            body = _encoded(outcome.answer)
        self._send_in_manner(outcome, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _exchange  # noqa: N815 - http.server finds them so

    def _request(self) -> Request:
        target = urlsplit(self.path)
        host = target.netloc or self.headers.get("Host", "")
        return Request(
            method=self.command,
            host=host.rpartition("@")[2],
            path=unquote(target.path) or "/",
            query=parse_qs(target.query, keep_blank_values=True),
            body=self._body(),
        )

    def _body(self) -> JsonObject:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > _MOST_BODY:
            self.close_connection = True
            raise ApiError(411, "INVALID_ARGUMENT", "A request has a Content-Length, and at most 32 MiB.")
        content = self.rfile.read(int(length))
        if not content.strip():
            return {}
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise invalid(f"Invalid JSON payload received. {error}") from error
        if not isinstance(body, dict):
            raise invalid("Invalid JSON payload received. The root must be an object.")
        return body

    def _send(self, code: int, body: bytes, *, length: int | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_in_manner(self, outcome: Outcome, body: bytes) -> None:
        match outcome.manner:
            case "hang":
                self._hang()
            case "drip":
                self._drip(body)
            case "cut":
                self.close_connection = True
                self._send(200, body[: len(body) // 2], length=len(body))
            case "malformed":
                self._send(200, b'{"entries": [{"insertId": ' + b"\xff\xfe<html>")
            case _:
                self._send(200, body)

    def _hang(self) -> None:
        """Wait until the client goes away or the server stops; either makes the connection readable."""
        self.close_connection = True
        while not self.server.backend.stopped.is_set() and self.connection.recv(1, socket.MSG_PEEK):
            self.server.backend.stopped.wait(0.05)  # it sends more meanwhile; that stays unread

    def _drip(self, body: bytes) -> None:
        """Send a byte of the body now and then."""
        self.close_connection = True
        self._send(200, b"", length=len(body) + 1)
        self.wfile.flush()
        for byte in body:
            if self.server.backend.stopped.wait(_DRIP_PAUSE):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()


def _encoded(document: JsonObject) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
