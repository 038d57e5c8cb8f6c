"""Acceptances: what the gateway's answer with a message's id changes, recorded for several messages in one call."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from campaigns.errors import StoreError
from campaigns.ledger.batches import Move, due_keys
from campaigns.ledger.due_kinds import DueKind
from campaigns.ledger.message_ids import with_message_ids
from campaigns.ledger.records import Batch
from campaigns.ledger.states import ACCEPTED
from campaigns.measures import ACCEPTANCE
from campaigns.names import CONTROL
from campaigns.store.calls import Call
from campaigns.store.client import Store

#: In the place of a delay: what was due is due no more.
_REMOVED: Final = -1


class Acceptances:
    """Calls that record what the gateway accepted.

    `body_life_ms`: how long a body lives once its batch is accepted. `ids_life_ms`: how long a message's id leads to
    its batch. `release`: the window of the rate (us) and the limits of a run of failures, as scripts take them.
    """

    def __init__(self, store: Store, *, body_life_ms: int, ids_life_ms: int, release: Sequence[int]) -> None:
        self._keys = store.keys
        self._shared = lru_cache(256)(self._shared_by)
        self._lives = (body_life_ms, ids_life_ms)
        self._release = release

    def call(
        self,
        batch: Batch,
        move: Move,
        message_ids: Mapping[int, int],
        *,
        from_states: frozenset[str],
        raises: Sequence[str | int],
        clock_ms: int | None = None,
    ) -> Call[bool]:
        """Records the ids of a batch, moves it, and gives back the permit that was taken under its fence.

        `raises`: counters of what was done under the permit; `clock_ms`: the gateway's clock (unix ms). The call
        returns whether the batch was moved; if it was not, a later attempt stands in its place, and neither ids nor
        move are recorded. Raises ValueError for a move that is not in the table of states.
        """
        keys, args = self._shared(batch.account, batch.kind, tuple(move.due), from_states, move.settles)
        named, new = with_message_ids(batch, message_ids)
        part: dict[str, Any] = {
            "op": secrets.token_hex(8),
            "batch": batch.id,
            "campaign": batch.campaign_id,
            "fence": batch.fence,
            "fields": [str(part) for pair in move.fields.items() for part in pair],
            "data": orjson.dumps(dict(move.data)).decode(),
            "delays": [_REMOVED if delay_ms is None else delay_ms for delay_ms in move.due.values()],
            "ids": named,
            "messages": [text for mailing, one in new for text in (f"{batch.id}:{mailing}", str(one))],
            "raises": raises,
            "clock": clock_ms or "",
            "settles": move.settles,
        }
        return Call("record_accepted", keys, args, _was_moved, orjson.dumps(part))

    def _shared_by(
        self, account: str, kind: str, verbs: Sequence[DueKind], from_states: frozenset[str], settles: bool
    ) -> tuple[tuple[str, ...], tuple[str | int | bytes, ...]]:
        """Keys and arguments that the messages of an account have in common."""
        Move(ACCEPTED, settles=settles).check(from_states)
        keys, (body_life_ms, ids_life_ms) = self._keys, self._lives
        names = (
            keys.events(),
            keys.active(),
            keys.audit(),
            keys.money(account),
            keys.due(CONTROL),
            *(keys.account(account), keys.permits(account), keys.known(account, kind)),
            *(keys.batch(""), keys.campaign(""), keys.body(""), keys.message(account, "")),
            *(name for verb in verbs for name in due_keys(keys, verb, kind, account)),
        )
        states = f",{','.join(sorted(from_states))},"
        times = (body_life_ms, ACCEPTANCE.packed, ids_life_ms)
        return names, (account, states, *times, *self._release, orjson.dumps(list(verbs)))


def _was_moved(answer: Any) -> bool:
    if isinstance(answer, Exception):
        raise StoreError(f"record_accepted: {answer}")
    return bool(answer[0])
