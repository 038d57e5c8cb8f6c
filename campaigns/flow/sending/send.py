"""Sending: make the one paid request of a batch that this worker has claimed, and say what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from campaigns.accounts.limiter import Permit
from campaigns.errors import AccountRefusedError, ContentRefusedError, GatewayError, PermitDeniedError
from campaigns.flow.outcome import Verdict, accepted, refused
from campaigns.flow.sending.record import message_id_calls, recorded, recording
from campaigns.flow.sending.send_list import send_list
from campaigns.flow.sending.suppress import check
from campaigns.flow.tracking.callbacks import callback_url
from campaigns.flow.turn import Outcome
from campaigns.gateway.noting import Notes
from campaigns.ledger import SEND, Claim, Entry, NoToken, ToCheck
from campaigns.planning.batching import with_schedule, without_schedule
from campaigns.services import Services
from campaigns.times.gateway_times import to_d_schedule, to_schedule_time

log = logging.getLogger(__name__)

#: A batch whose claim was not replicated is due again after so long.
_REPLICAS_S: Final = 5.0


def send_taken(services: Services, taken: Claim | ToCheck | NoToken, began_at_s: float) -> Outcome:
    """Send a claimed batch, or check one against the opt-outs so that it can be claimed next.

    `began_at_s` (boot clock) lies before the claim, so that claim and permit last longer than this process believes.
    """
    if isinstance(taken, NoToken):
        with suppress(PermitDeniedError):
            # Pauses it, so that people see why nothing goes out.
            services.gateway(taken.account)
        return Outcome()
    if isinstance(taken, ToCheck):
        check(services, taken.batch_id, taken.outdated)
        batch = services.batches.read(taken.batch_id)
        return Outcome(
            [services.due.putting([(Entry(SEND, batch.id), batch, services.now_ms())])] if batch.state else []
        )
    # The permit goes by the claim's fence: one random text a request.
    permit = Permit(taken.batch.account, taken.fence)
    notes = Notes()
    verdict = _verdict(services, taken, permit, began_at_s, notes)
    took_ms = round((services.boot_s() - began_at_s) * 1000)
    learnt, calls = message_id_calls(services, taken, verdict), recording(services, taken, permit, verdict, notes)

    def after(answers: Sequence[Any]) -> None:
        recorded(services, taken, verdict, took_ms, answers[len(learnt) :])

    return Outcome([*learnt, *calls], after)


def give_back(services: Services, taken: Claim | ToCheck | NoToken) -> Outcome:
    """Undo a claim that was not replicated: a replica that took the primary's place would let it be sent again."""
    if not isinstance(taken, Claim):
        return Outcome()  # nothing was claimed, and it is due again
    wanted, reason = services.store.replicas, "the claim was not replicated, so nothing was sent"
    log.warning("claim_not_replicated", extra={**taken.batch.facts, "reason": reason, "replicas": wanted})
    error = PermitDeniedError(taken.batch.kind, reason, retry_after_s=_REPLICAS_S)
    verdict = refused(error, taken.batch, services.settings, services.random.random())
    permit = Permit(taken.batch.account, taken.fence)
    return Outcome(recording(services, taken, permit, verdict), partial(recorded, services, taken, verdict, 0))


def _verdict(services: Services, claim: Claim, permit: Permit, began_at_s: float, notes: Notes) -> Verdict:
    settings = services.settings
    latest_s = began_at_s + settings.lease_s - settings.deadline_s

    def may_write() -> bool:
        """The lease must still cover the whole deadline: a process that was frozen sends nothing late."""
        return services.boot_s() <= latest_s

    try:
        return _request(services, _timely(claim, settings.gateway_timezone), permit, may_write, notes)
    except GatewayError as error:
        log.info("request_failed", extra={**claim.batch.facts, **error.facts})
        accepted_ms = services.limiter.accepted_ms(claim.batch.account) if isinstance(error, AccountRefusedError) else 0
        return refused(error, claim.batch, settings, services.random.random(), accepted_ms)


def _timely(claim: Claim, zone: ZoneInfo) -> Claim:
    """With the time to which its campaign was moved, if it was, and without one that has passed."""
    batch, body = claim.batch, claim.body
    starts = [at_ms for at_ms in map(batch.scheduled_ms, batch.mailings) if at_ms is not None]
    if body is None or not starts or batch.kind == "quick":
        return claim
    if min(starts) <= claim.now_ms:
        return replace(claim, body=without_schedule(batch.kind, body))
    if not batch.number("schedule_ms"):
        return claim
    written = to_schedule_time if batch.kind == "bulk" else to_d_schedule
    return replace(claim, body=with_schedule(batch.kind, body, written(min(starts), zone)))


def _request(services: Services, claim: Claim, permit: Permit, may_write: Callable[[], bool], notes: Notes) -> Verdict:
    batch = claim.batch
    if claim.body is None:
        raise ContentRefusedError(batch.kind, "the request body has expired before it was sent")
    if batch.kind == "list":
        return send_list(services, claim, permit, may_write, notes)
    gateway = services.gateway(batch.account)
    if batch.kind == "quick":
        fields: Mapping[str, str] = orjson.loads(claim.body)
        image = services.batches.image(batch.campaign_id) if claim.has_image else None
        message_id = gateway.send_quick_viber_message(fields, image=image, may_write=may_write, notes=notes)
        ids = {0: message_id}
        return replace(accepted(batch, claim.now_ms, services.settings, message_ids=ids), learnt=ids)
    callback = callback_url(services, batch, services.campaigns.brief(batch.campaign_id).callback_url)
    uuid = gateway.send_bulk_viber(claim.body, callback_url=callback, may_write=may_write, notes=notes)
    return accepted(batch, claim.now_ms, services.settings, uuid=uuid)
