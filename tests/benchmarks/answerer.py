"""A server on loopback that answers with the bodies that it was given, in turn; the last one stays.

A process of its own, so that its work is not taken for the poll's: `python -m tests.benchmarks.answerer`. Prints
its port. `PUT /` gives it bodies, one a line.
"""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import requests

from tests.support.processes import ROOT

_bodies = deque([b"[]"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(_bodies.popleft() if len(_bodies) > 1 else _bodies[0])

    def do_PUT(self) -> None:
        given = self.rfile.read(int(self.headers["Content-Length"]))
        _bodies.clear()
        _bodies.extend(given.split(b"\n"))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Answerer:
    """Use it as a context manager."""

    def __enter__(self) -> Answerer:
        command = [sys.executable, "-m", "tests.benchmarks.answerer"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def answer(self, bodies: Iterable[bytes]) -> None:
        """Answer with these from now on."""
        requests.put(self.url, data=b"\n".join(bodies), timeout=10).raise_for_status()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)  # noqa: T201 (whoever started it reads this)
    server.serve_forever()
