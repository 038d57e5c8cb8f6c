"""Deduplication: finds recipients that occur twice in one mailing, with a few bytes of memory for each. Pure."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

import orjson
from pyroaring import BitMap, BitMap64

from campaigns.planning.batching import Row

#: So few phones are added one by one, which takes less time than a bitmap of their own.
_FEW: Final = 20


class Deduplicator:
    """Finds repeated recipients within one mailing. Each method gets every chunk of rows once, in order."""

    def __init__(self, personal: bool) -> None:
        self._personal = personal
        # Phones lie close together, so a compressed bitmap takes two bytes for each, and a set would take 67.
        self._phones = BitMap64()
        # A digest of three times 32 bits tells messages apart at five bytes each; a set of digests would take over 100.
        self._messages = (BitMap(), BitMap(), BitMap())
        self._sent = BitMap64()
        #: The number of earlier messages, for the few phones that get more than one.
        self._earlier: dict[int, int] = {}

    def duplicates(self, rows: list[Any], phones: list[str | None]) -> list[int]:
        """The numbers of rows that repeat an earlier row: its phone and, in a personal mailing, its text and link."""
        if self._personal:
            return self._repeated_messages(rows, phones)
        if len(phones) > _FEW:
            numbers = list(map(int, filter(None, phones)))
            fresh = BitMap64(numbers)
            if len(fresh) == len(numbers) and not fresh & self._phones:
                self._phones |= fresh
                return []
        repeated = []
        for i, phone in enumerate(phones):
            if phone is not None:
                number = int(phone)
                if number in self._phones:
                    repeated.append(i)
                self._phones.add(number)
        return repeated

    def _repeated_messages(self, rows: list[Any], phones: list[str | None]) -> list[int]:
        repeated = []
        for i, phone in enumerate(phones):
            if phone is not None:
                message = orjson.dumps([phone, rows[i]["text"], rows[i].get("button_link")])
                parts = struct.unpack("3I", blake2b(message, digest_size=12).digest())
                known = [part in bitmap for part, bitmap in zip(parts, self._messages, strict=True)]
                if int(phone) in self._phones and all(known):
                    repeated.append(i)
                for part, bitmap in zip(parts, self._messages, strict=True):
                    bitmap.add(part)
                self._phones.add(int(phone))
        return repeated

    def by_earlier_messages(self, rows: list[Any], phones: list[str | None]) -> dict[int, list[Row]]:
        """The rows to send, grouped by the number of earlier messages to the same phone in this mailing."""
        if not self._personal:
            return {0: list(filter(None, phones))}
        groups: dict[int, list[Row]] = {}
        for row, phone in zip(rows, phones, strict=True):
            if phone is not None:
                number = int(phone)
                earlier = self._earlier.get(number, 0)
                if earlier or number in self._sent:
                    earlier = self._earlier[number] = earlier + 1
                self._sent.add(number)
                groups.setdefault(earlier, []).append({**row, "phone": phone})
        return groups


def also_sent(excluded: Iterable[int], handed_in: Iterable[int]) -> BitMap64:
    """The phones of `excluded` that are handed in more often than they are excluded, so that a row with each is sent.

    Each phone comes once for each of its rows, in any order. Takes memory for excluded phones only.
    """
    once, more = BitMap64(), Counter[int]()
    for phone in excluded:
        more.update((phone,) if phone in once else ())
        once.add(phone)
    sent, left = BitMap64(), once.copy()
    for phone in handed_in if once else ():
        if phone in left:
            left.remove(phone)
        elif more[phone]:
            more[phone] -= 1
        elif phone in once:
            sent.add(phone)
    return sent
