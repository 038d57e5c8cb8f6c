"""What a worker's turn does with an entry that asks the gateway something that costs nothing."""

from __future__ import annotations

from typing import Final

from campaigns.accounts.limiter import Permit
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.flow.sending.send import pause_for_missing_token
from campaigns.flow.tracking.fallback import announce_undelivered
from campaigns.flow.tracking.poll import poll_batch
from campaigns.flow.tracking.replies import fetch_replies
from campaigns.flow.turn import NOTHING_TO_WRITE, Work
from campaigns.ledger import FALLBACK, FETCH, POLL_VERB, NoToken, TakenRead
from campaigns.services import Services

#: How long a poll or a fetch waits for a further permit, unless the deadline of a request is shorter.
_PATIENCE_S: Final = 5.0


def read_taken(services: Services, taken: TakenRead | NoToken, _began_at_s: float) -> Work:
    """Poll a batch, fetch its replies, or check the listing for it. The entry is due again in any case."""
    if isinstance(taken, NoToken):
        pause_for_missing_token(services, taken)
        return NOTHING_TO_WRITE
    patience_s = min(_PATIENCE_S, services.settings.deadline_s)
    permits = services.limiter.read_permits(taken.account, patience_s, Permit(taken.account, taken.permit_id))
    if taken.entry.verb == POLL_VERB:
        return poll_batch(services, taken.batch, taken.now_ms, permits)
    if taken.entry.verb == FALLBACK:
        return announce_undelivered(services, taken.batch, taken.now_ms, permits)
    if taken.entry.verb == FETCH:
        fetch_replies(services, taken.batch, permits)
    else:
        # A check makes several requests, each with a permit of its own.
        permits.release_calls().run(services.store)
        reconcile_batch(services, taken.entry.id)
    return NOTHING_TO_WRITE
