"""Consumers: events in a group, each until it was acknowledged, single changes, a clean stop."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from campaigns.results.events import Event, read_entry, single_changes
from campaigns.store import Store

log = logging.getLogger(__name__)

_BLOCK_MS = 1000
#: A dead letter keeps so many fields of its entry. Lua cannot hand some thousand values to one command.
_MOST_FIELDS = 500


class Consumer:
    """One member of a group. Every method may raise StoreError.

    An event is acknowledged when the next one is asked for, so whoever dies while working on one gets it
    again: at least once. Recognise repetitions by `Event.id`. Events of a campaign come in order while the group
    has one member that keeps its name (`consumer`): it begins with what it had not done.

    What was begun `max_deliveries` times and never done goes to the group's dead letters, and so does an entry
    that is no event: one bad event holds up nobody.
    """

    def __init__(
        self,
        store: Store,
        group: str,
        *,
        consumer: str | None = None,
        batch: int = 64,
        claim_idle_ms: int = 60_000,
        max_deliveries: int = 5,
        dead_letters_life_ms: int = 30 * 86_400_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._key = store.keys.events()
        self._group = group
        self._name = consumer or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._batch = batch
        self._claim_idle_ms = claim_idle_ms
        self._max_deliveries = max_deliveries
        self._dead_letters_life_ms = dead_letters_life_ms
        self._monotonic = monotonic
        self._fetched: deque[Any] = deque()

    def create_group(self, start: str = "0") -> None:
        """Create the group if it is new, reading after position `start` (`0`: all that is kept, `$`: only news)."""
        self._store.create_group(self._key, self._group, start)

    def events(self, *, stop: Callable[[], bool] = lambda: False, idle_s: float | None = None) -> Iterator[Event]:
        """Single changes and other events, until `stop()` or until nothing came for `idle_s` seconds.

        What was fetched and not done when the iteration ends is at once free for others of the group.
        """
        try:
            yield from self._events(stop, idle_s)
        finally:
            self._hand_back()

    def reject(self, event: Event, reason: str) -> None:
        """Give up the event that is being worked on: it goes to the dead letters with the reason."""
        if not self._fetched or self._fetched[0][0].decode() != event.position:
            raise ValueError("only the event that is being worked on can be rejected")
        position, fields = self._fetched[0]
        self._bury(position, fields, reason, self._deliveries(position))

    def _events(self, stop: Callable[[], bool], idle_s: float | None) -> Iterator[Event]:
        quiet_since, claimed_at = self._monotonic(), float("-inf")
        own = True
        block_ms = _BLOCK_MS if idle_s is None else max(1, min(_BLOCK_MS, round(idle_s * 1000)))
        while not stop():
            # One by one: what is begun counts as delivered, and only the culprit may count towards its end.
            again = self._left_over() if own else []
            own = bool(again)
            if not again and self._monotonic() - claimed_at > self._claim_idle_ms / 2000:
                again = self._claimed()
                claimed_at = float("-inf") if again else self._monotonic()
            self._fetched = deque(again) or deque(self._read(self._batch, block_ms))
            if self._fetched:
                yield from self._work_off(stop, tried_before=bool(again))
                quiet_since = self._monotonic()
            elif idle_s is not None and self._monotonic() - quiet_since >= idle_s:
                return

    def _work_off(self, stop: Callable[[], bool], *, tried_before: bool) -> Iterator[Event]:
        while self._fetched and not stop():
            position, fields = self._fetched[0]
            deliveries = self._deliveries(position) if tried_before else 1
            singles = None
            if deliveries > self._max_deliveries:
                self._bury(position, fields, f"begun {deliveries - 1} times and never done", deliveries)
            else:
                try:
                    singles = list(single_changes(read_entry(position, fields)))
                except (KeyError, ValueError, TypeError) as error:
                    self._bury(position, fields, f"no event: {type(error).__name__}", deliveries)
            if singles is not None:
                yield from singles
                self._store.ask("xack", self._key, self._group, position)
            self._fetched.popleft()

    def _bury(self, position: bytes, fields: dict[bytes, bytes], reason: str, deliveries: int) -> None:
        log.error("dead_letter", extra={"group": self._group, "position": position.decode(), "reason": reason})
        flat = [part for pair in islice(fields.items(), _MOST_FIELDS) for part in pair]
        self._store.run(
            "dead_letter",
            [self._key, self._store.keys.dead_letters(self._group)],
            [self._group, position, reason, deliveries, self._dead_letters_life_ms, *flat],
        )

    def _hand_back(self) -> None:
        """Let what this consumer holds look as old as what a dead one held."""
        positions = [position for position, _ in self._fetched]
        self._fetched = deque()
        if positions:
            idle_ms = 2 * self._claim_idle_ms
            self._store.ask(
                "xclaim", self._key, self._group, self._name, 0, positions, idle_ms, None, None, False, True
            )

    def _left_over(self) -> list[Any]:
        """The oldest entry that a consumer of this name took and never acknowledged.

        What has been deleted from the stream meanwhile is acknowledged: it would stand before the others for ever.
        """
        while entries := self._pending():
            if entries[0][1]:
                return entries
            self._store.ask("xack", self._key, self._group, entries[0][0])
        return []

    def _pending(self) -> list[Any]:
        return self._entries_of(self._store.ask("xreadgroup", self._group, self._name, {self._key: "0"}, 1, None))

    def _read(self, number: int, block_ms: int) -> list[Any]:
        answer = self._store.ask("xreadgroup", self._group, self._name, {self._key: ">"}, number, block_ms)
        return [entry for entry in self._entries_of(answer) if entry[1]]

    def _entries_of(self, answer: Any) -> list[Any]:
        streams = answer.items() if isinstance(answer, dict) else answer or []
        return [entry for _, entries in streams for entry in _entries(entries)]

    def _claimed(self) -> list[Any]:
        """The oldest entry that a consumer which died took and never acknowledged."""
        answer = self._store.ask("xautoclaim", self._key, self._group, self._name, self._claim_idle_ms, "0-0", 1)
        return [entry for entry in answer[1] if entry[1]]

    def _deliveries(self, position: bytes) -> int:
        pending = self._store.ask("xpending_range", self._key, self._group, position, position, 1)
        return int(pending[0]["times_delivered"]) if pending else 1


def _entries(found: Any) -> list[Any]:
    # redis-py 6 answers [[stream, entries]] for RESP2; with RESP3 the entries come in one more list.
    if found and isinstance(found[0], list) and found[0] and isinstance(found[0][0], (list, tuple)):
        return list(found[0])
    return list(found)
