"""A RabbitMQ server of its own for a test: free ports, a folder of its own, on loopback only."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from tests.support.holes import free_ports

#: Debian's programs, of which those on the PATH change the user where root starts them.
_DEBIAN = Path("/usr/lib/rabbitmq/bin")
_STARTS_S = 90.0


class RabbitServer:
    """`with RabbitServer(folder) as rabbit:` starts the server; `rabbit.url` is the address of its virtual host."""

    def __init__(self, folder: Path) -> None:
        port, distribution, names = free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")},
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_NODENAME": f"test{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        }
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RabbitServer:
        self._server = subprocess.Popen(
            [_program("rabbitmq-server")],
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until_s = time.monotonic() + _STARTS_S
        while subprocess.run(
            [*self._control(), "await_startup"], env=self._env, capture_output=True, check=False
        ).returncode:
            assert self._server.poll() is None, "RabbitMQ has ended"
            assert time.monotonic() < until_s, "RabbitMQ did not start in time"
            time.sleep(0.5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        subprocess.run([*self._control(), "stop"], env=self._env, capture_output=True, check=False, timeout=60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        # The daemon that knows the nodes by name stays behind, in a session of its own.
        subprocess.run(
            ["epmd", "-port", self._env["ERL_EPMD_PORT"], "-kill"], env=self._env, capture_output=True, check=False
        )

    def queues(self) -> dict[str, str]:
        """The queues that are declared, with their type."""
        listed = subprocess.run(
            [*self._control(), "--quiet", "list_queues", "--no-table-headers", "name", "type"],
            env=self._env, capture_output=True, check=True, text=True,
        ).stdout  # fmt: skip
        return dict(line.split("\t") for line in listed.splitlines() if "\t" in line)

    def _control(self) -> list[str]:
        return [_program("rabbitmqctl"), "--node", self._env["RABBITMQ_NODENAME"]]


def _program(name: str) -> str:
    found = _DEBIAN / name
    return str(found) if found.exists() else shutil.which(name) or name
