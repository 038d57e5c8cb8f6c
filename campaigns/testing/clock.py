"""A clock that a test sets forward, for the store and the sandbox alike."""

from __future__ import annotations

import time


class MovedClock:
    """Unix milliseconds: the wall clock's, and as many more as it was set forward by."""

    def __init__(self) -> None:
        self._moved_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self._moved_ms

    def move(self, by_ms: int) -> None:
        """Raises ValueError for a step back: leases, due times and statuses would stand in the future."""
        if by_ms < 0:
            raise ValueError("the clock goes forward only")
        self._moved_ms += by_ms
