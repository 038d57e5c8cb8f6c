"""Clocks that tests set: of a real server, and of processes. libfaketime stands between them and the system's wall clock.

The clock since boot stays what it is, as on a machine whose clock is set.
"""

from __future__ import annotations

import platform
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import redis

from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from tests.support.waiting import wait_until

#: The wheel holds the library for this platform only.
settable = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="libfaketime's wheel has no library for this platform",
)


class WrongClock:
    """By how much the clock of some processes is wrong, in seconds, at any moment."""

    def __init__(self, path: Path, by_s: float = 0.0) -> None:
        self._path = path
        self.set(by_s)

    def set(self, by_s: float) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_text(f"{by_s:+f}\n")
        beside.replace(self._path)

    def variables(self) -> dict[str, str]:
        """What the environment of such a process holds."""
        spec = find_spec("libfaketime")
        assert spec is not None
        assert spec.origin is not None
        return {
            "LD_PRELOAD": str(Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


class ServerWithClock(EmbeddedServer):
    """A server whose clock is `clock`."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder / "server", **options)
        self._folder = folder
        self.clock = WrongClock(folder / "server-clock")

    def set_clock(self, by_s: float) -> None:
        """Set the clock, and wait until the server sees it: libfaketime reads the file late, up to some calls."""
        self.clock.set(by_s)
        with redis.Redis.from_url(self.url) as client:
            for script in (True, False):
                wait_until(lambda script=script: abs(self._clock_s(client, script) - time.time() - by_s) < 1.5)

    @staticmethod
    def _clock_s(client: Any, script: bool) -> float:
        seconds, _ = client.eval("return redis.call('TIME')", 0) if script else client.time()
        return float(seconds)

    def _spawn(self, binary: str) -> Any:
        script = self._folder / "server-with-clock"
        exports = "".join(f"export {name}='{value}'\n" for name, value in self.clock.variables().items())
        script.write_text(f'#!/bin/sh\n{exports}exec {binary} "$@"\n')
        script.chmod(0o755)
        return super()._spawn(str(script))


class Late(Store):
    """A store whose clock stands in the year 2041."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.redis, store.keys, now_ms=lambda: 2_240_000_000_000)
