"""Batches: claimed by one worker, moved by compare-and-set."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from campaigns.acts import Act, packed
from campaigns.jobs.values import ImageFile
from campaigns.ledger.due_kinds import DueKind, queue_of
from campaigns.ledger.records import Batch
from campaigns.ledger.states import ACCEPTED, HELD, REACHED_FROM, SETTLED
from campaigns.measures import ACCEPTANCE
from campaigns.names import CONTROL
from campaigns.portions import portions
from campaigns.store.calls import Call, nothing
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Redis, command
from campaigns.store.keys import Keys

#: Batches, or owners of messages, that one round trip reads. More would keep other clients of the server waiting.
_PER_ROUND_TRIP = 500
#: Batches that are remembered because their message ids are not known yet.
_MOST_AWAITED = 10_000


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this worker owns until its lease ends. `body` is None if it has expired.

    `has_image`: whether its campaign has a file that goes with each message.
    """

    batch: Batch
    fence: str
    now_ms: int
    body: bytes | None = field(repr=False)
    has_image: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The batch must not be paid for: the states of it and of its campaign; or in `budget_s` the seconds until the
    account's budget may have room for it."""

    batch_state: str = ""
    campaign_state: str = ""
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state, decided elsewhere. `due` maps a kind of work to a delay in ms, or None to remove it."""

    to: str
    data: Mapping[str, object] = field(default_factory=dict)
    fields: Mapping[str, str | int] = field(default_factory=dict)
    due: Mapping[DueKind, int | None] = field(default_factory=dict)
    #: Of the person that decided it, if one did.
    act: Act | None = None
    #: Fields that the batch must have, each with its value.
    only_if: Mapping[str, str] = field(default_factory=dict)
    #: Whether nothing more is asked about the batch, so that it is settled in the same step.
    settles: bool = False

    def check(self, from_states: frozenset[str]) -> None:
        """Raises ValueError unless the move, and being settled after it, are in the table of states."""
        if self.settles and self.to not in REACHED_FROM[SETTLED]:
            raise ValueError(f"{SETTLED} does not follow {self.to}")
        if not from_states <= REACHED_FROM[self.to]:
            raise ValueError(f"{self.to} does not follow {', '.join(sorted(from_states - REACHED_FROM[self.to]))}")


@dataclass(frozen=True, slots=True)
class OutdatedSuppression:
    """The batch was checked against version `seen` of the suppression list, which has become `now` since."""

    seen: str
    now: str


def due_keys(keys: Keys, verb: DueKind, kind: str, account: str) -> tuple[str, str]:
    """The due set of a kind of work, and the accounts of its queue; the due set again where it belongs to none."""
    queue = queue_of(verb, kind)
    name = keys.due(queue, account)
    return name, name if queue == CONTROL else keys.accounts(queue)


class Batches:
    """Every method may raise StoreError."""

    #: `body_life_ms` is how long a body lives once its batch is accepted: deliveries are read against it.
    def __init__(self, store: Store, *, body_life_ms: int) -> None:
        self._store = store
        self._keys = store.keys
        self._body_life_ms = body_life_ms

    def move(self, batch: Batch, move: Move, *, from_states: Iterable[str], fence: str = "") -> bool:
        """Change the state if the batch is still in one of `from_states` (and has `fence`, if given).

        Returns whether it was changed. False means that another process was first: nothing to do.
        """
        return self.move_call(batch, move, from_states=from_states, fence=fence).run(self._store)

    def move_call(self, batch: Batch, move: Move, *, from_states: Iterable[str], fence: str = "") -> Call[bool]:
        """The call that `move` makes."""
        allowed = frozenset(from_states)
        move.check(allowed)
        keys = self._keys
        written = [part for pair in move.fields.items() for part in pair]
        due_keys, due = self._changes(batch, move.due)
        return Call(
            "move_batch",
            [
                keys.batch(batch.id),
                keys.campaign(batch.campaign_id),
                keys.events(),
                keys.active(),
                keys.body(batch.id),
                keys.audit(),
                keys.money(batch.account),
                keys.due(CONTROL),
                *due_keys,
            ],
            [
                secrets.token_hex(8),
                batch.id,
                batch.campaign_id,
                f",{','.join(sorted(allowed))},",
                fence,
                move.to,
                orjson.dumps(dict(move.data)),
                self._body_life_ms if move.to == ACCEPTED else 0,
                packed(move.act),
                ACCEPTANCE.packed if move.to == ACCEPTED else "",
                orjson.dumps(dict(move.only_if)) if move.only_if else "",
                "1" if move.settles else "",
                len(move.fields),
                *written,
                *due,
            ],
            _first_is_true,
        )

    def _changes(self, batch: Batch, due: Mapping[DueKind, int | None]) -> tuple[list[str], list[str | int]]:
        """Keys and arguments of `include/due.lua` for what changes."""
        names: list[str] = []
        args: list[str | int] = []
        for verb, delay_ms in due.items():
            names += due_keys(self._keys, verb, batch.kind, batch.account)
            args += [f"{verb}|{batch.id}", "" if delay_ms is None else delay_ms, batch.account]
        return names, args

    def note(
        self,
        batch: Batch,
        fields: Mapping[str, str | int],
        *,
        state: str,
        fence: str,
        recipients: int | None = None,
    ) -> bool:
        """Write facts on a batch that is still ours; the value 'now' becomes the server's time."""
        flat = [part for name, value in fields.items() for part in (name, value)]
        answer = self._store.run(
            "update_fields",
            [self._keys.batch(batch.id), self._keys.campaign(batch.campaign_id)],
            [state, fence, "" if recipients is None else recipients, *flat],
        )
        return bool(answer[0])

    def begin_confirming(self, batch: Batch, status_before: str, budgets: str = "") -> Refusal | None:
        """Note that a list mailing is about to be paid for; a Refusal, and nothing noted, if it must not be.

        A pause or cancel of the campaign since the claim is such a reason, and a budget without room for it. `budgets`
        are as scripts take them.
        """
        keys, account = self._keys, batch.account
        answer = self._store.run(
            "begin_confirming",
            [
                keys.batch(batch.id),
                keys.campaign(batch.campaign_id),
                keys.events(),
                keys.account(account),
                keys.money(account),
            ],
            [batch.fence, status_before, account, budgets, batch.campaign_id],
        )
        match answer:
            case [1]:
                return None
            case [2, wait_ms]:
                return Refusal(budget_s=wait_ms / 1000)
            case _:
                return Refusal(answer[1].decode(), answer[2].decode())

    def read(self, batch_id: str) -> Batch:
        """The batch as it is now; its state is empty if there is none."""
        return Batch.read(batch_id, decoded(self._store.ask(Redis.hgetall, self._keys.batch(batch_id))))

    def read_many(self, batch_ids: Sequence[str]) -> list[Batch]:
        """Batches in the order of their ids; up to 500 in one round trip."""
        return list(self.read_each(batch_ids))

    def read_each(self, batch_ids: Sequence[str]) -> Iterator[Batch]:
        """The same one by one: memory does not grow with their number."""
        for batches in self.read_in_portions(batch_ids):
            yield from batches

    def read_in_portions(self, batch_ids: Sequence[str], size: int = _PER_ROUND_TRIP) -> Iterator[list[Batch]]:
        """The same, up to `size` at a time, each time in one round trip."""
        for ids in portions(batch_ids, size):
            answers = self._store.ask_many([command(Redis.hgetall, self._keys.batch(i)) for i in ids])
            yield [Batch.read(i, decoded(fields)) for i, fields in zip(ids, answers, strict=True)]

    def body(self, batch_id: str) -> bytes | None:
        """What the request carries, without token and callback; None once it has expired."""
        packed = self._store.ask(Redis.get, self._keys.body(batch_id))
        return zlib.decompress(packed) if packed else None

    def image(self, campaign_id: str) -> ImageFile | None:
        """The file that every message of the campaign shows."""
        image = self._store.ask(Redis.hgetall, self._keys.image(campaign_id))
        if not image:
            return None
        return ImageFile(image[b"filename"].decode(), image[b"content_type"].decode(), image[b"content"])

    def lookalikes(self, fingerprint: str) -> Iterator[tuple[str, int]]:
        """Batches and mailings that would look the same in getViberMessages, in no order; there may be very many."""
        for member in self._store.ranked(self._keys.lookalikes(fingerprint)):
            batch_id, _, mailing = member.decode().rpartition(":")
            yield batch_id, int(mailing)

    def owner(self, account: str, message_id: int) -> tuple[str, int] | None:
        """Which batch and mailing the gateway's message id belongs to."""
        return self.owners(account, [message_id]).get(message_id)

    def owners(self, account: str, message_ids: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Message id → batch and mailing that it belongs to, for those that belong to one; up to 500 a round trip."""
        found = {}
        for ids in portions(message_ids, _PER_ROUND_TRIP):
            values = self._store.ask(Redis.mget, [self._keys.message(account, message_id) for message_id in ids])
            for message_id, value in zip(ids, values, strict=True):
                if value is not None:
                    batch_id, _, mailing = value.decode().rpartition(":")
                    found[message_id] = batch_id, int(mailing)
        return found

    def own(self, batch: Batch, message_ids: Mapping[int, int], life_ms: int) -> bool:
        """Take mailings (number in the batch → message id) as the batch's own; False if one is another batch's."""
        keys = [self._keys.message(batch.account, message_id) for message_id in message_ids.values()]
        return bool(self._store.run("claim_messages", keys, [life_ms, *(f"{batch.id}:{m}" for m in message_ids)]))

    def foreign(self, batch: Batch) -> frozenset[int]:
        """Message ids that are known to go to none of the phones of a batch in doubt."""
        return frozenset(int(raw) for raw in self._store.members(self._keys.foreign(batch.id)))

    def note_foreign(self, batch: Batch, message_ids: Sequence[int], life_ms: int) -> None:
        """Remember such ids for `life_ms` more, so that no check opens them again."""
        key = self._keys.foreign(batch.id)
        if message_ids:
            self._store.ask(Redis.sadd, key, *message_ids)
            self._store.ask(Redis.pexpire, key, life_ms)

    def drop_expired(self, before_ms: int) -> None:
        """Drop from the lists of what is held the batches that have expired, among those held before (unix ms)."""
        for raw in self._store.members(self._keys.metrics()):
            waiting = self._keys.waiting(raw.decode(), HELD)
            old = self._store.ask(Redis.zrangebyscore, waiting, "-inf", before_ms, 0, _PER_ROUND_TRIP)
            there = self._store.ask_many(
                [command(Redis.exists, self._keys.batch(batch_id.decode())) for batch_id in old]
            )
            gone = [batch_id for batch_id, exists in zip(old, there, strict=True) if not exists]
            if gone:
                self._store.ask(Redis.zrem, waiting, *gone)

    def await_message_ids_call(self, batch: Batch, life_ms: int) -> Call[None]:
        """The call that records that the message ids of a batch are not known yet, only its uuid."""
        args = [batch.id, batch.number("claimed_ms"), _MOST_AWAITED, life_ms]
        return Call("await_message_ids", [self._keys.awaited(batch.account)], args, nothing)


def _first_is_true(answer: Sequence[Any]) -> bool:
    return bool(answer[0])
