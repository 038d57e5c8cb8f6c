"""The suppression list: phones that are opted out, since when and why.

Planning excludes them with `Checker`. Those who opted out later, but before a batch is claimed, are excluded by
`campaigns.flow.sending.later_optouts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from pyroaring import BitMap64

from campaigns.acts import Act, packed
from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class OptOut:
    """Since when (unix milliseconds), why and by whom a phone is opted out; None and empty if that was never noted.

    `by` is `recipient` where a reply asked for it; then `why` names the reply and its campaign.
    """

    since_ms: int | None
    why: str
    by: str = ""

    @classmethod
    def read(cls, noted: bytes | None) -> OptOut:
        """From what is stored beside the phone."""
        head, _, why = (noted or b"").decode().partition("|")
        since_ms, _, by = head.partition(":")
        return cls(int(since_ms) if since_ms else None, why, by)

    def caused_by(self, reply_id: str, campaign_id: str) -> bool:
        """Whether a reply to a campaign caused it, which the script `store_replies` notes in these words."""
        return self.by == "recipient" and self.why == f"reply {reply_id} to campaign {campaign_id}"


class PhoneList(Protocol):
    """A list of phones in the store."""

    def among(self, phones: Sequence[str]) -> list[bool]:
        """For each phone, whether it is on the list."""
        ...

    def __iter__(self) -> Iterator[str]: ...


class Checker:
    """Whether each of some phones is on a list, such as that of the opt-outs; the answer may be empty if none is.

    If the list is empty, the store is asked once. If it is shorter than the phones asked about, it is fetched whole.
    `version` is the list's before the first question. Batches planned by it are checked again if it has changed.
    """

    def __init__(self, listed: PhoneList, version: str) -> None:
        self.version = version
        self._listed = listed
        self._size = int(version.rpartition(":")[2])
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


class OptOuts:
    """The suppression list. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def add(self, phones: Iterable[str], why: str = "", by: str = "", act: Act | None = None) -> int:
        """Opt out, also of batches that are planned already. Returns how many were new.

        With an `act`, each portion of phones that holds a new one is recorded.
        """
        keys = self._keys
        names = [keys.optouts(), keys.optouts_counter(), keys.optouts_why(), keys.audit()]
        name = by.replace("|", "/")
        head = [name, why, packed(act)]
        return sum(int(self._store.run_safely("opt_out", names, [*head, *chunk])) for chunk in _chunks(phones))

    def remove(self, phones: Iterable[str], act: Act | None = None) -> int:
        """Returns how many were on the list. A record is kept as of `add`."""
        names = [self._keys.optouts(), self._keys.optouts_why(), self._keys.audit()]
        return sum(int(self._store.run("opt_in", names, [packed(act), *chunk])) for chunk in _chunks(phones))

    def among(self, phones: Sequence[str]) -> list[bool]:
        """For each phone, whether it is on the list."""
        if not phones:
            return []
        return [bool(there) for there in self._store.ask(Redis.smismember, self._keys.optouts(), list(phones))]

    def checker(self) -> Checker:
        """As `among`, for many phones. A phone added meanwhile may be missed, but changes the version."""
        names = [self._keys.optouts(), self._keys.optouts_counter()]
        return Checker(self, self._store.run("optouts_version", names).decode())

    def of(self, phone: str) -> OptOut | None:
        """What is known of a phone's opt-out; None if it is not opted out."""
        if not self.among([phone])[0]:
            return None
        return OptOut.read(self._store.ask(Redis.hget, self._keys.optouts_why(), phone))

    def noted(self, phones: Sequence[str]) -> list[OptOut | None]:
        """What was noted beside each phone when it was opted out; None for those of which nothing was."""
        found: list[OptOut | None] = []
        for chunk in _chunks(phones):
            noted = self._store.ask(Redis.hmget, self._keys.optouts_why(), chunk)
            found += [None if one is None else OptOut.read(one) for one in noted]
        return found

    def details(self) -> Iterator[tuple[str, OptOut]]:
        """Every phone with what is known of its opt-out, in no order."""
        for phones in _chunks(self):
            noted = self._store.ask(Redis.hmget, self._keys.optouts_why(), phones)
            yield from zip(phones, map(OptOut.read, noted), strict=True)

    def __iter__(self) -> Iterator[str]:
        for member in self._store.members(self._keys.optouts()):
            yield member.decode()

    def __len__(self) -> int:
        return int(self._store.ask(Redis.scard, self._keys.optouts()))


def _chunks(phones: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(phones)
    while chunk := list(islice(iterator, _PER_CALL)):
        yield chunk
