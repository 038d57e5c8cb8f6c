"""Writing what a poll's answer changed: ids, refusals, deliveries, prices, and what could not be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from campaigns.answers.rows import DeliveryRows
from campaigns.flow.tracking.fetch import Answer, marked
from campaigns.flow.tracking.polled import Poll
from campaigns.ledger.states import ACCEPTED
from campaigns.results import Odd, compare, expire_unreported
from campaigns.results.changes import Comparison
from campaigns.times.gateway_times import gateway_reader

log = logging.getLogger(__name__)

#: How often a mailing is compared anew because another process wrote meanwhile.
_TRIES: Final = 5
_METHODS: Final = {"list": "getViberDeliveryList", "quick": "getViberDeliveryData", "bulk": "statusBulkViber"}


def record_answer(poll: Poll, answer: Answer) -> None:
    """Write an answer that differs from the last one, and read the batch again into `poll.batch`. Raises StoreError."""
    services, batch, holds = poll.services, poll.batch, dict(poll.batch.fields)
    holds |= services.deliveries.record_message_ids(batch, answer.message_ids, services.ms.retention)
    poll.batch = batch = services.batches.read(batch.id)
    holds |= _record_refusals(poll, answer.rejected)
    if batch.kind == "list":
        _count_listed(poll, answer.rows.get(0, DeliveryRows([])))
    written = [
        _write_rows(poll, mailing, rows)
        for mailing, rows in answer.rows.items()
        if f"rejected:{mailing}" not in batch.fields
    ]
    for mailing, costs in answer.costs.items():
        services.deliveries.price(batch, mailing, costs)
        holds[f"cost:{mailing}"] = ""
    for odd in answer.odd:
        services.oddities.note(batch, odd)
    # Only now may an equal answer be passed over.
    if all(written):
        digest = marked(answer.digest, holds | {"v": poll.version or ""})
        services.batches.note(batch, {"digest": digest}, state=ACCEPTED, fence=batch.fence)


def expire_open(poll: Poll) -> None:
    """The horizon has passed: whatever is still open stays unknown. Raises StoreError."""
    for mailing in range(len(poll.batch.mailings)):
        if f"rejected:{mailing}" not in poll.batch.fields:
            _compare_and_write(poll, mailing, partial(_expired, poll, mailing))


def _expired(poll: Poll, mailing: int, stored: Mapping[str, str]) -> Comparison:
    phones = dict.fromkeys([*poll.phones[mailing], *stored])
    changes = expire_unreported(stored, phones, final=poll.final, now_ms=poll.now_ms)
    return Comparison(changes, unknown_statuses=0, unknown_phones=0)


def _record_refusals(poll: Poll, rejected: Mapping[int, str]) -> dict[str, str]:
    """Record the mailings that the gateway refused. Returns the fields of the batch that say so."""
    services, batch, fields = poll.services, poll.batch, dict[str, str]()
    for mailing, text in rejected.items():
        # A mailing with an id or a delivery went out: to call it refused would let it be sent again.
        went_out = mailing in batch.message_ids or services.deliveries.any_stored(batch.id, mailing)
        if f"rejected:{mailing}" not in batch.fields and not went_out:
            recipients = len(poll.phones[mailing]) or batch.mailings[mailing].recipients
            services.deliveries.reject_mailing(batch, mailing, recipients, text)
            fields[f"rejected:{mailing}"] = text
    return fields


def _count_listed(poll: Poll, rows: DeliveryRows) -> None:
    """Count all whom a list mailing reached: the list may have grown since `count_subscribers` was read."""
    services, batch = poll.services, poll.batch
    number = len({row.phone for row in rows} | services.deliveries.stored(batch.id, 0).keys())
    if number > batch.recipients:
        services.batches.note(batch, {}, state=ACCEPTED, fence=batch.fence, recipients=number)


def _write_rows(poll: Poll, mailing: int, rows: DeliveryRows) -> bool:
    """Write the rows of one mailing, and note those that mean nothing. Returns what `_compare_and_write` does."""

    def changes_of(stored: Mapping[str, str]) -> Comparison:
        return compare(
            stored,
            rows,
            phones=lambda: poll.phones_of_mailing(mailing, (row.phone for row in rows)),
            final=poll.final,
            now_ms=poll.now_ms,
            at_ms=gateway_reader(poll.services.settings.gateway_timezone),
        )

    alone, last = _compare_and_write(poll, mailing, changes_of)
    _note_odd(poll, mailing, last)
    return alone


def _compare_and_write(
    poll: Poll, mailing: int, changes_of: Callable[[Mapping[str, str]], Comparison]
) -> tuple[bool, Comparison]:
    """Compare with what is stored and write the changes; again if another process wrote meanwhile.

    Returns whether all was written and nothing but that (no other process wrote, nothing was lost), and the last
    comparison.
    """
    deliveries, alone = poll.services.deliveries, True
    for _ in range(_TRIES):
        version, stored = deliveries.read_versioned(poll.batch.id, mailing)
        alone = alone and version == poll.version
        comparison, poll.version = changes_of(stored), version
        if comparison.changes:
            poll.version = deliveries.write(poll.batch, mailing, comparison.changes, version, seen_ms=poll.now_ms)
        if poll.version is not None:
            return alone, comparison
    poll.unwritten = True
    log.warning("intake_conflict", extra={**poll.batch.facts, "mailing": mailing, "tries": _TRIES})
    return False, comparison


def _note_odd(poll: Poll, mailing: int, found: Comparison) -> None:
    """Note what of an answer could not be used. The rest of it counts all the same."""
    method = _METHODS[poll.batch.kind]
    for reason, number in (
        ("unreadable row", found.unreadable),
        ("phone that the mailing never had", found.unknown_phones),
        ("unknown status word", found.unknown_statuses),
    ):
        if number:
            facts = {**poll.batch.facts, "method": method, "mailing": mailing, "reason": reason, "rows": number}
            log.warning("odd_rows", extra=facts)
            poll.services.oddities.note(poll.batch, Odd(method, mailing, reason, number))
