"""The record of what people did: newest first, and for how long it is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from campaigns.acts import Act, packed
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Redis

_PER_ROUND_TRIP = 500


@dataclass(frozen=True, slots=True)
class Record:
    """One act that was done at `at_ms` (unix ms). `number`: how many recipients or phones it was about, if it counts.

    `deed` is one of `campaigns.acts.Deed`, as text: a later version may know more of them.
    """

    at_ms: int
    deed: str
    of: str
    by: str
    why: str
    detail: str
    number: int | None


class Audit:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def note(self, act: Act) -> None:
        """Keep a record of an act that takes many scripts, before the first of them."""
        self._store.run("record_act", [self._keys.audit()], [packed(act), secrets.token_hex(8)])

    def newest(self, since_ms: int = 0) -> Iterator[Record]:
        """Acts since `since_ms` (unix ms), newest first, read a portion at a time."""
        before = "+"
        while entries := self._store.ask(Redis.xrevrange, self._keys.audit(), before, "-", _PER_ROUND_TRIP):
            for _, fields in entries:
                record = _read(decoded(fields))
                if record.at_ms < since_ms:
                    return
                yield record
            before = f"({entries[-1][0].decode()}"

    def trim(self, life_ms: int) -> None:
        """Drop what is older than `life_ms`."""
        oldest_ms = max(0, self._store.now_ms() - life_ms)
        self._store.ask(Redis.xtrim, self._keys.audit(), None, True, oldest_ms)


def _read(fields: dict[str, str]) -> Record:
    deed, of, by, why, detail = (fields.get(name, "") for name in ("deed", "of", "by", "why", "detail"))
    number = fields.get("number")
    return Record(int(fields["at_ms"]), deed, of, by, why, detail, int(number) if number else None)
