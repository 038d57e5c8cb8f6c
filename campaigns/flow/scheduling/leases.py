"""Leases that ended: a worker died or hangs, and how far its request got is unknown."""

from __future__ import annotations

import logging

from campaigns.ledger import LEASE, RECONCILE, Batch, Entry, Move
from campaigns.ledger.states import SENDING, UNKNOWN
from campaigns.services import Services

log = logging.getLogger(__name__)


def end_lease(services: Services, batch_id: str) -> None:
    """Put the batch in doubt whose lease ends now, unless its state has changed since."""
    batch, now_ms = services.batches.read(batch_id), services.now_ms()
    if batch.state != SENDING:
        services.due.drop_control(Entry(LEASE, batch_id))
        return
    left_ms = batch.number("lease_until_ms") - now_ms
    # A lease with more time left than any lease lasts was given before the store's clock was set back.
    if 0 < left_ms <= services.ms.lease:
        services.due.put_control(Entry(LEASE, batch_id), now_ms + left_ms)
    else:
        declare_unknown(services, batch)


def declare_unknown(services: Services, batch: Batch) -> bool:
    """sending → unknown. Never back to planned: bytes may have left."""
    text = "the worker's lease ended before it recorded an answer"
    move = Move(UNKNOWN, {"reason": text}, {"text": text}, {LEASE: None, RECONCILE: 0})
    moved = services.batches.move(batch, move, from_states={SENDING}, fence=batch.fence)
    if moved:
        log.warning("lease_over", extra={**batch.facts, "reason": text})
    return moved
