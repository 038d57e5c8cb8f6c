"""Building a report, and rows, from the store.

Messages are counted as they are read, so memory does not grow with the number of recipients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaigns.campaign import Campaign
from campaigns.ledger import Batch
from campaigns.ledger import Campaign as Record
from campaigns.portions import portions
from campaigns.reports.figures import Report, figures
from campaigns.reports.rows import Row, rows_of
from campaigns.reports.tally import NewestReplies, Tally
from campaigns.results import Delivery, Reply
from campaigns.services import Services

_BATCHES_AT_ONCE = 200
_RECIPIENTS_AT_ONCE = 5000
#: Replies kept in memory at a time. If there are more, they are read several times.
_REPLIES_AT_ONCE = 100_000


def report_on(services: Services, campaign_id: str) -> Report:
    """The figures of the page about a campaign. Raises UnknownCampaignError and StoreError."""
    record, status = services.campaigns.read(campaign_id), Campaign.of(services, campaign_id).status()
    settings, tally, newest = services.settings, Tally(services.settings.final_statuses), NewestReplies()
    for batches in _portions(services, record):
        for batch in batches:
            tally.add_batch(batch)
        for values in services.deliveries.with_status(batches):
            tally.add_deliveries(values)
    if status.replies:
        for reply in services.replies.scan(campaign_id):
            newest.add(reply)
    late = 0
    if status.recipients["opted_out"]:
        late = sum(
            one.reason == "opted_out" and one.place.startswith(f"{campaign_id}-")
            for one in services.campaigns.excluded(campaign_id)
        )
    return figures(
        status,
        tally,
        made_ms=services.now_ms(),
        zone=settings.gateway_timezone,
        people=_people(services, campaign_id, status.replies),
        replies=tuple(newest),
        opted_out_late=late,
        expected=settings.message_cost,
        limit=str(record.job.get("max_cost") or ""),
    )


def rows(services: Services, campaign_id: str) -> Iterator[Row]:
    """A row per message, batch by batch. Raises UnknownCampaignError, at once, and StoreError.

    Memory grows with the largest request only; a list mailing is one request.
    """
    return _rows(services, services.campaigns.read(campaign_id))


def _rows(services: Services, record: Record) -> Iterator[Row]:
    replies = record.number("replies")
    ids, passes = record.batch_ids(), 1 + replies // _REPLIES_AT_ONCE
    per_pass = max(-(-len(ids) // passes), 1)
    for portion in portions(ids, per_pass):
        counts = _answers(services, record, portion) if replies else {}
        yield from rows_of(_deliveries(services, record, portion), counts, services.settings.gateway_timezone)


def _portions(services: Services, record: Record) -> Iterator[list[Batch]]:
    """The campaign's batches in portions, smaller if batches are large."""
    ids, start, size = record.batch_ids(), 0, 1
    while start < len(ids):
        batches = services.batches.read_many(ids[start : start + size])
        yield batches
        start += size
        largest = max(batch.recipients for batch in batches)
        size = min(max(_RECIPIENTS_AT_ONCE // max(largest, 1), 1), _BATCHES_AT_ONCE)


def _deliveries(services: Services, record: Record, ids: Sequence[str]) -> Iterator[Delivery]:
    """Every delivery of these batches of a campaign."""
    step = _BATCHES_AT_ONCE if record.kind == "quick" else 10
    for batches in services.batches.read_in_portions(ids, step):
        for batch in batches:
            yield from services.deliveries.of_batch(batch)


def _answers(services: Services, record: Record, ids: Sequence[str]) -> dict[tuple[str, str, str], int]:
    """Number of replies by message (batch, mailing, phone), for messages of these batches that have any."""
    wanted, seen = set(ids), set[str]()
    counts: dict[tuple[str, str, str], int] = {}
    for reply in services.replies.scan(record.id):
        if reply.batch_id in wanted and reply.id not in seen:
            seen.add(reply.id)
            message = (reply.batch_id, reply.mailing, reply.phone)
            counts[message] = counts.get(message, 0) + 1
    return counts


def _people(services: Services, campaign_id: str, replies: int) -> int:
    """How many phones replied. Phones are counted in classes, one pass each, so that few are in memory at a time."""
    if not replies:
        return 0
    classes = 1 + replies // _REPLIES_AT_ONCE
    return sum(
        len(
            {
                number
                for reply in services.replies.scan(campaign_id)
                if (number := _number(reply)) % classes == remainder
            }
        )
        for remainder in range(classes)
    )


def _number(reply: Reply) -> int:
    return int(reply.phone) if reply.phone.isdecimal() else hash(reply.phone)
