"""Recording the result of a paid request: the batch, its permit and its account."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from campaigns.accounts.limiter import Permit
from campaigns.flow.doubt.double_sends import accepted_late
from campaigns.flow.outcome import MAY_RECORD, RESENT, Verdict
from campaigns.flow.turn import Work
from campaigns.gateway.noting import Made, clock_ms, raises_of
from campaigns.ledger import POLL_VERB, Batch, Claim
from campaigns.ledger.states import ACCEPTED, REJECTED, UNKNOWN
from campaigns.measures import flat
from campaigns.services import Services
from campaigns.statuses import NOT_AT_ALL
from campaigns.store.calls import Calls

log = logging.getLogger(__name__)

#: A person may have to act on these; the others are the usual course.
_LEVELS: Final[dict[str, int]] = {UNKNOWN: logging.WARNING, REJECTED: logging.WARNING}


def record(
    services: Services, claim: Claim, permit: Permit, verdict: Verdict, took_ms: int, notes: Sequence[Made] = ()
) -> Work:
    """Write the verdict of a request, and what was noted about it, with the turn's next round trip; then log it.

    `took_ms` passed from the claim to the gateway's answer.
    """
    if verdict.message_ids and verdict.move.to == ACCEPTED:
        yield from _record_message(services, claim, verdict, took_ms, notes)
        return
    batch, pause, calls = claim.batch, verdict.pause, Calls()
    data = {"batch": batch.id}
    # First the batch: a worker that dies after that has lost nothing but a permit.
    allowed = MAY_RECORD[verdict.move.to]
    moved = calls.add(services.batches.move_call(batch, verdict.move, from_states=allowed, fence=claim.fence))
    released = calls.add(
        services.limiter.release_call(
            permit, used=verdict.used, outcome=verdict.outcome, why=verdict.why, data=data, notes=notes
        )
    )
    if "uuid" in verdict.move.fields:
        calls.add(services.batches.await_message_ids_call(batch, services.ms.awaited_ids))
    if pause is not None:
        # In the same round trip: what the turn takes next must not be of this account.
        calls.add(
            services.limiter.pause_call(
                batch.account, pause.seconds, pause.reason, data, paid_only=pause.paid_only, cause=pause.cause
            )
        )
    yield calls
    _log_move(services, claim, verdict, took_ms, moved=moved.value)
    if released.value.pause_ms:
        _log_pause(verdict, batch, released.value.pause_ms)
    if pause is not None:
        _log_pause(verdict, batch, round(pause.seconds * 1000))


def _record_message(services: Services, claim: Claim, verdict: Verdict, took_ms: int, notes: Sequence[Made]) -> Work:
    """The same of a message whose id the gateway's answer held: its batch, its id and its permit in one script."""
    batch, move = claim.batch, verdict.move
    if _is_over(batch, verdict):
        move = replace(move, settles=True, due={**move.due, POLL_VERB: None})
    calls = Calls()
    call = services.acceptances.call(
        batch,
        move,
        verdict.message_ids,
        from_states=MAY_RECORD[ACCEPTED],
        raises=flat(raises_of(notes)),
        clock_ms=clock_ms(notes),
    )
    moved = calls.add(call)
    yield calls
    _log_move(services, claim, verdict, took_ms, moved=moved.value)


def _is_over(batch: Batch, verdict: Verdict) -> bool:
    """Whether nothing more is asked about a message, so that it is settled with its acceptance, and not by a poll."""
    return bool(verdict.message_ids) and batch.follow == NOT_AT_ALL and RESENT not in batch.fields


def _log_move(services: Services, claim: Claim, verdict: Verdict, took_ms: int, *, moved: bool) -> None:
    """Log that the batch took the verdict, or that it did not because a later attempt stands in its place."""
    batch, to = claim.batch, verdict.move.to
    facts = {**batch.facts, "to": to, "reason": verdict.move.data.get("reason"), "ms": took_ms}
    if moved:
        log.log(_LEVELS.get(to, logging.INFO), "batch_moved", extra=facts)
        return
    log.warning("batch_moved_elsewhere", extra=facts)
    if to == ACCEPTED:
        accepted_late(services, claim, verdict)


def _log_pause(verdict: Verdict, batch: Batch, pause_ms: int) -> None:
    """Log an account's pause, with the reason in our words: the gateway's may repeat a text."""
    facts = {**batch.facts, "reason": verdict.move.data.get("reason"), "pause_ms": pause_ms}
    log.warning("account_paused", extra=facts)
