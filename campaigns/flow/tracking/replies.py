"""Replies: fetch those that are not marked yet, store them, then mark them. In this order none is lost."""

from __future__ import annotations

import logging
from hashlib import blake2b

from campaigns.accounts.limiter import ReadPermits
from campaigns.answers.values import IncomingMessage, Rows
from campaigns.errors import GatewayError
from campaigns.flow.poll_schedule import again_ms, followed_to_the_end, reply_fraction
from campaigns.gateway import Gateway
from campaigns.ledger import FETCH, Batch, Entry
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.planning.planner import phones_of
from campaigns.portions import portions
from campaigns.results import Odd, Reply
from campaigns.services import Services
from campaigns.times.gateway_times import from_gateway

log = logging.getLogger(__name__)

_MARKED_PER_CALL = 200


def fetch_replies(services: Services, batch: Batch, permits: ReadPermits) -> None:
    """Fetch the replies to every mailing of a batch, until its window has passed and the last fetch was answered."""
    with permits:
        _fetch_all(services, batch, permits)


def _fetch_all(services: Services, batch: Batch, permits: ReadPermits) -> None:
    batch_id = batch.id
    settings, now_ms = services.settings, services.about_now_ms()
    starts_at_ms = batch.number("followed_ms")
    end_ms = starts_at_ms + services.ms.reply_window
    if batch.state not in {ACCEPTED, SETTLED}:
        services.due.drop(Entry(FETCH, batch_id), batch)
        return
    delay_s, answered = None, bool(batch.all_message_ids) or not batch.fields.get("uuid")
    asked = [(mailing, message_id) for mailing, ids in batch.all_message_ids.items() for message_id in ids]
    for mailing, message_id in asked:
        try:
            _fetch(services, services.gateway(batch.account).under(permits), batch, mailing, message_id)
        except GatewayError as error:
            # The replies to the other mailings are fetched all the same.
            log.info("replies_failed", extra={**batch.facts, "mailing": mailing, **error.facts})
            delay_s, answered = error.retry_after_s or delay_s, False
    if followed_to_the_end(now_ms, starts_at_ms, settings.reply_window_s, answered=answered):
        if not answered:
            log.warning("replies_given_up", extra={**batch.facts, "reason": "the window passed without an answer"})
        services.batches.note(batch, {"replies_ended_ms": "now"}, state=batch.state, fence=batch.fence)
        services.due.drop(Entry(FETCH, batch_id), batch)
        return
    due_ms = again_ms(
        now_ms,
        starts_at_ms,
        fraction=reply_fraction(settings, batch.recipients),
        minimum_s=settings.poll_min_s,
        end_ms=end_ms,
        delay_s=delay_s,
    )
    services.due.put(Entry(FETCH, batch_id), batch, due_ms)


def _fetch(services: Services, gateway: Gateway, batch: Batch, mailing: int, message_id: int) -> None:
    incoming = gateway.get_new_incoming_messages(message_id)
    _say_odd(services, batch, mailing, incoming)
    if not incoming:
        return
    zone, own = services.settings.gateway_timezone, _only_phone(services, batch)
    replies = [
        Reply(
            id=message.id or unmarked_id(message),
            phone=message.phone or own,
            message=message.message,
            received_ms=from_gateway(message.received_at, zone),
            batch_id=batch.id,
            mailing=batch.mailings[mailing].name,
        )
        for message in incoming
    ]
    services.replies.add(batch, replies)
    # A reply without an id cannot be marked. It comes with each answer, and is stored once.
    ids = [message.id for message in incoming if message.id]
    for portion in portions(ids, _MARKED_PER_CALL):
        marked = gateway.read_response_status(portion)
        if marked is not None and marked != len(portion):
            facts = {**batch.facts, "mailing": mailing, "asked": len(portion), "marked": marked}
            log.warning("replies_not_all_marked", extra=facts)


def unmarked_id(message: IncomingMessage) -> str:
    """An id of our own for a reply that has none, always the same for the same reply."""
    said = "\x00".join((message.phone, message.message, message.received_at))
    return "without-id-" + blake2b(said.encode(), digest_size=12).hexdigest()


def _only_phone(services: Services, batch: Batch) -> str:
    """The phone of a batch with a single recipient, whose replies need no readable phone; else an empty text."""
    if batch.kind != "quick" or (body := services.batches.body(batch.id)) is None:
        return ""
    return phones_of(batch.kind, body)[0][0]


def _say_odd(services: Services, batch: Batch, mailing: int, incoming: Rows[IncomingMessage]) -> None:
    nameless = 0 if batch.kind == "quick" else sum(not message.phone for message in incoming)
    for reason, number in (("unreadable reply", incoming.unreadable), ("reply whose phone cannot be read", nameless)):
        if number:
            log.warning("odd_replies", extra={**batch.facts, "mailing": mailing, "reason": reason, "rows": number})
            services.oddities.note(batch, Odd("getNewIncomingMessages", mailing, reason, number))
