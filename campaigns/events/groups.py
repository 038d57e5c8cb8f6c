"""Groups of consumers, seen from outside: how far they are, their dead letters, setting them back, deleting them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_READ = 200
_LAST_OF_MS = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Group:
    """How far a group is. `pending`: taken and not acknowledged. `last`: position of the newest event it took.

    `oldest_ms` is when the oldest event was written that it has not acknowledged (unix ms), None if there is none;
    `unread` is how many those are, or where the server does not know it, how many they may be. `raw` is its name as
    the server has it, which need not be text.
    """

    name: str
    consumers: int
    pending: int
    last: str
    oldest_ms: int | None
    unread: int
    raw: bytes

    @property
    def last_ms(self) -> int:
        """When the newest event that it took was written, unix milliseconds; 0 if it took none."""
        return int(self.last.partition("-")[0])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a group could not digest. `fields` is the entry as it stood in the stream; `id` its place among these."""

    id: str
    position: str
    reason: str
    deliveries: int
    dead_ms: int
    fields: dict[str, str] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Groups:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = store.keys.events()

    def all(self) -> list[Group]:
        """Every group of the stream, the one that is furthest behind first."""
        groups = [_group(*facts) for facts in self._store.run("read_groups", [self._key])]
        return sorted(groups, key=lambda group: group.last_ms)

    def rewind(self, name: str, since: datetime | str) -> None:
        """Let a group read again from `since` on: see `position_of`. What is pending stays so. Raises ValueError."""
        start = position_of(since)
        known = self._raw(name)
        if known is None:
            self._store.create_group(self._key, name, start)
        self._store.ask(Redis.xgroup_setid, self._key, known or name, start)

    def delete(self, name: str) -> bool:
        """Delete a group that no consumer reads any more, so that trimming need not wait for it. Whether it existed."""
        self._store.ask(Redis.unlink, self._store.keys.dead_letters(name))
        known = self._raw(name)
        return known is not None and bool(self._store.ask(Redis.xgroup_destroy, self._key, known))

    def dead_letters(self, name: str) -> Iterator[DeadLetter]:
        """The dead letters of a group, oldest first."""
        key, start = self._store.keys.dead_letters(name), "-"
        while entries := self._store.ask(Redis.xrange, key, start, "+", _PER_READ):
            yield from (_dead_letter(letter_id, raw) for letter_id, raw in entries)
            start = f"({entries[-1][0].decode()}"

    def remove_dead_letter(self, name: str, letter_id: str) -> bool:
        """Drop a dead letter that was dealt with. Whether there was one."""
        return bool(self._store.ask(Redis.xdel, self._store.keys.dead_letters(name), letter_id))

    def _raw(self, name: str) -> bytes | None:
        """The name as the server has it; None if the group does not exist."""
        return next((group.raw for group in self.all() if group.name == name), None)


def _group(raw: bytes, consumers: int, pending: int, last: bytes, oldest: bytes, unread: int) -> Group:
    oldest_ms = int(oldest.partition(b"-")[0]) if oldest else None
    return Group(_text(raw), consumers, pending, last.decode(), oldest_ms, unread, raw)


def _dead_letter(letter_id: bytes, raw: dict[bytes, bytes]) -> DeadLetter:
    """As much of it as can be read: an entry that others wrote may hold anything, also in our fields."""
    fields = {_text(name): _text(value) for name, value in raw.items()}
    position, reason = fields.pop("position", ""), fields.pop("reason", "")
    deliveries, dead_ms = _number(fields.pop("deliveries", "")), _number(fields.pop("dead_ms", ""))
    return DeadLetter(letter_id.decode(), position, reason, deliveries, dead_ms, fields)


def _text(raw: bytes) -> str:
    r"""Bytes as text; bytes that are not UTF-8 are escaped (`\xff`)."""
    return raw.decode("utf-8", "backslashreplace")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else 0


def position_of(since: datetime | str) -> str:
    """The position after which to read.

    A time (aware datetime, or ISO 8601 text with an offset): events from it on. A position such as
    `1795475731576-0`: events after it. `0`: all that is kept; `$`: only new ones. Raises ValueError for anything else.
    """
    if isinstance(since, str):
        first, _, second = since.partition("-")
        if since in {"0", "$"} or (first.isdecimal() and (second or "0").isdecimal() and len(first) > 8):
            return since
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            raise ValueError(f"{since!r} is neither a time such as 2026-10-30T22:56:00Z nor a position") from None
    if since.tzinfo is None:
        raise ValueError(f"{since.isoformat()} has no offset from UTC, such as Z or +03:00")
    at_ms = round(since.timestamp() * 1000)
    return f"{at_ms - 1}-{_LAST_OF_MS}" if at_ms > 0 else "0"
