"""TLS in front of a server that speaks none, as in front of a managed Redis."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

#: For the name `localhost`, signed by itself: an unknown authority.
CERTIFICATE = Path(__file__).parent.parent / "gateway" / "localhost.pem"


class TlsFront:
    """Takes TLS on a free port of loopback and hands the bytes on to `url`.

    With `clients`, an authority, it wants a certificate of each client. Where `spoils` says so, an answer is lost: bytes that are no TLS come instead, behind TLS's back.
    """

    def __init__(self, url: str, *, spoils: Callable[[], bool] = lambda: False, clients: Path | None = None) -> None:
        self._spoils = spoils
        parts = urlsplit(url)
        self._behind = parts.path if parts.scheme == "unix" else (parts.hostname or "", parts.port or 6379)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATE)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.handshakes = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            plain,
            self._context.wrap_socket(plain, server_side=True) as outside,
            self._reach() as inside,
        ):
            # What a client thinks of the certificate is known with its first byte.
            if first := outside.recv(65536):
                self.handshakes += 1
                inside.sendall(first)
                threading.Thread(target=self._answer, args=(inside, outside), daemon=True).start()
                _pump(outside, inside)

    def _answer(self, inside: socket.socket, outside: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := inside.recv(65536):
                if self._spoils():
                    os.write(outside.fileno(), b"\x17\x03\x03\x00\x10" + b"x" * 16)
                    break
                outside.sendall(data)
        with contextlib.suppress(OSError):
            outside.shutdown(socket.SHUT_RDWR)

    def _reach(self) -> socket.socket:
        if isinstance(self._behind, str):
            reached = socket.socket(socket.AF_UNIX)
            reached.connect(self._behind)
            return reached
        return socket.create_connection(self._behind)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
