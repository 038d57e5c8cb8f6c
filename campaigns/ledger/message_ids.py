"""The gateway's ids of a batch's mailings, as the field of the batch holds them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from campaigns.ledger.erased import is_emptied
from campaigns.ledger.records import Batch


def known_at_gateway(batch: Batch) -> bool:
    """Whether of each mailing the gateway's message id is known, or was erased, or that the gateway refused it."""
    ids, numbers = batch.all_message_ids, range(len(batch.mailings))
    return all(n in ids or f"rejected:{n}" in batch.fields or is_emptied(batch, n) for n in numbers)


def with_message_ids(batch: Batch, message_ids: Mapping[int, int | Sequence[int]]) -> tuple[str, list[tuple[int, int]]]:
    """The field `message_ids` with further ids of mailings, and those that are new, each with its mailing.

    A mailing keeps every id that the gateway ever gave it.
    """
    known, new = batch.all_message_ids, list[tuple[int, int]]()
    for mailing, ids in message_ids.items():
        for message_id in (ids,) if isinstance(ids, int) else ids:
            if message_id not in known.get(mailing, ()):
                known[mailing] = (*known.get(mailing, ()), message_id)
                new.append((mailing, message_id))
    named = {str(mailing): ids[0] if len(ids) == 1 else ids for mailing, ids in known.items()}
    return orjson.dumps(named).decode(), new
