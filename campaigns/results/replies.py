"""Replies: stored once, in the order of the gateway's ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import orjson

from campaigns.ledger import EVERYTHING, Batch, Scope, scope_of_reply
from campaigns.portions import portions
from campaigns.results.optout_words import asks_to_stop
from campaigns.settings.values import OF_ALL
from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """One incoming message; `received_ms` is unix milliseconds, None if the gateway's time was unreadable."""

    id: str
    phone: str = field(repr=False)
    message: str = field(repr=False)
    received_ms: int | None
    batch_id: str
    mailing: str


class Replies:
    """Every method may raise StoreError."""

    #: `optout_words` gives the words of an account; `optout_scope` says what a reply opts out of.
    def __init__(self, store: Store, *, optout_words: Callable[[str], Set[str]], optout_scope: str = OF_ALL) -> None:
        self._store = store
        self._keys = store.keys
        self._optout_words = optout_words
        self._optout_scope = optout_scope

    def add(self, batch: Batch, replies: Sequence[Reply]) -> int:
        """Store replies, each once, with its event; opt out phones whose reply asks for it. Returns how many were new.

        Raises NotReplicatedError if a failover could lose them: then they must not be marked at the gateway.
        """
        new, words = 0, self._optout_words(batch.account)
        scope = scope_of_reply(self._optout_scope, batch.account, batch.fields.get("topic", ""))
        for some in portions(replies, _PER_CALL):
            args: list[Any] = [batch.campaign_id, batch.id, scope.name, _facts(scope)]
            for reply in some:
                optout = reply.phone if asks_to_stop(reply.message, words) else ""
                args += [reply.id, orjson.dumps(_packed(reply)), optout, reply.phone]
            new += self._store.run_safely("store_replies", self._names(batch, scope), args)
        return new

    def _names(self, batch: Batch, scope: Scope) -> list[str]:
        keys = self._keys
        return [
            keys.replies(batch.campaign_id),
            keys.campaign(batch.campaign_id),
            keys.events(),
            keys.optouts(),
            keys.optouts_counter(),
            keys.optouts_why() if scope == EVERYTHING else keys.optouts_of(scope.name),
            keys.unreached(),
            keys.suppressed(),
            keys.optout_scopes(),
        ]

    def of_campaign(self, campaign_id: str) -> list[Reply]:
        """All replies to a campaign, oldest first; of those that come meanwhile perhaps some."""
        return sorted({reply.id: reply for reply in self.scan(campaign_id)}.values(), key=_order)

    def scan(self, campaign_id: str) -> Iterator[Reply]:
        """All replies to a campaign in no order, some perhaps twice; memory does not grow with their number."""
        for portion in self._portions(campaign_id):
            for reply_id, data in portion.items():
                yield _unpacked(reply_id.decode(), orjson.loads(data))

    def of_phone(self, campaign_id: str, phone: str) -> list[Reply]:
        """The replies of one phone to a campaign, oldest first."""
        quoted, found = f'"{phone}"'.encode(), dict[bytes, bytes]()
        for portion in self._portions(campaign_id):
            found |= {reply_id: data for reply_id, data in portion.items() if quoted in data}
        replies = [_unpacked(reply_id.decode(), orjson.loads(data)) for reply_id, data in found.items()]
        return sorted((reply for reply in replies if reply.phone == phone), key=_order)

    def _portions(self, campaign_id: str) -> Iterator[dict[bytes, bytes]]:
        """What is stored of a campaign's replies, some hundred at a time: id → data."""
        cursor = None
        while cursor != 0:
            cursor, portion = self._store.ask(
                Redis.hscan, self._keys.replies(campaign_id), cursor or 0, None, _PER_CALL
            )
            yield portion


def _order(reply: Reply) -> tuple[int, str]:
    return (int(reply.id), "") if reply.id.isdecimal() else (0, reply.id)


def _facts(scope: Scope) -> str:
    """A scope as the event has it: fields of a JSON object, without its braces."""
    facts = {"scope": scope.kind, "account": scope.account, "topic": scope.topic}
    return orjson.dumps({name: value for name, value in facts.items() if value}).decode()[1:-1]


def _packed(reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "phone": reply.phone,
        "message": reply.message,
        "received_ms": reply.received_ms,
        "batch": reply.batch_id,
        "mailing": reply.mailing,
    }


def _unpacked(reply_id: str, data: dict[str, Any]) -> Reply:
    return Reply(reply_id, data["phone"], data["message"], data["received_ms"], data["batch"], data["mailing"])
