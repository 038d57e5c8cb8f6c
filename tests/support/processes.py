"""Real processes for tests: each in a session of its own, ended by its id, its output shown when a test fails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class Process:
    """One process and those that it starts."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_for(self, text: str, timeout_s: float = 90.0) -> None:
        until = time.monotonic() + timeout_s
        while text not in self.output():
            assert self.alive(), f"{self.name} ended:\n{self.output()}"
            assert time.monotonic() < until, f"{self.name} did not say {text!r}:\n{self.output()}"
            time.sleep(0.05)

    def kill9(self) -> None:
        """The process and all of its children at once, as when a machine dies."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def wait_for_end(self, timeout_s: float = 90.0) -> int:
        """The exit code, once the process has ended by itself."""
        return self._process.wait(timeout_s)

    def stop(self, timeout_s: float = 20.0) -> int:
        """SIGTERM; kill -9 if that does not help. Returns the exit code."""
        if self.alive():
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill9()
        self.kill9()
        return self._process.returncode


def celery(*arguments: str, app: str = "workers") -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "--app", app, *arguments]
