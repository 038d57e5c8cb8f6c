"""Double sends: a request in doubt was sent again, and the first one had arrived after all.

A batch that was sent again is watched for a while in the gateway's listing. A message that shows up twice is counted
and reported by an event, and the account pauses until a person resumes it: the doubt was decided wrongly, and the next
one may be too.
"""

from __future__ import annotations

import logging

import orjson

from campaigns.accounts.pauses import DOUBLE_SEND
from campaigns.flow.doubt.evidence import second_copies
from campaigns.flow.outcome import RESENT, Verdict
from campaigns.ledger import RECONCILE, Batch, Claim, Entry
from campaigns.ledger.states import CANCELLED, HELD, PLANNED, REJECTED, SENDING, UNKNOWN, WRITTEN_OFF
from campaigns.services import Services

log = logging.getLogger(__name__)

#: How many checks of the listing watch a batch that was sent again, after one, two, three ... settle windows.
WATCHES = 6
#: The account stays paused until a person resumes it.
_PAUSE_S = 30 * 86_400.0


def watched(batch: Batch) -> bool:
    """Whether the listing is still checked for a second copy of an accepted batch."""
    return RESENT in batch.fields and batch.number("watched") < WATCHES


def watch(services: Services, batch: Batch) -> None:
    """Check the listing once for what the first request may have left there. Raises GatewayError."""
    for message_id, mailing in second_copies(services, batch, batch.number(RESENT)).items():
        report(services, batch, mailing, {"message_id": message_id})
    checks = batch.number("watched") + 1
    services.batches.note(batch, {"watched": checks}, state=batch.state, fence=batch.fence)
    entry = Entry(RECONCILE, batch.id)
    if checks >= WATCHES:
        services.due.drop(entry, batch)
    else:
        again_ms = services.now_ms() + (checks + 1) * services.ms.settle_window
        services.due.put(entry, batch, again_ms)


def accepted_late(services: Services, claim: Claim, verdict: Verdict) -> bool:
    """Record the acceptance of an attempt that was given up, when a later attempt has been claimed meanwhile.

    Returns whether the batch could still take it. If not, the message went out twice.
    """
    batch = services.batches.read(claim.batch.id)
    if batch.fence == claim.fence:
        return False
    overtaken = {UNKNOWN, HELD, PLANNED, CANCELLED, WRITTEN_OFF, REJECTED}
    if services.batches.move(batch, verdict.move, from_states=overtaken, fence=batch.fence):
        return True
    # If the later attempt fails, this sign keeps the batch from being planned again without a person's decision.
    services.batches.note(
        batch,
        {"callback_ms": "now", "callback_uuid": str(verdict.move.fields.get("uuid", ""))},
        state=SENDING,
        fence=batch.fence,
    )
    for number in range(len(batch.mailings)):
        report(services, batch, number, {"earlier_attempt": claim.batch.attempt})
    return False


def report(services: Services, batch: Batch, mailing: int, how: dict[str, int]) -> None:
    """Report that a mailing went out twice, and pause the account. Only the first call does."""
    if f"double_send:{mailing}" in batch.fields:
        return
    record = batch.mailings[mailing]
    data = {"mailing": mailing, "name": record.name, "recipients": record.recipients, "attempt": batch.attempt, **how}
    log.error("double_send_detected", extra={**batch.facts, "mailing": mailing, **how})
    # The pause first: a worker that dies in between reports it again.
    why = f"{batch.id} was sent twice"
    services.limiter.pause(batch.account, _PAUSE_S, why, {"batch": batch.id}, paid_only=True, cause=DOUBLE_SEND)
    keys = services.store.keys
    services.store.run(
        "report_double_send",
        [keys.batch(batch.id), keys.campaign(batch.campaign_id), keys.events()],
        [batch.id, batch.campaign_id, mailing, record.recipients, orjson.dumps(data)],
    )
