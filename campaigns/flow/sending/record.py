"""Recording what became of a paid request: the batch, its permit and its account."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from campaigns.accounts.limiter import Permit
from campaigns.flow.doubt.double_sends import accepted_late
from campaigns.flow.outcome import MAY_RECORD, RESENT, Verdict
from campaigns.gateway.noting import Made
from campaigns.ledger import POLL_VERB, Batch, Claim, Move, moved
from campaigns.ledger.states import ACCEPTED, REJECTED, SETTLED, UNKNOWN
from campaigns.services import Services
from campaigns.statuses import NOT_AT_ALL
from campaigns.store.client import ScriptCall

log = logging.getLogger(__name__)

#: A person may have to act on these; the others are how things go.
_LEVELS: Final = {UNKNOWN: logging.WARNING, REJECTED: logging.WARNING}


def recording(
    services: Services, claim: Claim, permit: Permit, verdict: Verdict, notes: Sequence[Made] = ()
) -> list[ScriptCall]:
    """The calls that write the verdict, and the requests that were made for it.

    The batch comes first: who dies after that has lost nothing but a permit.
    """
    pause, account = verdict.pause, claim.batch.account
    data = {"batch": claim.batch.id}
    calls = [
        services.batches.moving(claim.batch, verdict.move, from_states=MAY_RECORD[verdict.move.to], fence=claim.fence),
        services.limiter.releasing(
            permit, used=verdict.used, outcome=verdict.outcome, why=verdict.why, data=data, notes=notes
        ),
    ]
    if "uuid" in verdict.move.fields:
        life_s = max(services.settings.retention_s, 2 * services.settings.settle_window_s)
        calls.append(services.batches.awaiting(claim.batch, round(life_s * 1000)))
    if _is_over(claim.batch, verdict):
        settled = Move(SETTLED, {}, {"text": ""}, {POLL_VERB: None})
        calls.append(services.batches.moving(claim.batch, settled, from_states={ACCEPTED}, fence=claim.fence))
    if pause is not None:
        # With the others: what is taken next in the same round trip must not be of this account.
        how: dict[str, Any] = {"paid_only": pause.paid_only, "cause": pause.cause}
        calls.append(services.limiter.pausing(account, pause.seconds, pause.reason, data, **how))
    return calls


def _is_over(batch: Batch, verdict: Verdict) -> bool:
    """Whether nothing more is asked about a message, so that it is settled with its acceptance, and not by a poll."""
    return bool(verdict.learnt) and batch.follow == NOT_AT_ALL and RESENT not in batch.fields


def message_id_calls(services: Services, claim: Claim, verdict: Verdict) -> list[ScriptCall]:
    """The calls that write down the gateway's ids, before anybody may ask by them."""
    if not verdict.learnt:
        return []
    return services.deliveries.message_id_calls(
        claim.batch, verdict.learnt, round(services.settings.retention_s * 1000)
    )


def recorded(services: Services, claim: Claim, verdict: Verdict, took_ms: int, answers: Sequence[Any]) -> bool:
    """What follows from the answers to `recording`. `took_ms` passed from the claim to the gateway's answer.

    Returns whether the batch took the verdict. It does not if a later attempt stands in its place.
    """
    batch, to = claim.batch, verdict.move.to
    said, (_, paused_ms), *_ = answers
    taken = moved(said)
    facts = {**batch.facts, "to": to, "reason": verdict.move.data.get("reason"), "ms": took_ms}
    if taken:
        log.log(_LEVELS.get(to, logging.INFO), "batch_moved", extra=facts)
    else:
        log.warning("batch_moved_elsewhere", extra=facts)
        taken = to == ACCEPTED and accepted_late(services, claim, verdict)
    if paused_ms:
        log.warning("account_paused", extra=_pause(verdict, batch, int(paused_ms)))
    if verdict.pause is not None:
        log.warning("account_paused", extra=_pause(verdict, batch, round(verdict.pause.seconds * 1000)))
    return taken


def _pause(verdict: Verdict, batch: Batch, pause_ms: int) -> dict[str, object]:
    """What a log line says of an account's pause: why in our words, since the gateway's may repeat a text."""
    return {**batch.facts, "reason": verdict.move.data.get("reason"), "pause_ms": pause_ms}
