"""A gateway that answers at once, or after a while, and does nothing: `python -m tests.benchmarks.sink LATENCY_S`.

One thread with a selector, so that many requests may wait at once. Prints its port.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import ROOT

_BODY = b'{"uuid":"11111111-2222-4333-8444-555555555555","success":"OK","status":"OK","result":{"message_id":1}}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


def serve(latency_s: float) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 (whoever started it reads this)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    waiting: list[tuple[float, int, socket.socket]] = []
    count = 0
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(timeout):
            if key.data is None:
                connection, _ = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, bytearray())
            elif _whole(selector, key):
                count += 1
                heapq.heappush(waiting, (time.monotonic() + latency_s, count, key.fileobj))  # type: ignore[misc]
        while waiting and waiting[0][0] <= time.monotonic():
            connection = heapq.heappop(waiting)[2]
            try:
                connection.sendall(_ANSWER)
            except OSError:
                selector.unregister(connection)
                connection.close()


def _whole(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bool:
    """Whether a whole request has been read; a closed connection is forgotten."""
    connection, buffer = key.fileobj, key.data
    try:
        piece = connection.recv(262_144)  # type: ignore[union-attr]
    except OSError:
        piece = b""
    if not piece:
        selector.unregister(connection)
        connection.close()  # type: ignore[union-attr]
        return False
    buffer += piece
    head, found, body = bytes(buffer).partition(b"\r\n\r\n")
    if not found:
        return False
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if len(body) < length:
        return False
    buffer.clear()
    return True


@contextmanager
def sink(latency_s: float = 0.0) -> Iterator[str]:
    """A sink in a process of its own; its address."""
    command = [sys.executable, "-m", "tests.benchmarks.sink", str(latency_s)]
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
    serve(float(sys.argv[1]))
