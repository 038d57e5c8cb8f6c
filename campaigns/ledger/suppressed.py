"""Suppression by result: phones that the last messages did not reach, until they are seen again.

The scripts that write statuses and replies add to it and remove from it. Planning excludes the phones on it, and so
does `campaigns.flow.sending.later_optouts` from batches that were planned more than an hour ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from campaigns.acts import Act, packed
from campaigns.ledger.phone_lists import Checker, noted_phones
from campaigns.portions import portions
from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_CALL = 500


class Suppression(NamedTuple):
    """Since when a phone is suppressed (unix milliseconds), and after how many messages that did not reach it."""

    since_ms: int
    messages: int

    @classmethod
    def read(cls, noted: bytes) -> Suppression:
        """From what is stored beside the phone."""
        since_ms, _, messages = noted.partition(b"|")
        return cls(int(since_ms), int(messages))


class Suppressed:
    """The phones that are suppressed. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = store.keys.suppressed()

    def among(self, phones: Sequence[str]) -> list[bool]:
        """For each phone, whether it is suppressed."""
        if not phones:
            return []
        return [noted is not None for noted in self._store.ask(Redis.hmget, self._key, list(phones))]

    def checker(self) -> Checker:
        """As `among`, for many phones."""
        return Checker(self, len(self))

    def of(self, phone: str) -> Suppression | None:
        """What is known of a phone's suppression; None if it is not suppressed."""
        noted = self._store.ask(Redis.hget, self._key, phone)
        return Suppression.read(noted) if noted else None

    def remove(self, phones: Iterable[str], act: Act | None = None) -> int:
        """Returns how many were suppressed. With an `act`, each portion of phones that holds one is recorded."""
        keys = self._store.keys
        names = [keys.unreached(), keys.suppressed(), keys.audit()]
        parts = portions(list(phones), _PER_CALL)
        return sum(int(self._store.run("unsuppress", names, [packed(act), *part])) for part in parts)

    def details(self) -> Iterator[tuple[str, Suppression]]:
        """Every phone that is suppressed, in no order."""
        return ((phone, Suppression.read(noted)) for phone, noted in noted_phones(self._store, self._key))

    def __iter__(self) -> Iterator[str]:
        return (phone for phone, _ in self.details())

    def __len__(self) -> int:
        return int(self._store.ask(Redis.hlen, self._key))
