"""Recipients whose message was not delivered in time: found in what is stored, and announced once each."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from campaigns.ledger import Batch
from campaigns.portions import portions
from campaigns.results.changes import CHANGES_PER_EVENT, ROWS_PER_CALL
from campaigns.statuses import DELIVERED, READ
from campaigns.store.client import Store


class Undelivered(NamedTuple):
    """A recipient as the event has it. `status` is empty and `at_ms` (unix ms) None while nothing is known."""

    phone: str
    status: str
    at_ms: int | None
    delivery_id: int | None
    error_code: int

    def __repr__(self) -> str:
        return f"Undelivered({self.status!r})"


def undelivered(phones: Iterable[str], stored: Mapping[str, str]) -> list[Undelivered]:
    """Those of a mailing's phones on which the message is not, by what is stored of them. Pure."""
    rows = (_row(phone, stored.get(phone, "")) for phone in dict.fromkeys(phones))
    return [row for row in rows if row.status not in {DELIVERED, READ}]


def announce(store: Store, batch: Batch, mailing: int, rows: Sequence[Undelivered], version: str) -> bool:
    """Announce recipients of a mailing, found by `version` of the batch's deliveries; none of them twice.

    Returns whether all are announced, which the batch has in its field `fallback:<mailing>` then. If not, deliveries
    changed since: read them again. Raises StoreError, and NotReplicatedError if replicas lack it.
    """
    keys = store.keys
    names = [keys.batch(batch.id), keys.campaign(batch.campaign_id), keys.events(), keys.fallback(batch.id, mailing)]
    about = {"batch": batch.id, "mailing": mailing, "name": batch.mailings[mailing].name}
    head = [batch.id, batch.campaign_id, version, CHANGES_PER_EVENT, orjson.dumps(about)]
    one_pass = f"{mailing}:{secrets.token_hex(8)}:"
    parts = [*portions(rows, ROWS_PER_CALL)] or [[]]
    return all(
        store.run_safely(
            "announce_fallback",
            names,
            [*head, orjson.dumps([tuple(row) for row in part]), mailing, one_pass, number, int(number == len(parts))],
        )
        for number, part in enumerate(parts, 1)
    )


def _row(phone: str, value: str) -> Undelivered:
    status, at_ms, delivery_id, code = value.split("|") if value else ("", "", "", "")
    return Undelivered(phone, status, int(at_ms or 0) or None, int(delivery_id or 0) or None, int(code or 0))
