"""Servers that go wrong in one way each, on free ports of this machine."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from gcpdiag.verify.address import Address
from tests.verify.servers import HOST

Conversation = Callable[[socket.socket, threading.Event], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = "".join(f"{one}\r\n" for one in headers)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


@contextlib.contextmanager
def serving(converse: Conversation, tls: ssl.SSLContext | None = None) -> Iterator[Address]:
    """A server that has this conversation with whoever connects, each in a thread."""
    stop = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server((HOST, 0)) as listening:
        address = Address(*listening.getsockname()[:2])

        def talk(client: socket.socket) -> None:
            with contextlib.suppress(OSError), client:
                if tls is None:
                    converse(client, stop)
                    return
                with tls.wrap_socket(client, server_side=True) as secured:
                    converse(secured, stop)

        def accept() -> None:
            while True:
                client, _ = listening.accept()
                if stop.is_set():
                    client.close()
                    return
                client.settimeout(10)
                threads.append(threading.Thread(target=talk, args=(client,)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield address
        finally:
            stop.set()
            socket.create_connection((address.host, address.port)).close()
            for thread in [accepting, *threads]:
                thread.join()


def read_request(client: socket.socket) -> bytes:
    """What the client sends up to the empty line."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = client.recv(65536)
        if not part:
            return received
        received += part
    return received


class Pages:
    """Answers of an HTTP server, one a connection, the last one over and over; keeps what was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.asked: list[bytes] = []
        self._answers = list(answers)

    def __call__(self, client: socket.socket, _stop: threading.Event) -> None:
        self.asked.append(read_request(client))
        client.sendall(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


def slow_drip(client: socket.socket, stop: threading.Event) -> None:
    """An answer that comes a byte at a time, and never ends."""
    read_request(client)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stop.wait(0.01):
        client.sendall(b".")


def reset_in_the_middle(client: socket.socket, _stop: threading.Event) -> None:
    """An answer that breaks off with a reset."""
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf an ans")
    reset(client)


def reset_at_once(client: socket.socket, _stop: threading.Event) -> None:
    """A reset where an answer should be."""
    client.recv(65536)
    reset(client)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def silent(client: socket.socket, stop: threading.Event) -> None:
    """A server that accepts and says nothing."""
    client.recv(65536)
    stop.wait()


def says(text: bytes) -> Conversation:
    """A server that says this first, whatever it is asked, and listens until the client goes."""

    def converse(client: socket.socket, _stop: threading.Event) -> None:
        client.sendall(text)
        with contextlib.suppress(OSError):
            while client.recv(65536):
                pass

    return converse


def refused() -> Address:
    """An address where nothing listens: a port that is nobody's by chance, as a free one may be a moment later."""
    return Address(HOST, 1)


@contextlib.contextmanager
def black_hole() -> Iterator[Address]:
    """An address that neither accepts a connection nor refuses one: the queue of its listener is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind((HOST, 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield Address(*address[:2])


class Authority:
    """A private authority, its file, and the server contexts that it vouches for."""

    def __init__(self, home: Path) -> None:
        self._authority = trustme.CA()
        self.file = home / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def context(self, name: str = "localhost", *, days: int = 90) -> ssl.SSLContext:
        """What a server of this name shows; with negative days the certificate has expired."""
        until = datetime.now(UTC) + timedelta(days=days, hours=1)
        issued = self._authority.issue_cert(name, not_before=until - timedelta(days=100), not_after=until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context

    def files(self, home: Path, name: str = "localhost") -> tuple[Path, Path]:
        """The key and the certificate of a server of this name, for servers in other processes."""
        issued = self._authority.issue_cert(name)
        key, certificate = home / "server.key", home / "server.pem"
        issued.private_key_pem.write_to_path(str(key))
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        return key, certificate
