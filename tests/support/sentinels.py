"""A store that fails over: a primary, replicas and Sentinels, all real, on free ports of loopback."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from redis import Redis
from redis.exceptions import RedisError

from campaigns.store.embedded import EmbeddedServer, EmbeddedServerError, find_server
from tests.support.failover import Wire, port_of
from tests.support.holes import free_ports

NAME = "mymaster"
#: A port where nothing listens.
_NOBODY = 1
#: After this time (ms) Sentinels take a primary that does not answer for down.
DOWN_AFTER_MS = 1000


def ask_server(port: int, *command: Any, password: str | None = None) -> Any:
    """The answer of the server that listens there to one command."""
    with Redis(port=port, password=password, socket_timeout=2, protocol=2) as redis:
        return redis.execute_command(*command)


def until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    """Wait until it holds; an error of the server counts as not yet."""
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            if condition():
                return
        except RedisError:
            pass
        assert time.monotonic() < end_s, "the condition was not met in time"
        time.sleep(0.05)


class SentinelProcess:
    """One Sentinel that watches `NAME` at `port`. Ends by its id."""

    def __init__(self, folder: Path, own_port: int, port: int, quorum: int, password: str | None) -> None:
        self.port = own_port
        self._password = password
        config = folder / f"sentinel-{own_port}.conf"
        config.write_text(
            "\n".join(
                [
                    f"port {own_port}",
                    "bind 127.0.0.1",
                    f"dir {folder}",
                    f"logfile {folder}/sentinel-{own_port}.log",
                    f"sentinel monitor {NAME} 127.0.0.1 {port} {quorum}",
                    f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
                    f"sentinel failover-timeout {NAME} 4000",
                    *([f"sentinel auth-pass {NAME} {password}", f"requirepass {password}"] if password else []),
                ]
            )
            + "\n"
        )
        self._process = subprocess.Popen(
            [find_server(), str(config), "--sentinel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ask(self, name: str, *args: Any) -> Any:
        return ask_server(self.port, f"SENTINEL {name}", *args, password=self._password)

    def hurry(self) -> None:
        """Check more often than every ten seconds, and publish more often than every two."""
        self.ask("DEBUG", "info-period", "500", "publish-period", "300")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Front(Wire):
    """Where the others reach a server. Only what it replicates is late by `lag_s`, and can be lost."""

    def __init__(self) -> None:
        self._links: set[socket.socket] = set()
        self._real_port = 0
        super().__init__(0)

    def point_to(self, port: int) -> None:
        self._real_port = port
        super().point_to(port)

    def isolate(self) -> None:
        """Neither Sentinels nor replicas nor their clients reach the server any more."""
        super().point_to(_NOBODY)

    def join(self) -> None:
        """They do again."""
        super().point_to(self._real_port)

    def lose(self) -> None:
        """Let nothing arrive any more of what was replicated and is still on the wire."""
        for link in list(self._links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if b"PSYNC" in data:
                    self._links.add(source)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def _late(self, source: socket.socket, target: socket.socket) -> None:
        pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._deliver, args=(pieces, target), daemon=True).start()
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                pieces.put((time.monotonic() + (self.lag_s if target in self._links else 0.0), data))
        pieces.put((0.0, b""))

    def _deliver(self, pieces: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                at, data = pieces.get()
                time.sleep(max(0.0, at - time.monotonic()))
                if not data:
                    target.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)


class Fleet:
    """`servers[0]` begins as the primary of the others. Servers and Sentinels ask for the password, if there is one.

    Use it as a context manager.
    """

    def __init__(self, *, replicas: int = 1, sentinels: int = 3, password: str | None = None) -> None:
        config = {"requirepass": password, "masterauth": password} if password else {}
        self.fronts = [Front() for _ in range(1 + replicas)]
        config |= {"repl-diskless-sync-delay": "0", "replica-announce-ip": "127.0.0.1"}
        self.servers = [
            EmbeddedServer(config={**config, "replica-announce-port": str(front.port)}) for front in self.fronts
        ]
        self.sentinels: list[SentinelProcess] = []
        self._number = sentinels
        self._password = password
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="campaigns-fleet-")))
        for server, front in zip(self.servers, self.fronts, strict=True):
            self._stack.callback(front.close)
            self._stack.enter_context(server)
            front.point_to(port_of(server))
        for server in self.servers[1:]:
            self.follow(server, self.servers[0])
        until(self.linked)
        quorum = self._number // 2 + 1
        for port in free_ports(self._number):
            watching = SentinelProcess(self._folder, port, self.port, quorum, self._password)
            self._stack.callback(watching.stop)
            self.sentinels.append(watching)
        until(lambda: [one.hurry() for one in self.sentinels])
        until(self.watched)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            self.thaw(server)
        self._stack.close()

    @property
    def port(self) -> int:
        """Where the first primary is reached."""
        return self.fronts[0].port

    @property
    def url(self) -> str:
        """As a setting names it."""
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        if not self._password:
            return f"sentinel://{hosts}/{NAME}/0"
        return f"sentinel://:{self._password}@{hosts}/{NAME}/0?sentinel_password={self._password}"

    def follow(self, server: EmbeddedServer, primary: EmbeddedServer) -> None:
        self.tell(server, "REPLICAOF", "127.0.0.1", self.front(primary).port)

    def front(self, server: EmbeddedServer) -> Front:
        return self.fronts[self.servers.index(server)]

    def tell(self, server: EmbeddedServer, *command: Any) -> Any:
        return ask_server(port_of(server), *command, password=self._password)

    def linked(self) -> bool:
        """Whether all servers but one are replicas that are connected to their primary."""
        states = [self.tell(server, "ROLE") for server in self.servers]
        return sum(state[0] == b"slave" and state[3] == b"connected" for state in states) == len(states) - 1

    def watched(self) -> bool:
        """Whether every Sentinel knows the others and the replicas."""
        return all(self._sees_all(one) for one in self.sentinels)

    def primary(self) -> EmbeddedServer:
        """The server that Sentinel names."""
        port = int(self._ask("GET-MASTER-ADDR-BY-NAME", NAME)[1])
        return next(server for server in self.servers if self.front(server).port == port)

    def promoted(self, old: EmbeddedServer) -> bool:
        """Whether Sentinel names another one, which takes writes."""
        now = self.primary()
        return now is not old and self.tell(now, "ROLE")[0] == b"master"

    def freeze(self, server: EmbeddedServer) -> None:
        os.kill(server.pid, signal.SIGSTOP)

    def thaw(self, server: EmbeddedServer) -> None:
        with contextlib.suppress(EmbeddedServerError, ProcessLookupError):
            os.kill(server.pid, signal.SIGCONT)

    def _ask(self, *command: Any) -> Any:
        for sentinel in self.sentinels:
            try:
                return sentinel.ask(*command)
            except RedisError:
                continue
        raise RedisError("no Sentinel answers")

    def _sees_all(self, sentinel: SentinelProcess) -> bool:
        facts = sentinel.ask("MASTER", NAME)
        replicas, others = int(facts["num-slaves"]), int(facts["num-other-sentinels"])
        return replicas == len(self.servers) - 1 and others == len(self.sentinels) - 1
