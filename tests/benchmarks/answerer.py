"""A server on loopback that answers with the bodies that it was given, in turn; the last one stays.

A process of its own, so that its work is not taken for the poll's: `python -m tests.benchmarks.answerer`. Prints
its port. `PUT /` gives it bodies, one a line.
"""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType

import requests

from tests.support.processes import ROOT

_bodies = deque([b"[]"])


class _Handler(StreamRequestHandler):
    """Reads of a request no more than it must: http.server takes longer over one than the poll that is measured."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while request := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in {b"\r\n", b""}:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.rfile.read(length)
            if request.startswith(b"PUT"):
                _bodies.clear()
                _bodies.extend(body.split(b"\n"))
                self._answer(b"")
            else:
                self._answer(_bodies.popleft() if len(_bodies) > 1 else _bodies[0])

    def _answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.request.sendall(head % len(body) + body)


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
    server = ThreadingTCPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)  # noqa: T201 (its parent reads this)
    server.serve_forever()
