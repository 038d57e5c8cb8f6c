"""Replies: fetch what is not marked yet, store it, then mark it. In this order nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable

from campaigns.errors import GatewayError
from campaigns.flow.ageing import next_look_ms
from campaigns.flow.services import Services
from campaigns.flow.slices import Slice
from campaigns.gateway import Gateway
from campaigns.ledger import FETCH, Batch, Entry
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.names import REPLIES
from campaigns.results import Reply
from campaigns.times import from_gateway

log = logging.getLogger(__name__)

_MARKED_PER_CALL = 200


def fetch_while_due(services: Services, batch_id: str, monotonic: Callable[[], float]) -> int:
    """Fetch for the batch that the wake-up names, then for others that are due. Returns for how many."""

    def act(due_id: str) -> bool:
        fetch_replies(services, due_id)
        return True

    return Slice(services, REPLIES, FETCH, monotonic).run(batch_id, act)


def fetch_replies(services: Services, batch_id: str) -> None:
    """Fetch the replies to every mailing of a batch, until its reply window has passed."""
    batch = services.batches.read(batch_id)
    settings, now_ms = services.settings, services.now_ms()
    starts_at_ms = batch.number("followed_ms")
    end_ms = starts_at_ms + round(settings.reply_window_s * 1000)
    if batch.state not in {ACCEPTED, SETTLED}:
        services.due.drop(Entry(FETCH, batch_id), batch.kind or "bulk")
        return
    delay_ms = None
    gateway = services.gateway(batch.account)
    for mailing, message_id in batch.message_ids.items():
        try:
            _fetch(services, gateway, batch, mailing, message_id)
        except GatewayError as error:
            # One mailing whose replies cannot be had costs none of the others.
            log.info("replies_failed", extra={"batch": batch_id, "error": type(error).__name__})
            delay_ms = round(error.retry_after_s * 1000) if error.retry_after_s else delay_ms
    if now_ms >= end_ms and delay_ms is None:
        services.due.drop(Entry(FETCH, batch_id), batch.kind)
        return
    due_ms = next_look_ms(
        now_ms,
        starts_at_ms,
        fraction=settings.poll_fraction,
        minimum_s=settings.poll_min_s,
        end_ms=end_ms,
    )
    services.due.put(Entry(FETCH, batch_id), batch.kind, now_ms + delay_ms if delay_ms else due_ms)


def _fetch(services: Services, gateway: Gateway, batch: Batch, mailing: int, message_id: int) -> None:
    incoming = gateway.get_new_incoming_messages(message_id)
    if not incoming:
        return
    zone = services.settings.gateway_timezone
    replies = [
        Reply(
            id=message.id,
            phone=message.phone,
            message=message.message,
            received_ms=from_gateway(message.received_at, zone),
            batch_id=batch.id,
            mailing=batch.mailings[mailing].name,
        )
        for message in incoming
    ]
    services.replies.add(batch, replies)
    ids = [reply.id for reply in replies]
    for start in range(0, len(ids), _MARKED_PER_CALL):
        portion = ids[start : start + _MARKED_PER_CALL]
        marked = gateway.read_response_status(portion)
        if marked is not None and marked != len(portion):
            log.warning("replies_marked", extra={"batch": batch.id, "asked": len(portion), "marked": marked})
