"""What a fault does to the connection of a request: raw bytes, a reset, an answer byte by byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from threading import Event

from flask import request


class BrokenOffError(ConnectionError):
    """The connection has been ended; werkzeug treats this as a connection that the client dropped."""


def head_of(body: bytes) -> bytes:
    """The head of an answer that carries this JSON."""
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()


def send_raw(data: bytes) -> None:
    """Write these bytes to the connection and end it. Raises BrokenOffError."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)
    raise BrokenOffError


def reset() -> None:
    """Reset the connection: the client sees no orderly end (SO_LINGER 0)."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def drip(data: bytes, most_s: float, stopping: Event) -> None:
    """Write one byte a second, for at most `most_s` seconds or until `stopping` is set, and end the connection."""
    connection = request.environ["werkzeug.socket"]
    until = time.monotonic() + most_s
    with contextlib.suppress(OSError):
        for byte in data:
            connection.sendall(bytes([byte]))
            if time.monotonic() > until or stopping.wait(1.0):
                break
    send_raw(b"")
