"""A TCP proxy on loopback whose connections can go half open: both ends stay connected, and nothing passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class _Line:
    """One connection through the proxy."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.ends = (near, far)
        self.silent = threading.Event()
        for source, target in (self.ends, self.ends[::-1]):
            threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.silent.is_set():
                    target.sendall(data)
        if not self.silent.is_set():
            self.close()

    def close(self) -> None:
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """Forwards to `port` on loopback; new connections to what `target` says by then. Use it as a context manager.

    `own`: the port on which it listens itself; 0: any.
    """

    def __init__(self, port: int, own: int = 0) -> None:
        self.target = port
        self._listener = socket.create_server(("127.0.0.1", own), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[_Line] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def go_half_open(self) -> int:
        """Let all connections of this moment go half open; new ones work. Returns how many."""
        lines = [line for line in self._lines if not line.silent.is_set()]
        for line in lines:
            line.silent.set()
        return len(lines)

    def refuse(self) -> None:
        """From now on no client can connect any more; connections of this moment go on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self._lines.append(_Line(near, far))

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        for line in self._lines:
            line.close()
