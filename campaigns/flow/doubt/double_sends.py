"""Duplicates: a request in doubt was sent again, by proof or by a person's word, and the first one arrived after all.

Whatever was sent again is watched for a while in the gateway's listing. What turns up twice is told by an event
and counted, and the account is paused until a person resumes it: the doubt was judged wrongly, and may be again.
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

#: How often a batch that was sent again is looked for, after one, two, three ... settle windows.
WATCHES = 6
#: The account is paused until somebody has looked.
_REST_S = 30 * 86_400.0


def watched(batch: Batch) -> bool:
    """Whether an accepted batch is still looked for a second time."""
    return RESENT in batch.fields and batch.number("watched") < WATCHES


def watch(services: Services, batch: Batch) -> None:
    """Look once for what the first request may have left at the gateway. Raises GatewayError."""
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
    """The gateway accepted an attempt that others had given up, and a later one was claimed meanwhile.

    Returns whether its acceptance could still stand for the batch; if not, the message went out twice.
    """
    batch = services.batches.read(claim.batch.id)
    if batch.fence == claim.fence:
        return False
    overtaken = {UNKNOWN, HELD, PLANNED, CANCELLED, WRITTEN_OFF, REJECTED}
    if services.batches.move(batch, verdict.move, from_states=overtaken, fence=batch.fence):
        return True
    # Should the later attempt come to nothing, the batch is not planned again unasked.
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
    """Say that a mailing went out twice, and pause the account. Only the first call says it."""
    if f"double_send:{mailing}" in batch.fields:
        return
    record = batch.mailings[mailing]
    data = {"mailing": mailing, "name": record.name, "recipients": record.recipients, "attempt": batch.attempt, **how}
    log.error("double_send_detected", extra={**batch.facts, "mailing": mailing, **how})
    # The pause first: a worker that dies in between reports it again.
    why = f"{batch.id} was sent twice"
    services.limiter.pause(batch.account, _REST_S, why, {"batch": batch.id}, paid_only=True, cause=DOUBLE_SEND)
    keys = services.store.keys
    services.store.run(
        "report_double_send",
        [keys.batch(batch.id), keys.campaign(batch.campaign_id), keys.events()],
        [batch.id, batch.campaign_id, mailing, record.recipients, orjson.dumps(data)],
    )
