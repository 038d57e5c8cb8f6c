"""Polling: ask what became of a batch, write what changed, and settle it or say when it is due again.

`fetch.ask` decides which method is asked, `record_answer` writes what an answer changed, `settle` decides whether
anything more can come, and `poll_schedule` when the next poll is due.
"""

from __future__ import annotations

import logging

from campaigns.accounts.limiter import ReadPermits
from campaigns.errors import GatewayError
from campaigns.flow.poll_schedule import again_ms, followed_to_the_end, poll_fraction
from campaigns.flow.tracking.fetch import Answer, ask, last_digest
from campaigns.flow.tracking.polled import Poll
from campaigns.flow.tracking.record_answer import expire_open, record_answer
from campaigns.flow.tracking.settle import acceptance_suffices, settle
from campaigns.flow.turn import Work
from campaigns.ledger import POLL_VERB, Batch, Entry
from campaigns.ledger.states import ACCEPTED
from campaigns.services import Services
from campaigns.store.calls import Call, Calls

log = logging.getLogger(__name__)


def poll_batch(services: Services, batch: Batch, now_ms: int, permits: ReadPermits) -> Work:
    """Poll once. No GatewayError leaves it: a poll that fails is repeated.

    The permit of the first request was taken together with the batch; leaving `permits` gives back the last one, unless
    its calls were yielded. The last calls run in the turn's next round trip. Should they be lost, the batch is polled
    again all the same, since what a turn takes is due again after `campaigns.ledger.turns.AGAIN_MS`.
    """
    poll = Poll(services, batch, now_ms)
    with permits:
        if batch.state != ACCEPTED:
            services.due.drop(Entry(POLL_VERB, batch.id), batch)
            yield permits.release_calls()
            return
        if acceptance_suffices(batch, now_ms):
            settle(services, batch.id, over=True, ask_price=False)
            yield permits.release_calls()
            return
        answer, error = ask_gateway(poll, permits)
        over = followed_to_the_end(
            now_ms, poll.followed_ms, services.settings.poll_horizon_s, answered=answer is not None
        )
        changed = answer is not None and answer.digest != last_digest(batch)
        # The usual case. There is nothing to write, and nothing to settle while some status is not final.
        if not changed and not over and batch.number("final") < batch.recipients:
            if error is not None and now_ms >= poll.end_ms:
                _note_that_it_is_followed_on(poll, error)
            calls = permits.release_calls()
            calls.add(_due_again_call(poll, error))
            yield calls
            return
    # The permit has been given back, because what follows takes several round trips to the store.
    if answer is not None and changed:
        record_answer(poll, answer)  # reads `poll.batch` again
    if over:
        expire_open(poll)
    suffices = acceptance_suffices(poll.batch, now_ms)
    why = f"given up without an answer: {_reason(error)}" if over and error is not None else ""
    # A batch that is followed only as far as the gateway is settled without its price.
    if not settle(services, batch.id, over=over or suffices, ask_price=not suffices, why=why):
        yield Calls(_due_again_call(poll, error))


def ask_gateway(poll: Poll, permits: ReadPermits) -> tuple[Answer | None, GatewayError | None]:
    """The answer, or why there is none. An account that was refused is paused by the gateway's client."""
    try:
        gateway = poll.services.gateway(poll.batch.account).under(permits)
        return ask(gateway, poll.batch, lambda: poll.phones), None
    except GatewayError as error:
        log.info("poll_failed", extra={**poll.batch.facts, **error.facts})
        return None, error


def _note_that_it_is_followed_on(poll: Poll, error: GatewayError) -> None:
    """Say on the batch why it is still followed after its horizon: only an answer ends that."""
    text = f"followed on until the gateway answers: {_reason(error)}"
    poll.services.batches.note(poll.batch, {"text": text}, state=ACCEPTED, fence=poll.batch.fence)


def _due_again_call(poll: Poll, error: GatewayError | None) -> Call[int]:
    """The call that makes the batch due for its next poll; later if the error of this one asks for that."""
    settings, batch = poll.services.settings, poll.batch
    starts_at_ms, end_ms = poll.followed_ms, poll.end_ms
    if poll.now_ms < starts_at_ms and batch.fields.get("uuid") and len(batch.message_ids) < len(batch.mailings):
        # A scheduled mailing may be refused long before its time, and until then its id is unknown.
        starts_at_ms, end_ms = batch.number("claimed_ms"), starts_at_ms + poll.services.ms.poll_min
    due_ms = again_ms(
        poll.now_ms,
        starts_at_ms,
        fraction=poll_fraction(settings, batch.recipients),
        minimum_s=settings.poll_min_s,
        end_ms=end_ms,
        delay_s=None if error is None else error.retry_after_s,
    )
    return poll.services.due.put_call([(Entry(POLL_VERB, batch.id), batch, due_ms)])


def _reason(error: GatewayError) -> str:
    return error.gateway_text or error.reason
