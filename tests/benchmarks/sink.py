"""A gateway that answers at once, or after a while, and does nothing: `python -m tests.benchmarks.sink LATENCY_S`.

One thread with a selector, so that many requests may wait at once. Prints its port. `GET /arrivals` returns when
which quick message arrived first (phone → seconds of the machine's monotonic clock), `GET /counts` how many quick
requests there were and of how many phones; `POST /latency/SECONDS` changes the latency.
"""

from __future__ import annotations

import heapq
import json
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.support.processes import ROOT

_BODY = b'{"uuid":"11111111-2222-4333-8444-555555555555","success":"OK","status":"OK","result":{"message_id":%d}}'
_QUICK = re.compile(rb"^POST /api/v2/sendQuickViberMessage.*phone=(\d+)", re.DOTALL)
_LATENCY = re.compile(rb"^POST /latency/(\S+)")


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


_ANSWER, _NO_NEWS = _answer(_BODY % 1), _answer(b"[]")


class Sink:
    """Reads requests as they come, and answers each when its time has come."""

    def __init__(self, latency_s: float, listener: socket.socket) -> None:
        self._latency_s = latency_s
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, None)
        self._arrivals: dict[str, float] = {}
        self._quick = self._count = 0
        self._last_s = 0.0
        self._waiting: list[tuple[float, int, socket.socket, bytes]] = []

    def serve(self) -> None:
        """For ever."""
        while True:
            timeout = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            for key, _ in self._selector.select(timeout):
                if key.data is None:
                    connection, _ = self._listener.accept()
                    connection.setblocking(False)
                    self._selector.register(connection, selectors.EVENT_READ, bytearray())
                elif request := _whole(self._selector, key):
                    self._take(request, key.fileobj)  # type: ignore[arg-type]
            self._answer_due()

    def _take(self, request: bytes, connection: socket.socket) -> None:
        if request.startswith(b"GET /arrivals"):
            connection.sendall(_answer(json.dumps(self._arrivals).encode()))
        elif request.startswith(b"GET /counts"):
            counts = {"quick": self._quick, "phones": len(self._arrivals), "answered_s": self._last_s}
            connection.sendall(_answer(json.dumps(counts).encode()))
        elif latency := _LATENCY.match(request):
            self._latency_s = float(latency[1])
            connection.sendall(_NO_NEWS)
        else:
            self._count += 1
            due_s = time.monotonic() + self._latency_s
            heapq.heappush(self._waiting, (due_s, self._count, connection, self._answer_to(request)))

    def _answer_to(self, request: bytes) -> bytes:
        if b"/statusBulkViber" in request[:60]:
            return _NO_NEWS
        if quick := _QUICK.match(request):
            self._quick += 1
            self._arrivals.setdefault(quick[1].decode(), time.monotonic())
            return _answer(_BODY % self._quick)
        return _ANSWER

    def _answer_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            *_, connection, answer = heapq.heappop(self._waiting)
            self._last_s = time.monotonic()
            if connection.fileno() < 0:
                continue  # the client has hung up
            try:
                connection.sendall(answer)
            except OSError:
                self._selector.unregister(connection)
                connection.close()


def serve(latency_s: float, host: str = "127.0.0.1") -> None:
    listener = socket.create_server((host, 0), backlog=1024)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 (its parent reads this)
    Sink(latency_s, listener).serve()


def _whole(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bytes:
    """A request that has been read whole, or nothing; a closed connection is dropped."""
    connection, buffer = key.fileobj, key.data
    try:
        piece = connection.recv(262_144)  # type: ignore[union-attr]
    except OSError:
        piece = b""
    if not piece:
        selector.unregister(connection)
        connection.close()  # type: ignore[union-attr]
        return b""
    buffer += piece
    head, found, body = bytes(buffer).partition(b"\r\n\r\n")
    if not found:
        return b""
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if len(body) < length:
        return b""
    request = bytes(buffer)
    buffer.clear()
    return request


def set_latency(url: str, latency_s: float) -> None:
    """Answer after this time (seconds) from now on."""
    requests.post(f"{url}/latency/{latency_s}", timeout=10).raise_for_status()


def counts(url: str) -> dict[str, float]:
    """`quick`: requests of quick messages so far; `phones`: to how many; `answered_s`: when the last was answered."""
    answer: dict[str, float] = requests.get(f"{url}/counts", timeout=10).json()
    return answer


@contextmanager
def sink(latency_s: float = 0.0, host: str = "127.0.0.1") -> Iterator[str]:
    """A sink in a process of its own; its address on loopback. With host "" it listens on all of the machine's."""
    command = [sys.executable, "-m", "tests.benchmarks.sink", str(latency_s), host]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    serve(float(sys.argv[1]), *sys.argv[2:])
