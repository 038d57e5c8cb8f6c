"""Building a report, and rows, from the store.

Messages are counted as they are read, so memory does not grow with the number of recipients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaigns.campaign import Campaign
from campaigns.evaluation import Evaluation, batches_of
from campaigns.ledger import Campaign as Record
from campaigns.portions import portions
from campaigns.reports.figures import Report, figures
from campaigns.reports.rows import Row, rows_of
from campaigns.reports.tally import NewestReplies, Tally
from campaigns.results import Delivery
from campaigns.services import Services

_BATCHES_AT_ONCE = 200
#: Replies kept in memory at a time. If there are more, they are read several times.
_REPLIES_AT_ONCE = 100_000


def report_on(services: Services, campaign_id: str) -> Report:
    """The figures of the page about a campaign. Raises UnknownCampaignError and StoreError."""
    record, status = services.campaigns.read(campaign_id), Campaign.of(services, campaign_id).status()
    settings, tally, newest = services.settings, Tally(services.settings.final_statuses), NewestReplies()
    evaluation = Evaluation(services, record)
    for batches in batches_of(services, record):
        for batch in batches:
            tally.add_batch(batch)
            evaluation.add_batch(batch)
        for batch, number, values in services.deliveries.with_status(batches):
            tally.add_deliveries(values)
            evaluation.add_deliveries(batch, number, values)
    if status.replies:
        for reply in services.replies.scan(campaign_id):
            newest.add(reply)
    return figures(
        status,
        tally,
        made_ms=services.now_ms(),
        zone=settings.gateway_timezone,
        results=evaluation.results(),
        replies=tuple(newest),
        expected=settings.message_cost,
        limit=str(record.job.get("max_cost") or ""),
        window=record.window,
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
