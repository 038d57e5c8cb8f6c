"""Threads that wait, for the gateway or for the store, while the thread that began this goes on.

`concurrent.futures` gives everything that is begun a lock and a condition of its own, which takes more processor time
than all else that a turn does for a single message. Who only begins work, and collects what ended, needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Threads(Generic[T]):
    """Threads that are started as they are needed. Only the thread that made this may call its methods."""

    def __init__(self) -> None:
        self._threads: list[Thread] = []
        self._work: SimpleQueue[Callable[[], T] | None] = SimpleQueue()
        self._ended: SimpleQueue[T | BaseException] = SimpleQueue()
        self.under_way = 0

    def begin(self, act: Callable[[], T]) -> None:
        """Let a thread of its own do this. Raises RuntimeError if no further thread can be started; then it is not
        done."""
        if self.under_way >= len(self._threads):
            thread = Thread(target=self._serve, name="waiting", daemon=True)
            thread.start()
            self._threads.append(thread)
        self.under_way += 1
        self._work.put(act)

    def ended(self, timeout_s: float | None) -> list[T | BaseException]:
        """Wait until something that was begun has ended. Returns what all that ended by then returned or raised;
        nothing if that takes longer than `timeout_s`, or if nothing is under way."""
        if not self.under_way:
            return []
        try:
            ended = [self._ended.get(timeout=timeout_s)]
            while not self._ended.empty():
                ended.append(self._ended.get())
        except Empty:
            return []
        self.under_way -= len(ended)
        return ended

    def close(self) -> None:
        """Wait until what was begun has ended, and let the threads end."""
        for _ in self._threads:
            self._work.put(None)
        # A thread without work ends by itself, and to wait for each takes longer than to start it.
        for thread in self._threads if self.under_way else ():
            thread.join()

    def _serve(self) -> None:
        while (act := self._work.get()) is not None:
            self._ended.put(_result(act))


def _result(act: Callable[[], T]) -> T | BaseException:
    try:
        return act()
    except BaseException as error:  # noqa: BLE001 (raised where it is collected)
        return error
