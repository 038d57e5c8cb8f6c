"""Recording what became of a paid request: the batch, its permit and its account."""

from __future__ import annotations

import logging

from campaigns.flow.decisions import MAY_RECORD, Verdict
from campaigns.flow.duplicates import accepted_late
from campaigns.flow.services import Services
from campaigns.flow.slices import Slice
from campaigns.gateway.limiter import Permit
from campaigns.ledger import Claim, moved
from campaigns.ledger.states import ACCEPTED

log = logging.getLogger(__name__)


def record(services: Services, claim: Claim, permit: Permit, verdict: Verdict, *, turn: Slice | None = None) -> bool:
    """Write the verdict. The batch comes first: whoever dies after that has lost nothing but a permit.

    Takes the next entry of the worker's `turn` in the same round trip, unless the account has to rest.
    Returns whether the batch took it. It does not if a later attempt stands in its place.
    """
    batch, to = claim.batch, verdict.move.to
    calls = [
        services.batches.moving(batch, verdict.move, from_states=MAY_RECORD[to], fence=claim.fence),
        services.limiter.releasing(
            permit, used=verdict.used, outcome=verdict.outcome, why=verdict.why, data={"batch": batch.id}
        ),
    ]
    if "uuid" in verdict.move.fields:
        life_s = max(services.settings.retention_s, 2 * services.settings.settle_window_s)
        calls.append(services.batches.awaiting(batch, round(life_s * 1000)))
    carry_out = turn.carry_out if turn and verdict.rest is None else services.store.run_in_turn
    said, (_, paused_ms), *_ = carry_out(calls)
    taken = moved(said)
    fields = {"batch": batch.id, "attempt": batch.attempt, "to": to}
    if taken:
        log.info("batch_moved", extra=fields)
    else:
        log.warning("batch_moved_elsewhere", extra=fields)
        taken = to == ACCEPTED and accepted_late(services, claim, verdict)
    if paused_ms:
        log.warning("account_rests", extra={"account": batch.account, "seconds": paused_ms / 1000})
    rest = verdict.rest
    if rest is not None:
        services.limiter.rest(batch.account, rest.seconds, rest.reason, {"batch": batch.id}, paid_only=rest.paid_only)
        log.warning("account_rests", extra={"account": batch.account, "seconds": rest.seconds})
    return taken
