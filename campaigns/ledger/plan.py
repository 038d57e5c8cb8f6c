"""One plan: a campaign on its way into the ledger, invisible to workers until it is complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from campaigns.errors import NotReplicatedError, StateError, StoreError
from campaigns.jobs.values import ImageFile
from campaigns.ledger.due_kinds import PLAN
from campaigns.ledger.whole_plan import NewBatch, PlanHead, compressed, lookalikes_of, packed_mailings
from campaigns.names import CONTROL
from campaigns.portions import portions
from campaigns.store.client import ScriptCall, Store
from campaigns.store.commands import Redis, command

_PER_ROUND_TRIP = 200
_ROWS_PER_CALL = 500
#: Longer than any server stands still before its clients' connections are gone.
_ON_THEIR_WAY_MS = 3_600_000


class Plan:
    """One plan under way. Every call raises StateError once the plan was abandoned."""

    def __init__(self, store: Store, head: PlanHead) -> None:
        self.head = head
        self.campaign_id = head.campaign_id
        self.batches = 0
        self._store = store
        self._keys = store.keys
        self._exclusion_calls = 0
        self._first_ms: int | None = None
        self._canary = 0

    def opening(self, optouts: str) -> ScriptCall:
        """The call that opens it; see `owner`. `optouts`: version of the opt-outs that planning goes by."""
        keys, mine = self._keys, self._keys.campaign(self.campaign_id)
        return (
            "open_plan",
            [self.head.name_of_key(keys), mine, keys.active(), keys.index(), keys.due(CONTROL)],
            [self.campaign_id, self.head.has_key, self.head.token, self.head.lease_ms, optouts, *self.head.fields],
        )

    @staticmethod
    def owner(answer: bytes) -> str:
        """The id of the campaign that has the key, by the answer to the call that opens a plan."""
        return answer.decode().partition(" ")[0]

    def store_image(self, image: ImageFile) -> None:
        """The file that every message of the campaign shows."""
        fields: dict[Any, Any] = {
            "filename": image.filename,
            "content_type": image.content_type,
            "content": image.content,
        }
        self._store.ask(Redis.hset, self._keys.image(self.campaign_id), None, None, fields)

    def add(self, batches: Sequence[NewBatch]) -> None:
        """Store batches; a few hundred a round trip."""
        for some in portions(batches, _PER_ROUND_TRIP):
            self._check(min(self._store.run_in_turn([self.adding(batch) for batch in some])))

    def exclude(self, reason: str, rows: Iterable[Sequence[str]]) -> None:
        """Record recipients that are not messaged: `rows` of place, phone as handed in, and why if need be."""
        for call in self.excluding(reason, rows):
            self._check(self._store.run(*call))

    def excluding(self, reason: str, rows: Iterable[Sequence[str]]) -> Iterator[ScriptCall]:
        """The calls that `exclude` makes."""
        packed = [orjson.dumps([reason, *row]) for row in rows]
        for some in portions(packed, _ROWS_PER_CALL):
            self._exclusion_calls += 1
            keys = [self._keys.campaign(self.campaign_id), self._keys.excluded(self.campaign_id)]
            args = [self.head.token, self.head.lease_ms, self._exclusion_calls, reason]
            yield "record_exclusions", keys, [*args, *some]

    def finish(self, digest: str, total: int, draft: str = "") -> None:
        """The campaign becomes ready, all of it at once; where it must be replicated, once it is.

        `draft` is why it becomes a draft instead. `total` is the number of recipients that it was handed in with, by
        which the store sees that nothing is missing. Raises StoreError if the replicas lack it: it is a plan still, and
        to be dropped.
        """
        try:
            (answer,) = self._store.run_all_safely([self.finishing(digest, total, draft)])
        except NotReplicatedError as error:
            self.take_back(error)
            return
        self._check(answer)
        self.let_go()

    def guard(self, openings: Mapping[str, str]) -> None:
        """Write what keeps batches back: their windows, by zone, and the canary. It comes before `finish`."""
        (zone,) = openings if len(openings) == 1 else ("",)
        canary = self._canary if 0 < self._canary < self.batches else ""
        if openings or canary:
            flat = [part for pair in openings.items() for part in pair]
            self._store.run("guard_campaign", [self._keys.campaign(self.campaign_id)], [zone, canary, *flat])

    def let_go(self) -> None:
        """The replicas have the campaign: it may go out."""
        if self._store.replicas:
            # Were this lost, it would go out a moment later by itself.
            with suppress(StoreError):
                keys, queue = self._keys, self.head.queue
                of_queue = [keys.due(queue, self.head.account), keys.accounts(queue)]
                self._store.run("release_plan", of_queue, [self.campaign_id, self.head.account])

    def take_back(self, error: NotReplicatedError) -> None:
        """Make a plan again of a campaign that the replicas lack. Raises StoreError unless it went out already."""
        keys = self._keys
        names = [keys.campaign(self.campaign_id), keys.events(), keys.due(self.head.queue, self.head.account)]
        if self._store.run("take_back_plan", names, [self.campaign_id, self.head.token, self.head.lease_ms]):
            raise StoreError(f"nothing is stored: {error.having} of {error.wanted} replicas answered")

    def finishing(self, digest: str, total: int, draft: str = "") -> ScriptCall:
        """The call that `finish` makes. Its answer is 1 if the campaign is ready, or a draft."""
        keys, queue = self._keys, self.head.queue
        of_queue = [keys.due(queue, self.head.account), keys.accounts(queue), keys.due(CONTROL)]
        return (
            "finish_plan",
            [keys.campaign(self.campaign_id), keys.events(), *of_queue, keys.primary(), keys.workers()],
            [
                self.campaign_id,
                self.head.token,
                digest,
                self.head.account,
                self._first_ms or 0,
                *kept_back(self._store),
                self.batches,
                total,
                draft,
            ],
        )

    def drop(self) -> bool:
        """Leave no trace: the producer refuses the job after all. False if it is not a plan any more."""
        if not drop_plan(self._store, self.campaign_id, key=self.head.key, token=self.head.token):
            return False
        keys = self._keys
        self._store.ask(Redis.delete, keys.campaign(self.campaign_id))
        self._store.ask(Redis.srem, keys.active(), self.campaign_id)
        self._store.ask(Redis.zrem, keys.index(), self.campaign_id)
        return True

    def revoke(self) -> bool:
        """Where no answer came: whether nothing of it is stored. Then calls that are under way store nothing either."""
        return bool(self._store.run("revoke_plan", [self._keys.campaign(self.campaign_id)], [_ON_THEIR_WAY_MS]))

    def adding(self, batch: NewBatch) -> ScriptCall:
        """The call by which `add` stores one batch."""
        keys, batch_id = self._keys, f"{self.campaign_id}-{self.batches}"
        self.batches += 1
        self._canary += batch.canary
        self._first_ms = batch.not_before_ms if self._first_ms is None else min(self._first_ms, batch.not_before_ms)
        return (
            "add_batch",
            [
                keys.campaign(self.campaign_id),
                keys.batch(batch_id),
                keys.body(batch_id),
                *lookalikes_of(keys, batch),
            ],
            [
                self.head.token,
                self.head.lease_ms,
                batch_id,
                batch.recipients,
                compressed(batch.body),
                self.head.body_life_ms,
                self.head.lookalikes_life_ms,
                self.head.account,
                self.head.kind,
                packed_mailings(batch),
                batch.not_before_ms,
                *self.head.of_batches,
                *(["zone", batch.zone] if batch.zone else []),
            ],
        )

    def _check(self, answer: int) -> None:
        if answer != 1:
            raise StateError("go on planning", "abandoned")


def kept_back(store: Store) -> list[int]:
    """Replicas that must have a campaign before it goes out, and for how long it waits for them (ms)."""
    wait_ms = round(2000 * store.patience_s) if store.replicas else 0
    return [store.replicas, wait_ms]


def drop_plan(store: Store, campaign_id: str, *, key: str | None, token: str = "") -> bool:
    """Abandon a plan, by its producer's `token` or, without one, because the producer's lease is over.

    Returns whether the plan is gone. What it stored is deleted, what an earlier call left over included.
    """
    keys = store.keys
    mine = keys.campaign(campaign_id)
    batches = store.run(
        "drop_plan",
        [mine, keys.events(), mine if key is None else keys.job_key(key), keys.active()],
        [campaign_id, token],
    )
    if batches < 0:
        return False
    for start in range(0, batches, _PER_ROUND_TRIP):
        ids = [f"{campaign_id}-{n}" for n in range(start, min(start + _PER_ROUND_TRIP, batches))]
        _drop_lookalikes(store, ids)
        store.ask(Redis.unlink, *(keys.batch(i) for i in ids), *(keys.body(i) for i in ids))
    store.ask(Redis.unlink, keys.image(campaign_id), keys.excluded(campaign_id))
    store.ask(Redis.zrem, keys.due(CONTROL), f"{PLAN}|{campaign_id}")
    return True


def _drop_lookalikes(store: Store, batch_ids: Sequence[str]) -> None:
    packed = store.ask_many([command(Redis.hget, store.keys.batch(i), "mailings") for i in batch_ids])
    members = [
        (store.keys.lookalikes(fingerprint), f"{batch_id}:{number}")
        for batch_id, mailings in zip(batch_ids, packed, strict=True)
        for number, (*_, fingerprint, _type) in enumerate(orjson.loads(mailings or b"[]"))
    ]
    store.ask_many([command(Redis.zrem, name, member) for name, member in members])
