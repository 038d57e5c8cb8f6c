"""Fallback: recipients whose message is not delivered by the job's `fallback_after_s` are announced once each, so that
the application can reach them by another channel.

The gateway is polled just before, so that no recipient is announced whose message has arrived. It is tried again later
if the gateway does not answer, or the answer cannot be written. A batch that is settled is not polled: all that will
ever be known of it is stored.
"""

from __future__ import annotations

import logging
from typing import Final

from campaigns.accounts.limiter import ReadPermits
from campaigns.flow.poll_schedule import again_ms
from campaigns.flow.tracking.fetch import last_digest
from campaigns.flow.tracking.poll import ask_gateway
from campaigns.flow.tracking.polled import Poll
from campaigns.flow.tracking.record_answer import record_answer
from campaigns.flow.turn import Work
from campaigns.ledger import FALLBACK, Batch, Entry
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.results.fallback import announce, undelivered
from campaigns.services import Services
from campaigns.store.calls import Calls

log = logging.getLogger(__name__)

#: How often a mailing is compared anew because a poll wrote meanwhile.
_TRIES: Final = 5


def announce_undelivered(services: Services, batch: Batch, now_ms: int, permits: ReadPermits) -> Work:
    """Poll a batch and announce who was not delivered. No GatewayError leaves it: without an answer it is due again."""
    entry, poll = Entry(FALLBACK, batch.id), Poll(services, batch, now_ms)
    with permits:
        if batch.state not in {ACCEPTED, SETTLED} or batch.fallback_done:
            services.due.drop(entry, batch)
            yield permits.release_calls()
            return
        answer, error = ask_gateway(poll, permits) if batch.state == ACCEPTED else (None, None)
    if answer is not None and answer.digest != last_digest(batch):
        record_answer(poll, answer)
    if error is not None or poll.unwritten:
        # By what is stored, a recipient whose message has arrived could be announced.
        due_ms = again_ms(
            now_ms,
            batch.fallback_due_ms,
            fraction=services.settings.poll_fraction,
            minimum_s=services.settings.poll_min_s,
            end_ms=now_ms,
            delay_s=error.retry_after_s if error is not None else None,
        )
        yield Calls(services.due.put_call([(entry, batch, due_ms)]))
        return
    for mailing in range(len(batch.mailings)):
        _announce_mailing(poll, mailing)
    # A server that took another's place meanwhile may lack what was announced: then the entry stays.
    if services.batches.read(batch.id).fallback_done:
        services.due.drop(entry, batch)


def _announce_mailing(poll: Poll, mailing: int) -> None:
    """Announce the recipients of one mailing; of one that was refused there are none."""
    services, batch = poll.services, poll.batch
    if f"rejected:{mailing}" in batch.fields:
        return
    for _ in range(_TRIES):
        version, stored = services.deliveries.read_versioned(batch.id, mailing)
        rows = undelivered(poll.phones[mailing] or stored, stored)
        if announce(services.store, batch, mailing, rows, version):
            if rows:
                log.info("fallback_announced", extra={**batch.facts, "mailing": mailing, "recipients": len(rows)})
            return
