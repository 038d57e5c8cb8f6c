"""Counts requests: per method, the most in any one-second window, and the most at once."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

_WINDOW_S: Final = 1.0
ALL: Final = "all"


class Meter:
    """Counts exactly, in a sliding window of one second. A request arrives when its line and headers were read."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = Lock()
        self._under_way = 0
        self.clear()

    def clear(self) -> None:
        self._requests: Counter[str] = Counter()
        self._recent: dict[str, deque[float]] = {}
        self._most: Counter[str] = Counter()
        self._most_at_once = 0

    @contextmanager
    def counting(self, method: str) -> Iterator[None]:
        """Counts one request for as long as the block runs."""
        with self._lock:
            now = self._now_s()
            self._requests[method] += 1
            self._note(method, now)
            self._note(ALL, now)
            self._under_way += 1
            self._most_at_once = max(self._most_at_once, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _note(self, name: str, now: float) -> None:
        recent = self._recent.setdefault(name, deque())
        recent.append(now)
        while recent[0] <= now - _WINDOW_S:
            recent.popleft()
        self._most[name] = max(self._most[name], len(recent))

    def figures(self) -> dict[str, Any]:
        """requests by method, max_per_second by method and overall, max_concurrency."""
        with self._lock:
            return {
                "requests": dict(self._requests),
                "max_per_second": dict(self._most),
                "max_concurrency": self._most_at_once,
            }
