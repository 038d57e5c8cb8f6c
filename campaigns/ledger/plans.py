"""Plans: campaigns on their way into the ledger, and what those that wait there need."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from campaigns.ledger.plan import Plan
from campaigns.ledger.records import Batch
from campaigns.ledger.states import HELD, PLANNED, REJECTED, SENDING, UNKNOWN
from campaigns.ledger.whole_plan import PlanHead
from campaigns.names import DUE_QUEUES
from campaigns.portions import portions
from campaigns.store.client import ScriptCall, Store

_PER_CALL = 200
#: States of batches that may still need their request bodies.
_IN_NEED = frozenset({PLANNED, SENDING, UNKNOWN, HELD, REJECTED})
#: Digits of campaign ids, in the order of their codes: without i, l, o and u, which are misread.
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_OF_TIME, _OF_CHANCE = 9, 8


def new_campaign_id(now_ms: int) -> str:
    """17 digits and letters that sort by time: 9 of milliseconds, 8 of chance.

    An id stands in five keys and in three fields of each event, so its length counts where campaigns are single
    messages.
    """
    number = now_ms << 5 * _OF_CHANCE | secrets.randbits(5 * _OF_CHANCE)
    places = range(5 * (_OF_TIME + _OF_CHANCE - 1), -1, -5)
    return "".join([_DIGITS[number >> place & 31] for place in places])


class Plans:
    """Opens plans."""

    def __init__(self, store: Store, *, lease_ms: int, body_life_ms: int, lookalikes_life_ms: int) -> None:
        self._store = store
        self._lease_ms = lease_ms
        self._body_life_ms = body_life_ms
        self._lookalikes_life_ms = lookalikes_life_ms

    def new(
        self,
        *,
        kind: str,
        account: str,
        queue: str,
        key: str | None,
        fields: Mapping[str, str],
        of_batches: Mapping[str, str] = MappingProxyType({}),
    ) -> Plan:
        """A plan, of which nothing is stored yet.

        `fields` are further ones of the campaign; those in `of_batches` it has too, and each of its batches.
        """
        if queue not in DUE_QUEUES:
            raise ValueError(f"no queue {queue!r}")
        keyed = {} if key is None else {"key": key}
        always = {"kind": kind, "account": account, "queue": queue}
        head = PlanHead(
            campaign_id=new_campaign_id(time.time_ns() // 1_000_000),
            kind=kind,
            account=account,
            queue=queue,
            key=key,
            token=secrets.token_hex(8),
            lease_ms=self._lease_ms,
            body_life_ms=self._body_life_ms,
            lookalikes_life_ms=self._lookalikes_life_ms,
            fields=_flat({**always, **fields, **keyed, **of_batches}),
            of_batches=_flat(of_batches),
            correlation_id=of_batches.get("correlation_id", ""),
        )
        return Plan(self._store, head)

    def keep(self, batches: Iterable[Batch], *, later_ms: int = 0) -> None:
        """Let what unsent batches and those in doubt need live on, as if they were planned now for `later_ms` ahead.

        A person may resume, resolve or retry them after any time.
        """
        waiting = [batch for batch in batches if batch.state in _IN_NEED]
        if not waiting:
            return
        keys = self._store.keys
        bodies = [keys.body(batch.id) for batch in waiting]
        lookalikes = [
            (keys.lookalikes(mailing.fingerprint), f"{batch.id}:{number}")
            for batch in waiting
            for number, mailing in enumerate(batch.mailings)
        ]
        calls: list[ScriptCall] = [
            ("renew_bodies", some, _lives(self._body_life_ms, later_ms)) for some in portions(bodies, _PER_CALL)
        ]
        for pairs in portions(lookalikes, _PER_CALL):
            names, members = zip(*pairs, strict=True)
            calls.append(("renew_lookalikes", names, [*_lives(self._lookalikes_life_ms, later_ms), *members]))
        self._store.run_in_turn(calls)


def _lives(life_ms: int, later_ms: int) -> list[int]:
    """For how long something is kept, and with less than what left."""
    whole_ms = life_ms + later_ms
    return [whole_ms, whole_ms if later_ms else whole_ms // 2]


def _flat(fields: Mapping[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]
