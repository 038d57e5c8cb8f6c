"""Dispatching: claim what is due and wake workers for it. Running it twice at once does no harm."""

from __future__ import annotations

import logging

from campaigns.flow.heartbeats import ticked
from campaigns.flow.services import Services
from campaigns.ledger import FETCH, LEASE, POLL_VERB, RECONCILE, SEND, Batch, Entry, Move
from campaigns.ledger.states import SENDING, UNKNOWN
from campaigns.names import (
    BULK,
    CONTROL,
    FETCH_REPLIES,
    POLL,
    POLL_BATCH,
    QUICK,
    RECONCILE_BATCH,
    REPLIES,
    SEND_BATCH,
)

log = logging.getLogger(__name__)

_TASKS = {
    SEND: SEND_BATCH,
    POLL_VERB: POLL_BATCH,
    RECONCILE: RECONCILE_BATCH,
    FETCH: FETCH_REPLIES,
}
#: Wake-ups per queue and run. Sending workers go on by themselves, so that a few are enough to rouse them.
_LIMITS = {QUICK: 16, BULK: 16, POLL: 64, REPLIES: 64}
#: An entry whose wake-up was lost is due again after so long.
AGAIN_MS = 30_000


def dispatch(services: Services, beat: str = "") -> int:
    """Wake a worker for everything that is due, up to a limit per queue. Returns the number of wake-ups.

    `beat` is the name of the beat whose tick this is.
    """
    ticked(services.store, beat)
    sent = 0
    for entry in services.due.take(CONTROL, 500, AGAIN_MS):
        end_lease(services, entry)
    for queue, limit in _LIMITS.items():
        for entry in services.due.take(queue, limit, AGAIN_MS):
            sent += services.wake(_TASKS[entry.verb], [entry.batch_id], queue)
    return sent


def end_lease(services: Services, entry: Entry) -> None:
    """A lease is over: its worker died or hangs, and nobody knows how far the request got."""
    batch = services.batches.read(entry.batch_id)
    if batch.state == SENDING and batch.number("lease_until_ms") > services.now_ms():
        services.due.put(entry, batch.kind, batch.number("lease_until_ms"))
        return
    if batch.state == SENDING:
        declare_unknown(services, batch)
    else:
        services.due.drop(entry, batch.kind or "bulk")


def declare_unknown(services: Services, batch: Batch) -> bool:
    """sending → unknown. Never back to planned: bytes may have left."""
    text = "the worker's lease ended before it recorded an answer"
    move = Move(UNKNOWN, {"reason": text}, {"text": text}, {LEASE: None, RECONCILE: 0})
    moved = services.batches.move(batch, move, from_states={SENDING}, fence=batch.fence)
    if moved:
        log.warning("lease_over", extra={"batch": batch.id, "attempt": batch.attempt})
    return moved
