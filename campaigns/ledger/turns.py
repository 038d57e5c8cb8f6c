"""Turns: what a worker takes from a queue, and the bells that make workers begin one."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from campaigns.ledger.batches import Claim, OutdatedSuppression
from campaigns.ledger.due import Entry
from campaigns.ledger.primary import Witness
from campaigns.ledger.records import Batch
from campaigns.names import CONTROL, POLL, QUICK, REPLIES
from campaigns.store.calls import Call
from campaigns.store.client import Store, paired
from campaigns.store.keys import Keys

#: A turn that makes no call for this time has died. One that waits for its requests has their deadline in addition.
_LEASE_MS = 4_000
#: An entry whose worker dies is due again after this time.
AGAIN_MS = 30_000


@dataclass(frozen=True, slots=True)
class TakenRead:
    """A due poll, fetch of replies or check of the listing, with the id of the permit for its first request."""

    entry: Entry
    account: str
    permit_id: str
    batch: Batch
    now_ms: int


@dataclass(frozen=True, slots=True)
class ToCheck:
    """A batch whose phones must be checked against opt-outs and frequency cap before it can be claimed."""

    batch_id: str
    outdated: OutdatedSuppression


@dataclass(frozen=True, slots=True)
class NoToken:
    """An account of which something is due, and whose token this worker does not have."""

    account: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call of a turn brought.

    `goes_on`: whether the turn may take more. It may not once it has nothing under way and another turn does what is
    left, or nothing is due within its patience. `wait_ms`: until more can be done; None if nothing stands in the queue.
    `ring`: whether to ring a bell for another worker, as more is due than this turn can take. `taken`: entries of the
    control queue, `TakenRead`, or `Claim` and `ToCheck`, by the queue. `server`: what `Witness.remember` takes.
    """

    goes_on: bool
    wait_ms: int | None
    ring: bool
    taken: Sequence[Any]
    server: tuple[int, int] | None = None


