"""The index of campaigns: their ids by the time at which they were made."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

_PER_ROUND_TRIP = 500


class CampaignIndex:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def __len__(self) -> int:
        """How many campaigns are kept, and of those that have expired what sweeping has not seen yet."""
        return int(self._store.ask(Redis.zcard, self._keys.index()))

    def pages(self, size: int) -> Iterator[list[str]]:
        """The ids of all campaigns, newest first, each once, up to `size` at a time. Some may have expired.

        A page begins where the last one ended in time, not in number. So campaigns that come or expire meanwhile
        move no others, and only the ids of one millisecond have to be remembered.
        """
        until, seen = "+inf", set[bytes]()
        while found := self._made_until(until, size, seen):
            yield [raw.decode() for raw, _ in found]
            (_, last_ms) = found[-1]
            if str(last_ms) != until:
                until, seen = str(last_ms), set()
            seen |= {raw for raw, made_ms in found if made_ms == last_ms}

    def _made_until(self, until: str, size: int, seen: set[bytes]) -> list[tuple[bytes, float]]:
        """Up to `size` ids that were made at `until` (unix ms) or before, newest first, without those `seen`."""
        key, most = self._keys.index(), size + len(seen)
        found = self._store.ask(
            Redis.zrange, key, until, "-inf", desc=True, withscores=True, byscore=True, offset=0, num=most
        )
        return [(raw, made_ms) for raw, made_ms in found if raw not in seen]

    def drop_expired(self, before_ms: int) -> None:
        """Drop ids whose campaigns have expired, among those made up to `before_ms` (unix ms)."""
        start = 0
        while old := self._made_before(before_ms, start):
            there = self._store.ask_many([command(Redis.exists, self._keys.campaign(i)) for i in old])
            gone = [i for i, exists in zip(old, there, strict=True) if not exists]
            if gone:
                self._store.ask(Redis.zrem, self._keys.index(), *gone)
            start += len(old) - len(gone)

    def _made_before(self, before_ms: int, start: int) -> list[str]:
        """Some ids, oldest first, from number `start` on: no call passes over those before."""
        stop = start + _PER_ROUND_TRIP - 1
        pairs = self._store.ask(Redis.zrange, self._keys.index(), start, stop, False, True)
        return [raw.decode() for raw, made_ms in pairs if made_ms <= before_ms]
