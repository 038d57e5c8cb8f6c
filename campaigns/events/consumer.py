"""Consumers: events in a group, each until it was acknowledged, single changes, a clean stop."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from campaigns.errors import StoreError
from campaigns.events.members import Entry, Member
from campaigns.events.stream import Event, read_entry, single_changes
from campaigns.store.client import Store
from campaigns.times.steady import boot_clock

log = logging.getLogger(__name__)

_BLOCK_MS: Final = 1000
#: Signs of life come no closer together than this.
_LEAST_EVERY_S: Final = 0.05
#: Where renewing failed, it is tried again after this time.
_RETRY_S: Final = 1.0


class Consumer:
    """One member of a group. Every method may raise StoreError.

    An event is acknowledged when the next one is asked for, so a consumer that dies while working on one gets it
    again: at least once. Recognise repetitions by `Event.id`. Events of a campaign come in order while the group
    has one member that keeps its name (`consumer`): it begins with what it had not done.

    While it works, a thread gives signs of life, so that no other member gets the same event, however long one takes.
    Others take over after `claim_idle_ms` without a sign.

    What was begun `max_deliveries` times and never done goes to the group's dead letters, and so does an entry
    that is not an event: one bad event does not hold up the others.
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
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        name = consumer or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._member = Member(
            store, group, name, claim_idle_ms=claim_idle_ms, dead_letters_life_ms=dead_letters_life_ms
        )
        self._store = store
        self._batch = batch
        self._claim_idle_s = claim_idle_ms / 1000
        self._max_deliveries = max_deliveries
        self._clock = clock
        self._renewed_s = clock()
        self._fetched: deque[Entry] = deque()
        self._fetched_new = False

    def create_group(self, start: str = "0") -> None:
        """Create the group if it is new, reading after position `start` (`0`: all that is kept, `$`: only new ones)."""
        self._store.create_group(self._store.keys.events(), self._member.group, start)

    def events(self, *, stop: Callable[[], bool] = lambda: False, idle_s: float | None = None) -> Iterator[Event]:
        """Single changes and other events, until `stop()` or until nothing came for `idle_s` seconds.

        What was fetched and not done when the iteration ends is at once free for others of the group.
        """
        self._fetched_new = False
        try:
            with self._signs_of_life():
                yield from self._events(stop, idle_s)
        finally:
            self._fetched = deque()
            self._member.hand_back()
            self._member.leave()

    def reject(self, event: Event, reason: str) -> None:
        """Give up the event that is being worked on: it goes to the dead letters with the reason."""
        if not self._fetched or self._fetched[0][0].decode() != event.position:
            raise ValueError("only the event that is being worked on can be rejected")
        position, fields = self._fetched[0]
        self._member.bury(position, fields or {}, reason)

    def _events(self, stop: Callable[[], bool], idle_s: float | None) -> Iterator[Event]:
        quiet_since, claimed_at = self._clock(), float("-inf")
        block_ms = _BLOCK_MS if idle_s is None else max(1, min(_BLOCK_MS, round(idle_s * 1000)))
        while not stop():
            self._renewed_s = self._clock()
            # Claim one at a time: reading raises the number of deliveries, and only the poisonous entry may reach the
            # limit. Entries that it holds come first, also those of lost answers: a campaign's events come in order.
            asked = not self._fetched_new
            again = self._member.holds() if asked else []
            if not again and self._clock() - claimed_at > self._claim_idle_s / 2:
                again = self._member.claim()
                claimed_at = float("-inf") if again else self._clock()
            self._fetched = deque(again or self._member.take(self._batch, block_ms))
            self._fetched_new = bool(self._fetched) and not again
            if self._fetched:
                yield from self._work_off(stop, tried_before=bool(again))
                quiet_since = self._clock()
            elif asked and idle_s is not None and self._clock() - quiet_since >= idle_s:
                return

    def _work_off(self, stop: Callable[[], bool], *, tried_before: bool) -> Iterator[Event]:
        while self._still_held() and not stop():
            position, fields = self._fetched[0]
            singles = self._digested(position, fields or {}, tried_before=tried_before)
            if singles is not None:
                yield from singles
                self._member.acknowledge(position)
            self._fetched.popleft()

    def _digested(self, position: bytes, fields: Mapping[bytes, bytes], *, tried_before: bool) -> list[Event] | None:
        """The events of an entry; None if it went to the dead letters instead."""
        begun = self._member.begun(position) if tried_before else 1
        if begun > self._max_deliveries:
            self._member.bury(position, fields, f"begun {begun - 1} times and never done")
            return None
        try:
            return list(single_changes(read_entry(position, fields)))
        except (KeyError, ValueError, TypeError) as error:
            self._member.bury(position, fields, f"no event: {type(error).__name__}")
            return None

    def _still_held(self) -> bool:
        """Whether anything fetched is left. After a freeze, what others have claimed meanwhile is dropped."""
        if self._fetched and self._clock() - self._renewed_s > self._claim_idle_s / 2:
            held = self._renew()
            self._fetched = deque(entry for entry in self._fetched if entry[0] in held)
        return bool(self._fetched)

    def _renew(self) -> set[bytes]:
        at_s = self._clock()
        held = self._member.renew()
        self._renewed_s = at_s
        return held

    @contextmanager
    def _signs_of_life(self) -> Iterator[None]:
        ended = threading.Event()
        # A daemon, since an application may leave its loop without ending it.
        thread = threading.Thread(target=self._give_signs, args=(ended,), name="campaigns-consumer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _give_signs(self, ended: threading.Event) -> None:
        wait_s = every_s = max(_LEAST_EVERY_S, self._claim_idle_s / 3)
        while not ended.wait(wait_s):
            try:
                self._renew()
            except StoreError as error:
                log.warning("renewal_failed", extra={"group": self._member.group, "reason": str(error)})
                wait_s = min(every_s, _RETRY_S)
            else:
                wait_s = every_s
