"""What a worker's turn does with an entry that asks the gateway something that costs nothing."""

from __future__ import annotations

from contextlib import suppress

from campaigns.accounts.limiter import Permit
from campaigns.errors import PermitDeniedError
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.flow.tracking.poll import poll
from campaigns.flow.tracking.replies import fetch_replies
from campaigns.flow.turn import Outcome
from campaigns.ledger import FETCH, POLL_VERB, NoToken, TakenRead
from campaigns.services import Services


def read_taken(services: Services, taken: TakenRead | NoToken, _began_at_s: float) -> Outcome:
    """Poll a batch, fetch its replies, or look for evidence of it. The entry is due again in any case."""
    if isinstance(taken, NoToken):
        with suppress(PermitDeniedError):
            # Pauses it, so that people see why nothing is asked.
            services.gateway(taken.account)
        return Outcome()
    permit = Permit(taken.account, taken.permit_id)
    if taken.entry.verb == POLL_VERB:
        return Outcome(poll(services, taken.batch, taken.now_ms, permit))
    if taken.entry.verb == FETCH:
        fetch_replies(services, taken.batch, permit)
        return Outcome()
    # A check makes several requests, each with a permit of its own.
    services.store.run(*services.limiter.releasing(permit, used=False))
    reconcile_batch(services, taken.entry.id)
    return Outcome()
