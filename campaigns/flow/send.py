"""Sending: claim one batch, make its one paid request, record what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

import orjson

from campaigns.errors import AccountRefusedError, ContentRefusedError, GatewayError, NotNowError, UnknownCampaignError
from campaigns.flow.callbacks import callback_url
from campaigns.flow.decisions import LONGEST_REST_S, Verdict, accepted, refused
from campaigns.flow.recording import record
from campaigns.flow.send_list import send_list
from campaigns.flow.services import Services
from campaigns.flow.slices import Slice
from campaigns.flow.withholding import claim_checked
from campaigns.gateway.limiter import Permit, Wait
from campaigns.ledger import SEND, Claim, Entry, Move, Refusal, campaign_of, queue_of
from campaigns.ledger.states import CANCELLED, CANCELLING, PLANNED
from campaigns.names import BULK

log = logging.getLogger(__name__)


def send_while_due(services: Services, batch_id: str, monotonic: Callable[[], float]) -> int:
    """Send the batch that the wake-up names, then others that are due in the same queue. Returns how many."""
    try:
        queue = queue_of(SEND, services.campaigns.brief(campaign_of(batch_id)).kind)
    except UnknownCampaignError:
        queue = BULK
    turn = Slice(services, queue, SEND, monotonic)
    return turn.run(batch_id, partial(send_batch, services, turn=turn))


def send_batch(services: Services, batch_id: str, *, turn: Slice | None = None) -> bool:
    """Send one batch if it is still planned and its account may.

    Returns whether the worker should go on with another, of its `turn`; False when the account has to wait.
    """
    entry = Entry(SEND, batch_id)
    try:
        brief = services.campaigns.brief(campaign_of(batch_id))
    except UnknownCampaignError:
        for kind in ("bulk", "quick"):
            services.due.drop(entry, kind)
        return True
    # Before permit and claim, so that both can only last longer than this process believes.
    began_at_s = services.boot_s()
    permit = services.limiter.acquire(brief.account, quick=brief.kind == "quick")
    if isinstance(permit, Wait):
        _later(services, entry, brief.kind, permit.seconds)
        return False
    try:
        # Before the claim: a worker without the account's token must not claim what it cannot send.
        services.gateway(brief.account)
    except NotNowError as error:
        services.limiter.release(permit, used=False)
        _later(services, entry, brief.kind, error.retry_after_s or LONGEST_REST_S)
        return False
    claim = claim_checked(services, batch_id, brief.kind)
    if isinstance(claim, Refusal):
        services.limiter.release(permit, used=False)
        if claim.batch_state == PLANNED and claim.campaign_state == CANCELLING:
            # It was on its way when the campaign was cancelled, and came back unsent.
            services.batches.move(
                services.batches.read(batch_id), Move(CANCELLED, due={SEND: None}), from_states={PLANNED}
            )
        return True
    verdict = _verdict(services, claim, permit, began_at_s)
    record(services, claim, permit, verdict, turn=turn)
    return verdict.rest is None


def _later(services: Services, entry: Entry, kind: str, wait_s: float) -> None:
    """Let it be due again when its account may, but soon enough to see that a person has resumed it."""
    wait_s = min(wait_s, LONGEST_REST_S) * (1 + services.random.random() / 4)
    services.due.put(entry, kind, services.now_ms() + round(wait_s * 1000))


def _verdict(services: Services, claim: Claim, permit: Permit, began_at_s: float) -> Verdict:
    settings = services.settings
    latest_s = began_at_s + settings.lease_s - settings.deadline_s

    def may_write() -> bool:
        """The lease must still cover the whole deadline: a process that was frozen sends nothing late."""
        return services.boot_s() <= latest_s

    try:
        return _request(services, claim, permit, may_write)
    except GatewayError as error:
        log.info(
            "request_failed",
            extra={"batch": claim.batch.id, "error": type(error).__name__, "http_status": error.http_status},
        )
        accepted_ms = services.limiter.accepted_ms(claim.batch.account) if isinstance(error, AccountRefusedError) else 0
        return refused(error, claim.batch, settings, services.random.random(), accepted_ms)


def _request(services: Services, claim: Claim, permit: Permit, may_write: Callable[[], bool]) -> Verdict:
    batch = claim.batch
    if claim.body is None:
        raise ContentRefusedError(batch.kind, "the request body has expired before it was sent")
    if batch.kind == "list":
        return send_list(services, claim, permit, may_write)
    gateway = services.gateway(batch.account)
    if batch.kind == "quick":
        fields: Mapping[str, str] = orjson.loads(claim.body)
        image = services.batches.image(batch.campaign_id)
        message_id = gateway.send_quick_viber_message(fields, image=image, may_write=may_write)
        services.deliveries.learn(batch, {0: message_id}, round(services.settings.retention_s * 1000))
        return accepted(batch, claim.now_ms, services.settings, message_ids={0: message_id})
    callback = callback_url(services, batch, services.campaigns.brief(batch.campaign_id).callback_url)
    uuid = gateway.send_bulk_viber(claim.body, callback_url=callback, may_write=may_write)
    return accepted(batch, claim.now_ms, services.settings, uuid=uuid)
