"""One member of a consumer group: what it takes from the event stream, holds, renews, acknowledges and gives back.

An entry is one member's from when it is taken until it is acknowledged, put aside, or claimed by another because this
one gave no sign of life for `claim_idle_ms`. A late member changes nothing: an acknowledgement counts only from
the member that has the entry.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

log = logging.getLogger(__name__)

#: An entry of the stream: its position and its fields, None if it has been deleted.
Entry = tuple[bytes, Mapping[bytes, bytes] | None]

#: The most entries that a member holds: what it takes at once, and what it took in calls whose answers were lost.
_MOST_HELD: Final = 1000
#: The most fields of its entry that a dead letter keeps: Lua cannot pass some thousand values to one command.
_MOST_FIELDS: Final = 500
#: Members that hold nothing and have been idle for this time are gone.
_GONE_MS: Final = 3_600_000


class Member:
    """Every method may raise StoreError, and may be called from two threads at once.

    `claim_idle_ms`: after this time without a sign of life of a member, others may claim what it holds.
    """

    def __init__(self, store: Store, group: str, name: str, *, claim_idle_ms: int, dead_letters_life_ms: int) -> None:
        self.group = group
        self.name = name
        self.claim_idle_ms = claim_idle_ms
        self._letters_life_ms = dead_letters_life_ms
        self._store = store
        self._key = store.keys.events()

    def take(self, number: int, block_ms: int) -> list[Entry]:
        """Up to `number` entries that no member has taken, waiting for one for `block_ms`.

        Nothing if this member holds older ones. It does where an answer was lost and the client asked again: what
        the lost one brought has to be processed first, or a campaign's events would come out of order.
        """
        streams: dict[Any, Any] = {self._key: ">"}
        read = command(Redis.xreadgroup, self.group, self.name, streams, number, block_ms)
        held = command(Redis.xpending_range, self._key, self.group, "-", "+", 1, self.name)
        answer, oldest = self._store.ask_many([read, held])
        taken = _entries_of(answer)
        return taken if taken and oldest and oldest[0]["message_id"] == taken[0][0] else []

    def holds(self) -> list[Entry]:
        """The oldest entry that this member took and did not process, alone; it counts as begun once more.

        What has been deleted from the stream meanwhile is acknowledged: it would stand before the others for ever.
        """
        while entries := self._oldest():
            if entries[0][1]:
                return entries
            self._store.ask(Redis.xack, self._key, self.group, entries[0][0])
        return []

    def claim(self) -> list[Entry]:
        """The oldest entry of a member that has given no sign of life, alone; it counts as begun once more.

        Where there is none, members that are gone are removed.
        """
        answer = self._store.ask(Redis.xautoclaim, self._key, self.group, self.name, self.claim_idle_ms, "0-0", 1)
        # Servers before 7.0 hand over also what has been deleted from the stream.
        entries = [(position, fields) for position, fields in answer[1] if fields]
        if not entries:
            self._remove_gone()
        return entries

    def begun(self, position: bytes) -> int:
        """How many times an entry was begun."""
        pending = self._store.ask(Redis.xpending_range, self._key, self.group, position, position, 1)
        return int(pending[0]["times_delivered"]) if pending else 1

    def acknowledge(self, position: bytes) -> bool:
        """Note that an entry was processed. False if it is not this member's any more: nothing changes then."""
        return bool(self._store.run("acknowledge_entry", [self._key], [self.group, self.name, position]))

    def renew(self) -> set[bytes]:
        """Give a sign of life: no other member claims what this one holds. Returns the positions."""
        return self._set_idle(0)

    def hand_back(self) -> None:
        """Let others claim at once what this member holds."""
        self._set_idle(2 * self.claim_idle_ms)

    def bury(self, position: bytes, fields: Mapping[bytes, bytes], reason: str) -> bool:
        """Put an entry to the group's dead letters. False if it is not this member's any more."""
        flat = [part for pair in islice(fields.items(), _MOST_FIELDS) for part in pair]
        keys = [self._key, self._store.keys.dead_letters(self.group)]
        about = [self.group, self.name, position, reason, self._letters_life_ms]
        buried = bool(self._store.run("bury_entry", keys, [*about, *flat]))
        if buried:
            log.error("dead_letter", extra={"group": self.group, "position": position.decode(), "reason": reason})
        return buried

    def leave(self) -> None:
        """Remove this member, unless it holds something."""
        self._store.run("remove_member", [self._key], [self.group, self.name])

    def _set_idle(self, idle_ms: int) -> set[bytes]:
        return set(self._store.run("renew_entries", [self._key], [self.group, self.name, idle_ms, _MOST_HELD]))

    def _remove_gone(self) -> None:
        """Remove members that hold nothing and have asked for nothing for an hour."""
        self._store.run("remove_members", [self._key], [self.group, _GONE_MS])

    def _oldest(self) -> list[Entry]:
        streams: dict[Any, Any] = {self._key: "0"}
        return _entries_of(self._store.ask(Redis.xreadgroup, self.group, self.name, streams, 1, None))


def _entries_of(answer: Any) -> list[Entry]:
    streams = answer.items() if isinstance(answer, dict) else answer or []
    return [entry for _, entries in streams for entry in _flat(entries)]


def _flat(found: Any) -> list[Any]:
    # redis-py 6 answers [[stream, entries]] for RESP2; with RESP3 the entries come in one more list.
    if found and isinstance(found[0], list) and found[0] and isinstance(found[0][0], (list, tuple)):
        return list(found[0])
    return list(found)
