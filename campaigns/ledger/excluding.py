"""Recipients excluded from a batch that is still planned: body, mailings, counters and event in one step."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from campaigns.ledger.batches import OutdatedSuppression
from campaigns.ledger.due_kinds import SEND, queue_of
from campaigns.ledger.records import Batch, MailingRecord
from campaigns.planning.batching import Reduced
from campaigns.recipients.exclusions import Excluded
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.times.days import Day


@dataclass(frozen=True, slots=True)
class CountedNow:
    """The messages of a batch that are left were counted for the frequency cap, by the process that chose `op`."""

    op: str
    day: Day


def exclude_planned(
    store: Store,
    batch: Batch,
    outdated: OutdatedSuppression,
    reduced: Reduced | None,
    gone: Sequence[tuple[str, int, str]],
    life_ms: int,
    counted: CountedNow | None = None,
) -> bool:
    """Record that `batch` was checked against the opt-outs as they were at `outdated.now`, and what was `counted`; and
    against the suppressed phones, if its campaign excludes those.

    `reduced` is what its body is without the recipients `gone` (reason, number of the mailing in the batch and phone of
    each message), or None if it stays as it is; `life_ms` is for the lookalikes. Returns False, and changes nothing, if
    the batch is not planned any more or another worker has checked it since.
    """
    mailings = _left(batch, reduced)
    args = [
        batch.id,
        batch.campaign_id,
        outdated.seen,
        outdated.now,
        "1" if reduced else "0",
        zlib.compress(reduced.body) if reduced else b"",
        sum(m.recipients for m in mailings),
        # A batch without recipients keeps its mailings, for readers of an earlier attempt.
        orjson.dumps([m.packed() for m in mailings or batch.mailings]),
        len(batch.mailings),
        life_ms,
        *((counted.op, f"{counted.day.number} ", counted.day.ends_ms) if counted else ("", "", 0)),
        batch.fields.get("reach_ms", ""),
        *(part for reason, number, phone in gone for part in (reason, _row(batch, reason, number, phone))),
    ]
    return bool(store.run("exclude_planned", _names(store.keys, batch, mailings), args))


def _row(batch: Batch, reason: str, number: int, phone: str) -> bytes:
    return orjson.dumps(Excluded(reason, batch.id, phone, mailing=batch.mailings[number].index).as_row())


def _names(keys: Keys, batch: Batch, left: Sequence[MailingRecord]) -> list[str]:
    return [
        keys.batch(batch.id),
        keys.campaign(batch.campaign_id),
        keys.events(),
        keys.body(batch.id),
        keys.excluded(batch.campaign_id),
        keys.due(queue_of(SEND, batch.kind), batch.account),
        *(keys.lookalikes(m.fingerprint) for m in (*batch.mailings, *left)),
    ]


def _left(batch: Batch, reduced: Reduced | None) -> list[MailingRecord]:
    """The mailings of a batch that still have recipients, each with the recipients left."""
    return [
        replace(batch.mailings[number], recipients=recipients, fingerprint=fingerprint)
        for number, (recipients, fingerprint) in (reduced.mailings if reduced else {}).items()
    ]
