"""Claiming with respect for the opt-outs: nobody who opted out before the claim is messaged.

Planning takes out who is on the list, and notes the list's version. Whoever opts out later moves the version,
and then a batch is not given out before its phones were checked again. From the claim on a request is on its
way: an opt-out of the same moment comes too late for it. A list mailing's phones are only known at the
gateway, which keeps such lists: this check passes them over.
"""

from __future__ import annotations

import logging

from campaigns.ledger import OutdatedSuppression, exclude_opted_out
from campaigns.ledger.states import PLANNED
from campaigns.planning.batching import without
from campaigns.planning.planner import phones_of
from campaigns.services import Services

log = logging.getLogger(__name__)


def check(services: Services, batch_id: str, outdated: OutdatedSuppression) -> None:
    """Take out of a planned batch who opted out. Nothing happens if somebody else was first."""
    batch = services.batches.read(batch_id)
    body = services.batches.body(batch_id)
    if batch.state != PLANNED:
        return
    reduced, removed = None, []
    if body is not None:
        planned = [phone for mailing in phones_of(batch.kind, body) for phone in mailing]
        verdicts = services.optouts.among(planned)
        opted_out = {phone for phone, is_out in zip(planned, verdicts, strict=True) if is_out}
        # Fewer than the batch counts: some were erased while it lay refused.
        if opted_out or len(planned) != batch.recipients:
            reduced = without(batch.kind, body, opted_out)
            removed = reduced.removed
    if exclude_opted_out(services.store, batch, outdated, reduced, removed, services.ms.lookalikes) and reduced:
        log.info("batch_reduced", extra={**batch.facts, "opted_out": len(removed)})
