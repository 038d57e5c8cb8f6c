"""A gateway that answers at once, or after a while, and does nothing: `python -m tests.benchmarks.sink LATENCY_S`.

One thread with a selector, so that many requests may wait at once. Prints its port. `GET /arrivals` tells when
which quick message arrived (phone → seconds of the machine's monotonic clock).
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

from tests.support.processes import ROOT

_BODY = b'{"uuid":"11111111-2222-4333-8444-555555555555","success":"OK","status":"OK","result":{"message_id":1}}'
_QUICK = re.compile(rb"^POST /api/v2/sendQuickViberMessage.*phone=(\d+)", re.DOTALL)


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


_ANSWER, _NO_NEWS = _answer(_BODY), _answer(b"[]")


def serve(latency_s: float, host: str = "127.0.0.1") -> None:
    arrivals: dict[str, float] = {}
    listener = socket.create_server((host, 0), backlog=1024)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 (whoever started it reads this)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    count = 0
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(timeout):
            if key.data is None:
                connection, _ = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, bytearray())
            elif request := _whole(selector, key):
                count += 1
                if request.startswith(b"GET /arrivals"):
                    key.fileobj.sendall(_answer(json.dumps(arrivals).encode()))  # type: ignore[union-attr]
                    continue
                if quick := _QUICK.match(request):
                    arrivals[quick[1].decode()] = time.monotonic()
                answer = _NO_NEWS if b"/statusBulkViber" in request[:60] else _ANSWER
                heapq.heappush(waiting, (time.monotonic() + latency_s, count, key.fileobj, answer))  # type: ignore[misc]
        while waiting and waiting[0][0] <= time.monotonic():
            *_, connection, answer = heapq.heappop(waiting)
            try:
                connection.sendall(answer)
            except OSError:
                selector.unregister(connection)
                connection.close()


def _whole(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bytes:
    """A request that has been read whole, or nothing; a closed connection is forgotten."""
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
