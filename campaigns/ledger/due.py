"""What is due when: one sorted set per queue. An entry is `<verb>|<batch id>`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.ledger.batches import queue_of
from campaigns.store import ScriptCall, Store


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is due of one batch."""

    verb: str
    batch_id: str

    @classmethod
    def read(cls, raw: bytes) -> Entry:
        verb, _, batch_id = raw.decode().partition("|")
        return cls(verb, batch_id)

    def __str__(self) -> str:
        return f"{self.verb}|{self.batch_id}"


def taken(answer: Sequence[bytes]) -> list[Entry]:
    """What the answer of `taking` says: the entries that were taken."""
    return [Entry.read(raw) for raw in answer[1:]]


class Due:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def take(self, queue: str, limit: int, again_ms: int, verb: str = "") -> list[Entry]:
        """Up to `limit` entries that are due. Each is due again after `again_ms`: wake-ups get lost."""
        return taken(self._store.run(*self.taking(queue, limit, again_ms, verb)))

    def taking(self, queue: str, limit: int, again_ms: int, verb: str = "") -> ScriptCall:
        """The call that `take` makes, for whoever has more to say in the same round trip."""
        return "take_due", [self._keys.due(queue)], [limit, again_ms, f"{verb}|" if verb else ""]

    def put(self, entry: Entry, kind: str, at_ms: int) -> None:
        """Make an entry due at `at_ms`, whenever it was due before."""
        self._store.run(*self.putting(entry, kind, at_ms))

    def putting(self, entry: Entry, kind: str, at_ms: int) -> ScriptCall:
        """The call that `put` makes, for whoever has more to say in the same round trip."""
        return "put_due", [self._keys.due(queue_of(entry.verb, kind))], [str(entry), at_ms]

    def put_missing(self, entries: Sequence[tuple[Entry, str, int]]) -> int:
        """Add those of `entries` (entry, kind, due at ms) that stand nowhere. Returns how many did not."""
        added = self._store.ask_many(
            "zadd",
            [(self._keys.due(queue_of(e.verb, kind)), {str(e): at_ms}, True) for e, kind, at_ms in entries],
        )
        return sum(added)

    def drop(self, entry: Entry, kind: str) -> None:
        """Nothing is due of it any more."""
        self._store.ask("zrem", self._keys.due(queue_of(entry.verb, kind)), str(entry))

    def depth(self, queue: str, now_ms: int) -> tuple[int, int | None]:
        """How many entries are due now, and since when the oldest is (unix ms)."""
        key = self._keys.due(queue)
        oldest = self._store.ask("zrange", key, 0, 0, False, True)
        since = int(oldest[0][1]) if oldest and oldest[0][1] <= now_ms else None
        return int(self._store.ask("zcount", key, "-inf", now_ms)), since
