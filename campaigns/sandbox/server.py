"""Running the sandbox: in a thread of this process, or as a process of its own."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from campaigns.sandbox.app import create_app
from campaigns.sandbox.client import SandboxClient
from campaigns.sandbox.clock import LifeClock, wall_ms
from campaigns.sandbox.options import Options
from campaigns.sandbox.service import Service
from campaigns.sandbox.state import SandboxState


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    now_ms = staticmethod(wall_ms)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer, by the sandbox's own clock."""
        return super().date_time_string(self.now_ms() / 1000 if timestamp is None else timestamp)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's name)
        """Log nothing: requests are counted, and broken connections are ordered on purpose."""


class Sandbox(SandboxClient):
    """A sandbox in a thread. Use it as a context manager; control it by the methods of SandboxClient."""

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        options: Options | None = None,
        tokens: frozenset[str] = frozenset(),
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """`now_ms` is its clock, unix milliseconds, which never goes back. Raises OSError if the port is taken."""
        options = options or Options()
        self.service = Service(SandboxState(options, LifeClock(options.speed, now_ms)), tokens=tokens)
        # Bound here: werkzeug itself would print and exit if the port is taken.
        with socket.create_server((host, port), backlog=256) as listener:
            port = listener.getsockname()[1]
            self._server: BaseWSGIServer = make_server(
                host,
                port,
                create_app(self.service, host),
                threaded=True,
                request_handler=type("Handler", (_Handler,), {"now_ms": staticmethod(now_ms)}),
                fd=listener.fileno(),
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        super().__init__(f"http://{host}:{port}")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.service.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(host: str, port: int, *, options: Options, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises OSError if the port is taken."""
    sandbox = Sandbox(port, host, options=options)
    over = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with sandbox:
        ready(sandbox.url)
        over.wait()
