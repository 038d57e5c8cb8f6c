"""Lists of phones in the store, such as the opt-outs of a scope, and what planning asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from pyroaring import BitMap64

from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_CALL: Final = 1000


class PhoneList(Protocol):
    """A list of phones in the store."""

    def among(self, phones: Sequence[str]) -> list[bool]:
        """For each phone, whether it is on the list."""
        ...

    def __iter__(self) -> Iterator[str]: ...


class Checker:
    """Whether each of some phones is on a list; the answer may be empty if none is.

    An empty list, one of `size` 0, is never asked. If it is shorter than the phones asked about, it is fetched whole.
    """

    def __init__(self, listed: PhoneList, size: int) -> None:
        self._listed = listed
        self._size = size
        self._asked = 0
        self._fetched: BitMap64 | None = None

    def __call__(self, phones: Sequence[str]) -> Sequence[bool]:
        self._asked += len(phones)
        if self._size == 0:
            return []
        if self._fetched is None and self._asked <= self._size:
            return self._listed.among(phones)
        if self._fetched is None:
            self._fetched = BitMap64(int(phone) for phone in self._listed if phone.isdecimal())
        return [number in self._fetched for number in map(int, phones)]


def noted_phones(store: Store, key: str) -> Iterator[tuple[str, bytes]]:
    """The phones that are fields of a hash, each once with its note, in no order. Raises StoreError."""
    cursor, seen = None, set[bytes]()
    while cursor != 0:
        cursor, portion = store.ask(Redis.hscan, key, cursor or 0, None, _PER_CALL)
        for phone in portion.keys() - seen:
            yield phone.decode(), portion[phone]
        seen |= portion.keys()
