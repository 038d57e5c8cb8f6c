"""Opt-outs before the claim: no recipient who opted out before the claim is messaged.

Planning excludes the phones on the suppression list (`campaigns.ledger.optouts`) and records the list's version. Each
later opt-out changes the version, and a batch with an older one cannot be claimed before its phones are checked again.
An opt-out that comes after the claim is too late for that request. List mailings are not checked: only the gateway
knows their phones.
"""

from __future__ import annotations

import logging

from campaigns.ledger import OutdatedSuppression, exclude_opted_out
from campaigns.ledger.states import PLANNED
from campaigns.planning.batching import without
from campaigns.planning.planner import phones_of
from campaigns.services import Services

log = logging.getLogger(__name__)


def exclude_later_optouts(services: Services, batch_id: str, outdated: OutdatedSuppression) -> None:
    """Exclude those recipients of a planned batch who opted out. Nothing happens if another worker was first."""
    batch = services.batches.read(batch_id)
    body = services.batches.body(batch_id)
    if batch.state != PLANNED:
        return
    reduced, removed = None, []
    if body is not None:
        planned = [phone for mailing in phones_of(batch.kind, body) for phone in mailing]
        verdicts = services.optouts.among(planned)
        opted_out = {phone for phone, is_out in zip(planned, verdicts, strict=True) if is_out}
        # Fewer phones than the batch counts: some people were erased while it was refused.
        if opted_out or len(planned) != batch.recipients:
            reduced = without(batch.kind, body, opted_out)
            removed = reduced.removed
    if exclude_opted_out(services.store, batch, outdated, reduced, removed, services.ms.lookalikes) and reduced:
        log.info("batch_reduced", extra={**batch.facts, "opted_out": len(removed)})
