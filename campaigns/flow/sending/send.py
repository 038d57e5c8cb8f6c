"""Sending: makes the one paid request of a batch that this worker has claimed, and records its result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from campaigns.accounts.limiter import Permit
from campaigns.errors import AccountRefusedError, ContentRefusedError, GatewayError, PermitDeniedError
from campaigns.flow.outcome import Verdict, accepted, refused
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.flow.sending.record import record
from campaigns.flow.sending.send_list import send_list
from campaigns.flow.tracking.callbacks import callback_url
from campaigns.flow.turn import NOTHING_TO_WRITE, Work
from campaigns.gateway.noting import Notes
from campaigns.ledger import SEND, Claim, Entry, NoToken, ToCheck
from campaigns.planning.body_schedules import with_schedule, without_schedule
from campaigns.services import Services
from campaigns.store.calls import Calls
from campaigns.times.gateway_times import to_d_schedule, to_schedule_time

log = logging.getLogger(__name__)

#: Time until a batch whose claim was not replicated is due again.
_REPLICAS_S: Final = 5.0


def send_taken(services: Services, taken: Claim | ToCheck | NoToken, began_at_s: float) -> Work:
    """Send a claimed batch, or check the phones of one so that it can be claimed next.

    `began_at_s` (clock since boot) lies before the claim, so that claim and permit last longer than this process
    believes.
    """
    match taken:
        case NoToken():
            pause_for_missing_token(services, taken)
            return NOTHING_TO_WRITE
        case ToCheck():
            return _check_and_put_back(services, taken)
        case Claim():
            return _send(services, taken, began_at_s)


def give_back(services: Services, taken: Claim | ToCheck | NoToken) -> Work:
    """Undo a claim that was not replicated: a replica that took the primary's place would let it be sent again."""
    if not isinstance(taken, Claim):
        return NOTHING_TO_WRITE  # nothing was claimed, and it is due again
    wanted, reason = services.store.replicas, "the claim was not replicated, so nothing was sent"
    log.warning("claim_not_replicated", extra={**taken.batch.facts, "reason": reason, "replicas": wanted})
    error = PermitDeniedError(taken.batch.kind, reason, retry_after_s=_REPLICAS_S)
    verdict = refused(error, taken.batch, services.settings, services.random.random())
    return record(services, taken, _permit_of(taken), verdict, took_ms=0)


def pause_for_missing_token(services: Services, taken: NoToken) -> None:
    """Pause an account whose token this worker lacks, so that people see why nothing goes out or is asked."""
    with suppress(PermitDeniedError):
        services.gateway(taken.account)  # pauses it, and raises


def _check_and_put_back(services: Services, taken: ToCheck) -> Work:
    exclude_later(services, taken.batch_id, taken.outdated)
    batch = services.batches.read(taken.batch_id)
    if batch.state:
        yield Calls(services.due.put_call([(Entry(SEND, batch.id), batch, services.now_ms())]))


def _send(services: Services, claim: Claim, began_at_s: float) -> Work:
    permit, notes = _permit_of(claim), Notes()
    verdict = _verdict(services, claim, permit, began_at_s, notes)
    took_ms = round((services.boot_s() - began_at_s) * 1000)
    return record(services, claim, permit, verdict, took_ms, notes)


def _permit_of(claim: Claim) -> Permit:
    """The permit was taken under the claim's fence: one random text for a request."""
    return Permit(claim.batch.account, claim.fence)


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
    """The claim with the time to which its campaign was rescheduled, and without a time that has passed."""
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
        return replace(accepted(batch, claim.now_ms, services.settings, message_ids=ids), message_ids=ids)
    callback = callback_url(services, batch, services.campaigns.brief(batch.campaign_id).callback_url)
    uuid = gateway.send_bulk_viber(claim.body, callback_url=callback, may_write=may_write, notes=notes)
    return accepted(batch, claim.now_ms, services.settings, uuid=uuid)
