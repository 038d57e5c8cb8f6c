"""Counted messages: how many campaign messages each phone got on each day, for the frequency cap.

A message counts from the moment at which its batch may be claimed until `cap_days` have passed, and not if it was
certainly not sent. Planning excludes the phones that have had enough with `CapChecker`. What decides is the count
before the claim, see `campaigns.flow.sending.counting`: two campaigns that were planned at the same time cannot both
send the last message that a phone may get.

The counts of 10,000 neighbouring numbers share a key, which takes two bytes for a message and about a hundred for
itself. See `Keys.counted` for what it holds.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pyroaring import BitMap64

from campaigns.jobs.caps import Cap, Limit
from campaigns.ledger.records import Batch
from campaigns.ledger.states import CANCELLED, PLANNED, REJECTED
from campaigns.portions import portions
from campaigns.store.client import Store
from campaigns.store.commands import Redis

#: The last digits of a phone, which tell the numbers of one key apart.
_DIGITS = 4
_NUMBERS = 10**_DIGITS
_KEYS_PER_CALL = 100
_HEAD = struct.Struct(">HH")
_DAY_MS = 86_400_000
#: States in which the messages of a batch were certainly not sent.
NOT_SENT: Final = frozenset({PLANNED, REJECTED, CANCELLED})


@dataclass(frozen=True, slots=True)
class Portion:
    """Messages that one call counts: those of some recipients of one mailing. `phones` are at most 1,000."""

    mailing: int
    number: int
    phones: Sequence[str]

    @property
    def name(self) -> str:
        return f"{self.mailing}.{self.number}"


class CapChecker:
    """Whether each of some phones has had enough messages; the answer may be empty if none has.

    Each key is read once, so it costs little more than the recipients, however many messages are counted. A message
    that is counted after that is missed here, and found before the batch is claimed.
    """

    def __init__(self, counts: Counts, cap: Cap, day: int) -> None:
        self._counts = counts
        self._cap = cap
        self._day = day
        self._read: set[str] = set()
        self._enough = BitMap64()

    def __call__(self, phones: Sequence[str]) -> Sequence[bool]:
        if new := {phone[:-_DIGITS] for phone in phones} - self._read:
            self._read |= new
            for start, counted in self._counts.read(self._cap.account, sorted(new)):
                base = int(start or 0) * _NUMBERS
                self._enough |= BitMap64(base + end for end in enough(counted, self._cap.limits, self._day))
        if not self._enough:
            return []
        return [number in self._enough for number in map(int, phones)]


class Counts:
    """Every method may raise StoreError. `days` is for how many days a message counts."""

    def __init__(self, store: Store, *, days: int) -> None:
        self._store = store
        self._keys = store.keys
        self._days = days

    def checker(self, cap: Cap, day: int) -> CapChecker:
        """For planning on a day."""
        return CapChecker(self, cap, day)

    def read(self, account: str, starts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """What is counted of the phones that begin like one of `starts`, where anything is."""
        for some in portions(starts, _KEYS_PER_CALL):
            values = self._store.ask(Redis.mget, [self._keys.counted(account, start) for start in some])
            yield from ((start, value) for start, value in zip(some, values, strict=True) if value)

    def begin(self, batch_id: str, op: str, states: Sequence[str]) -> bool:
        """Let the process that chose the random text `op`, and no other, change the count of a batch.

        False if its state is none of `states`.
        """
        return bool(self._store.run("begin_count", [self._keys.batch(batch_id)], [op, f",{','.join(states)},"]))

    def count(
        self,
        batch_id: str,
        op: str,
        portion: Portion,
        day: int | None,
        cap: Cap,
        *,
        limited: bool,
        but: Sequence[int] = (),
    ) -> list[int] | None:
        """Count the messages of a portion on `day`, instead of what was counted of them before; None: on no day.

        `limited`: do not count messages that the cap forbids. `but`: numbers of messages that are not to be counted.
        Returns the numbers of those that the cap forbids; None, and changes nothing, if another process has begun.
        """
        order = sorted(range(len(portion.phones)), key=lambda n: portion.phones[n][:-_DIGITS])
        starts = dict[str, bytearray]()
        for n in order:
            phone = portion.phones[n]
            starts.setdefault(phone[:-_DIGITS], bytearray()).extend(int(phone[-_DIGITS:]).to_bytes(2, "big"))
        place = {n: at for at, n in enumerate(order)}
        answer = self._store.run(
            "count_messages",
            [self._keys.batch(batch_id), *(self._keys.counted(cap.account, start) for start in starts)],
            [
                op,
                portion.name,
                portion.mailing,
                "" if day is None else day,
                self._days,
                (self._days + 1) * _DAY_MS,
                cap.packed_limits if limited else "",
                ",".join(str(place[n]) for n in but),
                *map(bytes, starts.values()),
            ],
        )
        if answer is False or answer is None:
            return None
        return [order[int(at)] for at in answer.decode().split(",") if at]

    def end(self, batch_id: str, op: str, day: int | None, without: Sequence[int] = ()) -> None:
        """The count of a batch is as it must be: on `day` all messages but those of some mailings; None: no message."""
        counted = "" if day is None else f"{day} {','.join(map(str, without))}"
        self._store.run("end_count", [self._keys.batch(batch_id)], [op, counted])

    def erase(self, phone: str, accounts: Sequence[str]) -> int:
        """Remove all that is counted of a phone. Returns how many messages that were."""
        keys = [self._keys.counted(account, phone[:-_DIGITS]) for account in accounts]
        return int(self._store.run("erase_counted", keys, [int(phone[-_DIGITS:]).to_bytes(2, "big")]))


def miscounted(batch: Batch) -> bool:
    """Whether what is counted of a batch does not fit its state. A planned batch is counted before it is claimed."""
    if not batch.cap:
        return False
    if batch.state in NOT_SENT:
        return "counted" in batch.fields or "count_op" in batch.fields
    refused = {name.partition(":")[2] for name in batch.fields if name.startswith("rejected:")}
    _, _, without = batch.fields.get("counted", "").partition(" ")
    return "counted" not in batch.fields or not refused <= set(without.split(","))


def day_counted(batch: Batch) -> int | None:
    """The day on which the messages of a batch count; None if they do not."""
    counted = batch.fields.get("counted") or batch.fields.get("count_from") or ""
    return int(counted.partition(" ")[0]) if counted else None


def enough(counted: bytes, limits: Sequence[Limit], day: int) -> set[int]:
    """The last digits of the phones in one key that a message on `day` would bring above one of the limits."""
    found = set[int]()
    sections = list(_sections(counted))
    for limit in limits:
        times: Counter[int] = Counter()
        for of, ends in sections:
            if of > day - limit.days:
                times.update(ends)
        found |= {end for end, number in times.items() if number >= limit.messages}
    return found


def _sections(counted: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The days of a key, each with the last digits of the phones that got a message, once for each message."""
    at = 0
    while at < len(counted):
        day, number = _HEAD.unpack_from(counted, at)
        yield day, struct.unpack_from(f">{number}H", counted, at + _HEAD.size)
        at += _HEAD.size + 2 * number
