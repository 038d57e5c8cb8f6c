"""Raw loopback servers that behave in one particular way, and remember what they were sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, bytes], None]


@dataclass
class Wire:
    """A server under test: its address and the whole requests that reached it."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(behaviour: Behaviour, *, read_request: bool = True, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """A server that reads one request per connection (or none) and then behaves."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    wire = Wire(listener.getsockname()[1])
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.settimeout(5)
        with contextlib.suppress(OSError), secured(connection) as line:
            request = read_whole(line) if read_request else b""
            wire.requests.append(request)
            behaviour(line, request)

    def secured(connection: socket.socket) -> socket.socket:
        return connection if tls is None else tls.wrap_socket(connection, server_side=True)

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            wire.connections += 1
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            thread.start()
            threads.append(thread)

    threads: list[threading.Thread] = []
    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield wire
    finally:
        stopped.set()
        acceptor.join()
        listener.close()
        for thread in threads:
            thread.join(6)


def read_whole(connection: socket.socket) -> bytes:
    """One request, headers and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            raise ConnectionError("no whole request")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(body: bytes, status: str = "200 OK", headers: str = "") -> Behaviour:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode()
    return lambda connection, _: connection.sendall(head + body)


def reset(connection: socket.socket, _: bytes = b"") -> None:
    """RST instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(connection: socket.socket, _: bytes = b"") -> None:
    """Nothing, until the client gives up."""
    with contextlib.suppress(OSError):
        connection.recv(1)


def sending(*pieces: bytes, pause_s: float = 0.0, then: Behaviour | None = None) -> Behaviour:
    """Pieces of an answer with pauses between them."""

    def behave(connection: socket.socket, request: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        if then is not None:
            then(connection, request)

    return behave
