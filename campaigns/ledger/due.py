"""What is due when: one sorted set per queue and account. An entry is `<kind of work>|<id>`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from campaigns.ledger.due_kinds import queue_of
from campaigns.names import CONTROL
from campaigns.portions import portions
from campaigns.store.calls import Call
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

#: Entries that one command asks for.
_PER_ROUND_TRIP: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is due of one batch, or of a campaign."""

    verb: str
    id: str

    @classmethod
    def read(cls, raw: bytes) -> Entry:
        verb, _, of = raw.decode().partition("|")
        return cls(verb, of)

    def __str__(self) -> str:
        return f"{self.verb}|{self.id}"


class Owned(Protocol):
    """What decides in which set an entry stands: a batch, or the facts of its campaign."""

    @property
    def kind(self) -> str: ...
    @property
    def account(self) -> str: ...


class Due:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def put(self, entry: Entry, of: Owned, at_ms: int) -> None:
        """Make an entry due at `at_ms` (unix ms), whenever it was due before."""
        self.put_call([(entry, of, at_ms)]).run(self._store)

    def hasten(self, entry: Entry, of: Owned, at_ms: int) -> None:
        """Make an entry due by `at_ms` (unix ms). One that is due before keeps its place in the line."""
        self.put_call([(entry, of, at_ms)], unless="LT").run(self._store)

    def still_due(self, entries: Sequence[Entry], of: Owned, by_ms: int) -> bool:
        """Whether one of the entries, all of one verb, was due by then (unix ms) and has not been taken since."""
        due = self._keys.due(queue_of(entries[0].verb, of.kind), of.account)
        for portion in portions(entries, _PER_ROUND_TRIP):
            moments = self._store.ask(Redis.zmscore, due, [str(entry) for entry in portion])
            if any(moment is not None and moment <= by_ms for moment in moments):
                return True
        return False

    def put_call(
        self, entries: Sequence[tuple[Entry, Owned, int]], *, unless: Literal["", "NX", "LT"] = ""
    ) -> Call[int]:
        """The call that makes entries due, unless they stand there already (`NX`) or are due before (`LT`).

        Returns how many stood nowhere before.
        """
        keys: list[str] = []
        args: list[str | int] = []
        for entry, of, at_ms in entries:
            queue = queue_of(entry.verb, of.kind)
            due = self._keys.due(queue, of.account)
            keys += [due, due if queue == CONTROL else self._keys.accounts(queue)]
            args += [str(entry), of.account, at_ms, unless]
        return Call("put_due", keys, args, int)

    def put_missing(self, entries: Sequence[tuple[Entry, Owned, int]]) -> int:
        """Add those of `entries` (entry, whose, due at ms) that stand nowhere. Returns how many did not."""
        return self.put_call(entries, unless="NX").run(self._store)

    def drop(self, entry: Entry, of: Owned) -> None:
        """Nothing is due of it any more."""
        self._store.ask(Redis.zrem, self._keys.due(queue_of(entry.verb, of.kind), of.account), str(entry))

    def put_control(self, entry: Entry, at_ms: int) -> None:
        """Make an entry of the control queue due at `at_ms`."""
        self._store.ask(Redis.zadd, self._keys.due(CONTROL), {str(entry): at_ms})

    def keep_in_control(self, entries: Sequence[Entry], at_ms: int) -> None:
        """Make those of `entries` due at `at_ms` that do not stand in the control queue."""
        self._store.ask(Redis.zadd, self._keys.due(CONTROL), {str(entry): at_ms for entry in entries}, True)

    def drop_control(self, entry: Entry) -> None:
        """Nothing is due of it in the control queue any more."""
        self._store.ask(Redis.zrem, self._keys.due(CONTROL), str(entry))

    def depth(self, queue: str, now_ms: int) -> tuple[int, int | None]:
        """How many entries are due now, and since when a worker could have taken one (unix ms), over all accounts.

        Where batches are sent, a campaign that has not been handed out whole counts as one entry. An account that
        cannot act, because it is paused or at its limit, does not count as late.
        """
        since_ms = self.late_since_ms(queue, now_ms)
        if queue == CONTROL:
            return self._due_now([self._keys.due(CONTROL)], now_ms), since_ms
        names = self._store.ask(Redis.zrange, self._keys.accounts(queue), 0, -1)
        accounts = [raw.decode() for raw in names]
        waiting = sum(self._store.ask_many([command(Redis.zcard, self._keys.order(queue, a)) for a in accounts]))
        due = self._due_now([self._keys.due(queue, account) for account in accounts], now_ms)
        return due + waiting, since_ms

    def waiting(self, queue: str, now_ms: int, until_ms: int) -> dict[str, int]:
        """Accounts that can act by `until_ms`, each with how many entries it has by then; '' for the control queue.

        Accounts that pause for longer are missing. A campaign that has not been handed out whole counts as one.
        """
        if queue == CONTROL:
            number = self._due_now([self._keys.due(CONTROL)], now_ms)
            return {"": number} if number else {}
        names = self._store.ask(Redis.zrangebyscore, self._keys.accounts(queue), "-inf", until_ms)
        accounts = [raw.decode() for raw in names]
        ordered = self._store.ask_many([command(Redis.zcard, self._keys.order(queue, account)) for account in accounts])
        due = self._store.ask_many(
            [command(Redis.zcount, self._keys.due(queue, a), "-inf", until_ms) for a in accounts]
        )
        return {account: first + then for account, first, then in zip(accounts, ordered, due, strict=True)}

    def late_since_ms(self, queue: str, now_ms: int) -> int | None:
        """Since when a worker could have taken something from `queue` (unix ms), None if nothing can be taken now."""
        name = self._keys.due(CONTROL) if queue == CONTROL else self._keys.accounts(queue)
        first = self._store.ask(Redis.zrange, name, 0, 0, False, True)
        return int(first[0][1]) if first and first[0][1] <= now_ms else None

    def _due_now(self, names: Sequence[str], now_ms: int) -> int:
        return sum(self._store.ask_many([command(Redis.zcount, name, "-inf", now_ms) for name in names]))
