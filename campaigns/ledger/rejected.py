"""Messages at the door in which no job could be found: what is known of each, for people. Never their content.

A message may hold phones that could not be found again to erase, so it is not kept; its sender has it, and finds it by
its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from campaigns.store.client import Store
from campaigns.store.commands import Redis

#: The oldest go when there are more.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that was put aside. `digest` names it here, `id` is what its sender called it, if anything."""

    digest: str
    at_ms: int
    queue: str
    task: str
    id: str
    origin: str
    size: int
    reason: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class RejectedMessages:
    """The dead letters of the door. Every method may raise StoreError."""

    def __init__(self, store: Store, *, life_ms: int) -> None:
        self._store = store
        self._life_ms = life_ms
        self._index, self._facts = store.keys.rejected(), store.keys.rejected_facts()

    def add(self, digest: str, facts: Mapping[str, str | int]) -> bool:
        """Keep the facts, with an event. False if this message is known."""
        keys = [self._index, self._facts, self._store.keys.submissions(), self._store.keys.events()]
        args = [digest, orjson.dumps(dict(facts)), MOST, self._life_ms]
        return bool(self._store.run_safely("reject_submission", keys, args))

    def __len__(self) -> int:
        return int(self._store.ask(Redis.zcard, self._index))

    def newest(self, most: int = MOST) -> Iterator[Rejected]:
        """The newest first."""
        found = self._store.ask(Redis.zrevrange, self._index, 0, most - 1, True)
        if not found:
            return
        facts = self._store.ask(Redis.hmget, self._facts, [digest for digest, _ in found])
        for (digest, at_ms), packed in zip(found, facts, strict=True):
            if packed is not None:
                about = orjson.loads(packed)
                del about["message"]
                yield Rejected(digest=digest.decode(), at_ms=int(at_ms), **about)

    def discard(self, digest: str) -> bool:
        """It was dealt with. False if there is none of this name."""
        self._store.ask(Redis.hdel, self._facts, digest)
        return bool(self._store.ask(Redis.zrem, self._index, digest))

    def discard_all(self) -> int:
        """All were dealt with. Returns how many there were."""
        number = len(self)
        self._store.ask(Redis.unlink, self._index, self._facts)
        return number
