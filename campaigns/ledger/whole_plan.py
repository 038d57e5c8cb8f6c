"""What a plan holds, and the call that stores small campaigns whole."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from campaigns.ledger.records import MailingRecord
from campaigns.store.client import ScriptCall
from campaigns.store.keys import Keys

#: What `lua/store_campaigns.lua` returns.
_STORED, _OPTED_OUT, _REVOKED = 1, 2, 3
#: Bytes of a body that is compressed with little memory, as bits of zlib's window and as its `memLevel`.
_SHORT: Final = 1024
_SHORT_WINDOW, _SHORT_MEMORY = 10, 2


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
    `optouts`: version of the suppression list that it was planned by; or '', and then the script checks its `phones`,
    also against the opt-outs of these narrower `scopes`.
    `draft`: why it waits for approval, or ''.
    """

    batches: Sequence[NewBatch]
    excluded: Sequence[tuple[str, Sequence[str]]]
    digest: str
    optouts: str
    phones: Sequence[str]
    scopes: Sequence[str]
    draft: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a call that stores a campaign. `owner` has its key; `mine` if that is this one, now stored.

    `opted_out`: nothing is stored, since one of its phones is. `revoked`: nothing is stored, as its caller knows.
    """

    owner: str
    mine: bool = False
    opted_out: bool = False
    revoked: bool = False

    @classmethod
    def read(cls, campaign_id: str, answer: int | bytes) -> Stored:
        """From its part of the script's answer."""
        if isinstance(answer, bytes):
            return cls(answer.decode().partition(" ")[0])
        return cls(campaign_id, answer == _STORED, answer == _OPTED_OUT, answer == _REVOKED)


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
    fields: Sequence[str] = field(repr=False)
    of_batches: Sequence[str]
    correlation_id: str = ""

    def name_of_key(self, keys: Keys) -> str:
        """Where its key stands; the campaign's own name if it has none."""
        return keys.campaign(self.campaign_id) if self.key is None else keys.job_key(self.key)

    @property
    def has_key(self) -> str:
        """As scripts take it."""
        return "0" if self.key is None else "1"


@dataclass(frozen=True, slots=True)
class PlannedWhole:
    """A campaign that is to be stored whole. Those that `together` is the same for can share a call."""

    head: PlanHead
    whole: WholePlan

    @property
    def together(self) -> tuple[str, str, str]:
        """Its queue, account and kind."""
        return self.head.queue, self.head.account, self.head.kind


def storing_call(keys: Keys, plans: Sequence[PlannedWhole], kept_back: Sequence[int]) -> ScriptCall:
    """The call that stores campaigns of one queue, account and kind. `kept_back`: replicas that must have them, and ms
    until they do. `read_stored` reads its answer."""
    head = plans[0].head
    names = _names(keys, head.queue, head.account)
    lives = (*kept_back, head.body_life_ms, head.lookalikes_life_ms)
    args: list[Any] = [head.kind, head.account, head.queue, *lives, secrets.token_hex(6)]
    for plan in plans:
        args.append(_packed(plan.head, plan.whole))
        args += [compressed(batch.body) for batch in plan.whole.batches]
    return "store_campaigns", names, args


def read_stored(plans: Sequence[PlannedWhole], answer: Sequence[Any]) -> tuple[list[Stored], bool]:
    """What became of each campaign of a call, and whether to ring a bell for a worker."""
    ring, *each = answer
    pairs = zip(plans, each, strict=True)
    return [Stored.read(plan.head.campaign_id, one) for plan, one in pairs], bool(ring)


def compressed(body: bytes) -> bytes:
    """A request body as `zlib.decompress` reads it."""
    if len(body) > _SHORT:
        return zlib.compress(body)
    # By default zlib prepares a quarter of a megabyte, which takes far longer than to compress a single message.
    short = zlib.compressobj(wbits=_SHORT_WINDOW, memLevel=_SHORT_MEMORY)
    return short.compress(body) + short.flush()


@lru_cache(maxsize=64)
def _names(keys: Keys, queue: str, account: str) -> tuple[str, ...]:
    """The same for all campaigns of a queue and an account, and so made once for each of the last few."""
    of_queue = [keys.due(queue, account), keys.accounts(queue)]
    names = [keys.active(), keys.index(), keys.events(), *of_queue, keys.primary(), keys.workers(), keys.optouts()]
    names += [keys.optouts_counter(), keys.bells(queue), keys.turns()]
    of_campaign = [keys.campaign(""), keys.batch(""), keys.body(""), keys.excluded("")]
    return (*names, *of_campaign, keys.job_key(""), keys.lookalikes(""), keys.optouts_of(""))


def _packed(head: PlanHead, whole: WholePlan) -> bytes:
    """A plan without its bodies, as `lua/store_campaigns.lua` reads it."""
    plan: dict[str, Any] = {
        "id": head.campaign_id,
        "token": head.token,
        "digest": whole.digest,
        "draft": whole.draft,
        "optouts": whole.optouts,
        "phones": whole.phones,
        "scopes": whole.scopes,
        "first_ms": min((batch.not_before_ms for batch in whole.batches), default=0),
        "fields": head.fields,
        "of_batches": head.of_batches,
        "excluded": [(reason, orjson.dumps([reason, *row]).decode()) for reason, row in whole.excluded],
        "batches": [_packed_batch(batch) for batch in whole.batches],
    }
    if head.key is not None:
        plan["key"] = head.key
    if head.correlation_id:
        plan["correlation_id"] = head.correlation_id
    return orjson.dumps(plan)


def _packed_batch(batch: NewBatch) -> dict[str, Any]:
    return {
        "n": batch.recipients,
        "mailings": packed_mailings(batch),
        "not_before_ms": batch.not_before_ms,
        "lookalikes": [mailing.fingerprint for mailing in batch.mailings],
    }


def lookalikes_of(keys: Keys, batch: NewBatch) -> Iterator[str]:
    """The sets that hold the mailings of a batch beside their lookalikes."""
    return (keys.lookalikes(mailing.fingerprint) for mailing in batch.mailings)


def packed_mailings(batch: NewBatch) -> str:
    """The mailings of a batch as JSON."""
    return orjson.dumps([mailing.packed() for mailing in batch.mailings]).decode()
