"""Consumers: events in a group, each until it was acknowledged, single changes, a clean stop."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from campaigns.results.events import Event, read_entry, single_changes
from campaigns.store import Store

_BLOCK_MS = 1000


class Consumer:
    """One member of a group. Every method may raise StoreError.

    An event is acknowledged when the next one is asked for, so whoever dies while working on one gets it
    again: at least once, and in order per campaign as long as a group has one member. Recognise
    repetitions by `Event.id`.
    """

    def __init__(
        self,
        store: Store,
        group: str,
        *,
        consumer: str | None = None,
        batch: int = 64,
        claim_idle_ms: int = 60_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._key = store.keys.events()
        self._group = group
        self._name = consumer or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._batch = batch
        self._claim_idle_ms = claim_idle_ms
        self._monotonic = monotonic
        self._fetched: deque[Any] = deque()

    def create_group(self, start: str = "0") -> None:
        """Create the group if it is new, reading from `start` (`0`: all that is kept, `$`: only news)."""
        self._store.create_group(self._key, self._group, start)

    def events(self, *, stop: Callable[[], bool] = lambda: False, idle_s: float | None = None) -> Iterator[Event]:
        """Single changes and other events, until `stop()` or until nothing came for `idle_s` seconds.

        What was fetched and not done when the iteration ends is at once free for others of the group.
        """
        try:
            yield from self._events(stop, idle_s)
        finally:
            self._hand_back()

    def _events(self, stop: Callable[[], bool], idle_s: float | None) -> Iterator[Event]:
        quiet_since, claimed_at = self._monotonic(), float("-inf")
        while not stop():
            entries: deque[Any] = deque()
            if self._monotonic() - claimed_at > self._claim_idle_ms / 2000:
                entries = deque(self._claimed())
                claimed_at = self._monotonic()
            self._fetched = entries = entries or deque(self._fresh())
            if entries:
                while entries:
                    position, fields = entries[0]
                    yield from single_changes(read_entry(position, fields))
                    self._store.ask("xack", self._key, self._group, position)
                    entries.popleft()
                    if stop():
                        return
                quiet_since = self._monotonic()
            elif idle_s is not None and self._monotonic() - quiet_since >= idle_s:
                return

    def _hand_back(self) -> None:
        """Let what this consumer holds look as old as what a dead one held."""
        positions = [position for position, _ in self._fetched]
        if positions:
            idle_ms = 2 * self._claim_idle_ms
            self._store.ask(
                "xclaim", self._key, self._group, self._name, 0, positions, idle_ms, None, None, False, True
            )

    def _fresh(self) -> list[Any]:
        answer = self._store.ask("xreadgroup", self._group, self._name, {self._key: ">"}, self._batch, _BLOCK_MS)
        if not answer:
            return []
        streams = answer.items() if isinstance(answer, dict) else answer
        return [entry for _, entries in streams for entry in _entries(entries)]

    def _claimed(self) -> list[Any]:
        """What a consumer that died, or this one before a restart, took and never acknowledged."""
        answer = self._store.ask(
            "xautoclaim", self._key, self._group, self._name, self._claim_idle_ms, "0-0", self._batch
        )
        return [entry for entry in answer[1] if entry[1]]


def _entries(found: Any) -> list[Any]:
    # redis-py 6 answers [[stream, entries]] for RESP2; with RESP3 the entries come in one more list.
    if found and isinstance(found[0], list) and found[0] and isinstance(found[0][0], (list, tuple)):
        return list(found[0])
    return list(found)
