"""A store that fails over: a primary and a replica, a link between them that lags, and one name for whichever leads."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any

from redis import Redis

from campaigns.store.embedded import EmbeddedServer
from tests.support.waiting import wait_until


class Wire:
    """Forwards a port of its own on loopback to another, which may change. What goes to who connected is late by `lag_s`."""

    def __init__(self, port: int) -> None:
        self.lag_s = 0.0
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._open = threading.Event()
        self._open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def point_to(self, port: int) -> None:
        """From now on another server has the name; connections with the last one end."""
        self._target = port
        self.cut()

    def hold(self) -> None:
        """Let nothing arrive any more at who connected."""
        self._open.clear()

    def go_on(self) -> None:
        """Let what was held arrive."""
        self._open.set()

    def cut(self) -> None:
        """End all connections."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self._ends += [near, far]
                threading.Thread(target=self._forward, args=(near, far), daemon=True).start()
                threading.Thread(target=self._late, args=(far, near), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def _late(self, source: socket.socket, target: socket.socket) -> None:
        """As `_forward`, each piece as late as the wire lags when it was sent."""
        pieces: deque[tuple[float, bytes]] = deque()
        more = threading.Semaphore(0)

        def deliver() -> None:
            with contextlib.suppress(OSError):
                while True:
                    more.acquire()
                    at, data = pieces.popleft()
                    time.sleep(max(0.0, at - time.monotonic()))
                    self._open.wait()
                    if not data:
                        target.shutdown(socket.SHUT_RDWR)
                        return
                    target.sendall(data)

        threading.Thread(target=deliver, daemon=True).start()
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                pieces.append((time.monotonic() + self.lag_s, data))
                more.release()
        pieces.append((0.0, b""))
        more.release()


class Pair:
    """`url` leads to the primary, by the name that moves with it. Use it as a context manager."""

    def __init__(self) -> None:
        quick = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1"}
        self.primary = EmbeddedServer(config=quick)
        self.replica = EmbeddedServer(config=quick)

    def __enter__(self) -> Pair:
        self.primary.start()
        self.replica.start()
        self.link = Wire(port_of(self.primary))
        self.name = Wire(port_of(self.primary))
        with client(self.replica) as replica:
            replica.execute_command("REPLICAOF", "127.0.0.1", self.link.port)
        wait_until(lambda: info(self.replica)["master_link_status"] == "up")
        self.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.link.go_on()
        self.name.close()
        self.link.close()
        self.primary.stop()
        self.replica.stop()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.name.port}/0"

    def settle(self) -> None:
        """Wait until the replica has all that was written."""
        with client(self.primary) as primary:
            primary.set("settled", 1)
            assert primary.execute_command("WAIT", 1, 20_000) == 1

    def fail_over(self) -> None:
        """kill -9 the primary, and let the replica take its place and its name with what it has."""
        self.primary.kill()
        # What is still on the wire never arrives.
        self.link.cut()
        with client(self.replica) as replica:
            replica.execute_command("REPLICAOF", "NO", "ONE")
        self.name.point_to(port_of(self.replica))

    def rejoin(self) -> None:
        """Let the old primary follow the new one, as Sentinel and managed services do."""
        self.primary.start()
        with client(self.primary) as old:
            old.execute_command("REPLICAOF", "127.0.0.1", port_of(self.replica))
        wait_until(lambda: info(self.primary)["master_link_status"] == "up")


def port_of(server: EmbeddedServer) -> int:
    """The port of a server on loopback."""
    return int(server.url.rpartition(":")[2].partition("/")[0])


@contextlib.contextmanager
def client(server: EmbeddedServer) -> Any:
    """A connection past the name."""
    redis = Redis.from_url(server.url)
    try:
        yield redis
    finally:
        redis.close()


def info(server: EmbeddedServer) -> dict[str, Any]:
    """INFO replication."""
    with client(server) as redis:
        found: dict[str, Any] = redis.info("replication")
        return found
