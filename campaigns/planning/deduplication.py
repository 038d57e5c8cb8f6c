"""Deduplication: the same recipient twice in one mailing, found at a few bytes a recipient. Pure."""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Any

import orjson
from pyroaring import BitMap, BitMap64

from campaigns.planning.batching import Row


class Sorter:
    """Finds repetitions within one mailing."""

    def __init__(self, personal: bool) -> None:
        self._personal = personal
        # Compressed bitmaps: phones lie close together, so one costs two bytes, and sixty-seven in a set.
        self._phones = BitMap64()
        # Three times 32 bits tell messages apart, at five bytes each; a set of digests would take over a hundred.
        self._messages = (BitMap(), BitMap(), BitMap())
        self._sent = BitMap64()
        #: How many further messages a phone has been given, for the few that have any.
        self._further: dict[int, int] = {}

    def duplicates(self, rows: list[Any], phones: list[str | None]) -> list[int]:
        """Which rows repeat an earlier one: the same phone and, in a personal mailing, the same message."""
        if self._personal:
            return self._repeated_messages(rows, phones)
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

    def by_lane(self, rows: list[Any], phones: list[str | None]) -> dict[int, list[Row]]:
        """The rows to send, by how many other messages their phone has before them in this mailing."""
        if not self._personal:
            return {0: list(filter(None, phones))}
        lanes: dict[int, list[Row]] = {}
        for row, phone in zip(rows, phones, strict=True):
            if phone is not None:
                number = int(phone)
                lane = self._further.get(number, 0)
                if lane or number in self._sent:
                    lane = self._further[number] = lane + 1
                self._sent.add(number)
                lanes.setdefault(lane, []).append({**row, "phone": phone})
        return lanes
