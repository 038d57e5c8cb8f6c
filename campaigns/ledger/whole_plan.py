"""What a plan holds, and the call that stores a small campaign whole."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from campaigns.ledger.records import MailingRecord
from campaigns.store.client import ScriptCall
from campaigns.store.keys import Keys

#: What `lua/store_campaign.lua` returns.
_STORED, _OTHER, _OPTED_OUT, _REVOKED = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch as planning hands it over: its mailings and its request body, not compressed.

    `not_before_ms`: unix ms before which it stays here; 0 if it may go out at once. `zone`: by whose clocks its window
    goes, where its campaign has several. `canary`: it is part of that.
    """

    recipients: int
    mailings: tuple[MailingRecord, ...]
    body: bytes
    not_before_ms: int = 0
    zone: str = ""
    canary: bool = False


@dataclass(frozen=True, slots=True)
class WholePlan:
    """All of a small campaign.

    `excluded`: reason and row (place, phone as handed in, perhaps why) of each recipient who is not messaged.
    `optouts`: version of the suppression list that it was planned by; or '', and then the script checks its `phones`.
    `draft`: why it waits for approval, or ''.
    """

    batches: Sequence[NewBatch]
    excluded: Sequence[tuple[str, Sequence[str]]]
    digest: str
    optouts: str
    phones: Sequence[str]
    draft: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a call that stores a campaign. `owner` has its key; `mine` if that is this one, now stored.

    `opted_out`: nothing is stored, since one of its phones is. `revoked`: nothing is stored, as its caller knows.
    `ring`: whether to ring a bell for a worker.
    """

    owner: str
    mine: bool = False
    ring: bool = False
    opted_out: bool = False
    revoked: bool = False

    @classmethod
    def read(cls, campaign_id: str, answer: Sequence[Any]) -> Stored:
        """From the answer of the script."""
        code, more = answer
        if code == _OTHER:
            return cls(more.decode().partition(" ")[0])
        return cls(campaign_id, code == _STORED, code == _STORED and bool(more), code == _OPTED_OUT, code == _REVOKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHead:
    """What all calls of a plan need.

    `token` shows whose plan it is, for `lease_ms` after each call. `fields` are fields and values of the campaign,
    `of_batches` those of each of its batches. Lives are in milliseconds.
    """

    campaign_id: str
    kind: str
    account: str
    queue: str
    key: str | None
    token: str
    lease_ms: int
    body_life_ms: int
    lookalikes_life_ms: int
    fields: Sequence[str | bytes] = field(repr=False)
    of_batches: Sequence[str]

    def name_of_key(self, keys: Keys) -> str:
        """Where its key stands; the campaign's own name if it has none."""
        return keys.campaign(self.campaign_id) if self.key is None else keys.job_key(self.key)

    @property
    def has_key(self) -> str:
        """As scripts take it."""
        return "0" if self.key is None else "1"


def storing_call(keys: Keys, head: PlanHead, whole: WholePlan, kept_back: Sequence[int]) -> ScriptCall:
    """The call that stores all of a campaign. `kept_back`: replicas that must have it, and ms until they do."""
    return "store_campaign", list(_names(keys, head, whole)), list(_arguments(head, whole, kept_back))


def _names(keys: Keys, head: PlanHead, whole: WholePlan) -> Iterator[str]:
    mine, queue = head.campaign_id, head.queue
    yield from (head.name_of_key(keys), keys.campaign(mine), keys.active(), keys.index(), keys.events())
    yield from (keys.due(queue, head.account), keys.accounts(queue), keys.primary(), keys.workers())
    yield from (keys.optouts(), keys.optouts_counter(), keys.bells(queue), keys.turns(), keys.excluded(mine))
    for number, batch in enumerate(whole.batches):
        batch_id = f"{mine}-{number}"
        yield from (keys.batch(batch_id), keys.body(batch_id), *lookalikes_of(keys, batch))


def _arguments(head: PlanHead, whole: WholePlan, kept_back: Sequence[int]) -> Iterator[Any]:
    yield from (head.campaign_id, head.has_key, head.token, whole.digest, head.kind, head.account, head.queue)
    yield min((batch.not_before_ms for batch in whole.batches), default=0)
    yield from (*kept_back, whole.draft, whole.optouts, head.body_life_ms, head.lookalikes_life_ms)
    yield secrets.token_hex(6)
    yield from _part(whole.phones)
    yield from _part(head.fields)
    yield from _part(head.of_batches)
    yield from _part([part for reason, row in whole.excluded for part in (reason, orjson.dumps([reason, *row]))])
    yield from _part([part for batch in whole.batches for part in (*as_stored(batch), len(batch.mailings))])


def _part(items: Sequence[Any]) -> Iterator[Any]:
    yield len(items)
    yield from items


def lookalikes_of(keys: Keys, batch: NewBatch) -> Iterator[str]:
    """The sets that hold the mailings of a batch beside their lookalikes."""
    return (keys.lookalikes(mailing.fingerprint) for mailing in batch.mailings)


def as_stored(batch: NewBatch) -> tuple[int, bytes, bytes, int]:
    """Recipients, body, mailings and moment of a batch, as scripts take them."""
    mailings = orjson.dumps([mailing.packed() for mailing in batch.mailings])
    return batch.recipients, zlib.compress(batch.body), mailings, batch.not_before_ms
