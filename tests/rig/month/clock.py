"""Simulated time: a server's clock and this process' clocks, set forward together."""

from __future__ import annotations

import time
from typing import Any

import redis

from campaigns.times.steady import boot_clock
from tests.support.clocks import ServerWithClock

_LATE_S = 0.5
_PATIENCE_S = 30.0
#: libfaketime reads its file late, and scripts have a clock of their own.
_SCRIPT = "return redis.call('TIME')"


class SimulatedClock:
    """Runs on as real clocks do, and can be set forward. This process does not go on before the server has seen it."""

    def __init__(self, server: ServerWithClock) -> None:
        self._server = server
        self._client: Any = redis.Redis.from_url(server.url)
        self._ahead_s = 0.0

    def now_s(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead_s

    def boot_s(self) -> float:
        """Seconds since boot, simulated ones included."""
        return boot_clock() + self._ahead_s

    def move_to(self, at_s: float) -> None:
        """Set it forward to `at_s` (unix seconds); nothing happens if that has passed."""
        if at_s <= self.now_s():
            return
        ahead_s = at_s - time.time()
        self._server.clock.set(ahead_s)
        until_s = time.monotonic() + _PATIENCE_S
        while any(abs(seen_s - time.time() - ahead_s) > _LATE_S for seen_s in self._seen_s()):
            if time.monotonic() > until_s:
                raise TimeoutError("the server does not see that its clock was set")
        self._ahead_s = ahead_s

    def __enter__(self) -> SimulatedClock:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _seen_s(self) -> list[float]:
        seconds, micros = self._client.time()
        in_script = self._client.eval(_SCRIPT, 0)
        return [seconds + micros / 1e6, int(in_script[0]) + int(in_script[1]) / 1e6]