class Turns:
    """The calls of turns. `limits` and `budgets` are as scripts take them; without budgets it is ''.

    `accounts`: those whose token this process has; None if it works for all. What is due of `others`, whose tokens
    other workers have, is left to these.
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Sequence[int],
        lease_ms: int,
        deadline_ms: int,
        budgets: Callable[[], str] = str,
        accounts: Iterable[str] | None = None,
        others: Iterable[str] = (),
    ) -> None:
        self._store = store
        self._keys = store.keys
        self.witness = Witness(store)
        self._limits = limits
        self._budgets = budgets
        # A name that no account has, where there is none: an empty text means all.
        self._accounts = "" if accounts is None else f",{','.join([*accounts, '-'])},|,{','.join(others)},"
        self._lease_ms = lease_ms
        self._full_ms = deadline_ms + _LEASE_MS

    def begin(self, queue: str, worker: str, patience_ms: int) -> Turn:
        """A turn of `worker` (the name of its process) that waits for `patience_ms` where nothing can be done yet."""
        name = f"{queue} {worker.replace(' ', '_') or '-'} {secrets.token_hex(6)}"
        facts: list[int | str] = [*self._limits, self._accounts]
        lives = (self._lease_ms, self._full_ms)
        return Turn(self._keys, queue, name, patience_ms, facts, self._budgets, lives, self.witness)

    def ring(self, queue: str, *, silence_ms: int = 0) -> bool:
        """Whether a bell is to be rung for a queue. Raises StoreError."""
        return self.ring_call(queue, silence_ms=silence_ms).run(self._store)

    def ring_call(self, queue: str, *, silence_ms: int = 0, ended: str = "") -> Call[bool]:
        """The call that `ring` makes. `ended` is a turn that is over."""
        keys = self._keys
        due = keys.due(CONTROL) if queue == CONTROL else keys.accounts(queue)
        names = [keys.bells(queue), keys.turns(), keys.full_turns(), keys.workers(), keys.taken(queue)]
        return Call("ring_bell", [due, *names], [queue, secrets.token_hex(6), silence_ms, ended], bool)


class Turn:
    """One turn: `name` is its own, `calls` counts what it asked."""

    def __init__(
        self,
        keys: Keys,
        queue: str,
        name: str,
        patience_ms: int,
        facts: Sequence[int | str],
        budgets: Callable[[], str],
        lives: tuple[int, int],
        witness: Witness,
    ) -> None:
        self.queue = queue
        self.name = name
        self.calls = 0
        self._keys = keys
        self._patience_ms = patience_ms
        self._facts = facts
        self._budgets = budgets
        self._batch_lease_ms, self._full_ms = lives
        self._witness = witness

    def take_call(self, most: int, under_way: int) -> Call[Answer]:
        """The call that takes up to `most` things while `under_way` requests of the turn are."""
        self.calls += 1
        head = [self.queue, self.name, self.calls, _LEASE_MS, self._full_ms, under_way, self._patience_ms]
        if self.queue == CONTROL:
            names = [self._keys.due(CONTROL), *self._who(), self._keys.taken(CONTROL)]
            return Call("take_due", names, [*head, AGAIN_MS, most], _read_entries)
        if self.queue in {POLL, REPLIES}:
            ids = [secrets.token_hex(8) for _ in range(most)]
            return Call("take_reads", self._read_keys(), [*head, AGAIN_MS, *self._facts, *ids], _read_reads)
        kind = "quick" if self.queue == QUICK else "paid"
        known = self._witness.known_by_process()
        args = [*head, self._batch_lease_ms, kind, *self._facts, *known, self._budgets(), secrets.token_hex(6), most]
        return Call("take_sends", self._send_keys(), args, _read_sends)

    def _who(self) -> list[str]:
        keys = self._keys
        return [keys.bells(self.queue), keys.turns(), keys.full_turns(), keys.workers()]

    def _send_keys(self) -> list[str]:
        keys = self._keys
        whole = [keys.turn(self.name), keys.events(), keys.optouts(), keys.optouts_counter(), keys.due(CONTROL)]
        bases = [keys.due(self.queue), keys.order(self.queue), keys.due(POLL), keys.account(""), keys.permits("")]
        return [
            keys.accounts(self.queue),
            *self._who(),
            *whole,
            keys.accounts(POLL),
            keys.taken(self.queue),
            *bases,
            keys.batch(""),
            keys.campaign(""),
            keys.body(""),
            keys.primary(),
            keys.stream(),
            keys.image(""),
            keys.money(""),
            keys.left(self.queue),
            keys.with_token(),
        ]

    def _read_keys(self) -> list[str]:
        keys, other = self._keys, REPLIES if self.queue == POLL else POLL
        bases = [keys.due(self.queue), keys.due(other), keys.account(""), keys.permits(""), keys.batch("")]
        return [
            keys.accounts(self.queue),
            *self._who(),
            keys.turn(self.name),
            keys.taken(self.queue),
            keys.accounts(other),
            *bases,
            keys.left(self.queue),
            keys.with_token(),
        ]


def _read_entries(answer: Sequence[Any]) -> Answer:
    _, taken, head = _parts(answer)
    return Answer(*head, [Entry.read(raw) for raw in taken])


def _read_reads(answer: Sequence[Any]) -> Answer:
    now_ms, taken, head = _parts(answer)
    return Answer(*head, [_taken_read(row, now_ms) for row in taken])


def _read_sends(answer: Sequence[Any]) -> Answer:
    now_ms, (*taken, last), head = _parts(answer)
    _, epoch, claims = last
    return Answer(*head, [_taken_send(row, now_ms) for row in taken], (int(epoch), int(claims)))


def _parts(answer: Sequence[Any]) -> tuple[int, Sequence[Any], tuple[bool, int | None, bool]]:
    """The time of an answer (unix ms), what was taken, and the first three fields of `Answer`."""
    now_ms, goes_on, wait_ms, ring, *taken = answer
    wait_ms = int(wait_ms)
    return int(now_ms), taken, (bool(goes_on), wait_ms if wait_ms >= 0 else None, bool(ring))


def _taken_read(row: Sequence[Any], now_ms: int) -> TakenRead | NoToken:
    if not row[0]:
        return NoToken(row[1].decode())
    entry = Entry.read(row[0])
    batch = Batch.read(entry.id, paired(orjson.loads(row[3])))
    return TakenRead(entry, row[1].decode(), row[2].decode(), batch, now_ms)


def _taken_send(row: Sequence[Any], now_ms: int) -> Claim | ToCheck | NoToken:
    if row[0] == 3:
        return NoToken(row[1].decode())
    batch_id = row[1].decode()
    if row[0] == 2:
        return ToCheck(batch_id, OutdatedSuppression(row[2].decode(), row[3].decode()))
    batch = Batch.read(batch_id, paired(orjson.loads(row[3])))
    return Claim(batch, batch.fence, now_ms, _unpacked(row[2]), bool(row[4]))


def _unpacked(body: bytes | None) -> bytes | None:
    """A body that cannot be read is as good as gone; the others that were claimed with it are sent."""
    try:
        return zlib.decompress(body) if body else None
    except zlib.error:
        return None
