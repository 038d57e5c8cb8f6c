"""What could not be read in the gateway's answers, counted and reported once."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from campaigns.ledger import Batch
from campaigns.store.client import Store


class Odd(NamedTuple):
    """Parts of an answer of `method` that could not be used, and how many. `reason` is one of few fixed sentences.

    `mailing` is the mailing's number in the batch, None if they belong to none of its mailings.
    """

    method: str
    mailing: int | None
    reason: str
    number: int


class Oddities:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def note(self, batch: Batch, odd: Odd) -> bool:
        """Count what could not be read, and report it in an event if it is more than before. Returns whether it is.

        The same rows come again with every poll, so what counts is the most that one answer held.
        """
        place = "" if odd.mailing is None else str(odd.mailing)
        field = f"odd:{odd.method}:{place}:{odd.reason}"
        if int(batch.fields.get(field, 0)) >= odd.number:
            return False
        data = {"method": odd.method, "mailing": odd.mailing, "reason": odd.reason, "rows": odd.number}
        counted = f"odd|{odd.method}|{odd.reason}"
        return bool(
            self._store.run(
                "record_odd_rows",
                [self._keys.batch(batch.id), self._keys.campaign(batch.campaign_id), self._keys.events()],
                [batch.id, batch.campaign_id, field, odd.number, orjson.dumps(data), counted],
            )
        )
