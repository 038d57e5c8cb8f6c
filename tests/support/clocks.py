"""Clocks that tests set: of a real server, and of processes. libfaketime stands between them and the system's wall clock.

The clock since boot stays what it is, as on a machine whose clock is set.
"""

from __future__ import annotations

import platform
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from campaigns.embedded import EmbeddedServer
from campaigns.store import Store

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
