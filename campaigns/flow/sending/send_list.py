"""List mailings: create (free), check the limits, confirm (paid), read back.

The gateway keeps the two phases apart, so the mailing's own status, read with getViberMessageData before and after,
decides about a lost answer to confirmViberMessage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import orjson

from campaigns.accounts.limiter import Permit, Wait
from campaigns.errors import (
    ContentRefusedError,
    GatewayError,
    NotSentError,
    OutcomeUnknownError,
    PermitDeniedError,
)
from campaigns.flow.outcome import Verdict, accepted
from campaigns.gateway import Gateway
from campaigns.gateway.noting import Notes
from campaigns.ledger import Batch, Claim
from campaigns.ledger.states import READY, SENDING
from campaigns.services import Services
from campaigns.statuses import confirmed


def send_list(services: Services, claim: Claim, permit: Permit, may_write: Callable[[], bool], notes: Notes) -> Verdict:
    """Create the mailing unless an earlier attempt did, and confirm it. Raises GatewayError.

    The request that confirms goes into `notes`; the free ones before it have permits and notes of their own.
    """
    batch = claim.batch
    gateway = services.gateway(batch.account)
    # The free requests take permits of their own. At a limit of one they would wait for the one that is held here.
    services.limiter.release(permit, used=False)
    message_id = batch.message_ids.get(0)
    # A mailing that was created while its list was empty stays empty, even if people have joined the list since.
    if message_id is None or not batch.recipients or _created_for_another_time(batch):
        message_id, recipients = _create(services, claim, gateway)
    else:
        recipients = batch.recipients
    _check_limits(services, batch, recipients)
    before = gateway.get_viber_message_data(message_id).status
    noted_before = batch.fields.get("status_before")
    if noted_before is not None and confirmed(noted_before, before):
        # An earlier attempt was confirmed after all.
        return accepted(batch, claim.now_ms, services.settings, message_ids={0: message_id})
    regained = services.limiter.regain(permit)
    if isinstance(regained, Wait):
        raise PermitDeniedError(
            "confirmViberMessage", f"not confirmed: {regained.words}", retry_after_s=regained.seconds
        )
    _begin_confirming(services, batch, before)
    try:
        gateway.confirm_viber_message(message_id, may_write=may_write, notes=notes)
    except GatewayError as error:
        if not _confirmed_after_all(gateway, message_id, before, error):
            raise
    return accepted(batch, claim.now_ms, services.settings, message_ids={0: message_id})


def _create(services: Services, claim: Claim, gateway: Gateway) -> tuple[int, int]:
    """Create the mailing and record its id. It costs nothing, so a failure here is simply repeated."""
    assert claim.body is not None  # noqa: S101 (checked by the caller)
    try:
        created = gateway.send_viber_message_list(
            orjson.loads(claim.body), image=services.batches.image(claim.batch.campaign_id) if claim.has_image else None
        )
    except OutcomeUnknownError as error:
        raise NotSentError(error.method, f"not created: {error.reason}", http_status=error.http_status) from None
    batch, message_id = claim.batch, created.message_id
    recipients = created.count_subscribers
    if recipients is None:
        # The job's limits need the number, so the mailing's own list is counted.
        recipients = len(gateway.get_viber_delivery_list(message_id).data)
    # Before the id: a worker that finds the id relies on this number for the limits.
    noted: dict[str, str | int] = {"count_subscribers": recipients, "created_for_ms": batch.number("schedule_ms")}
    _note(services, claim, noted, recipients)
    # A mailing that was created earlier is never confirmed.
    anew = replace(batch, fields={**batch.fields, "message_ids": ""})
    services.deliveries.record_message_ids(anew, {0: message_id}, services.ms.retention)
    return message_id, recipients


def _created_for_another_time(batch: Batch) -> bool:
    """Whether its campaign was rescheduled after the mailing was created. One that may be confirmed already is kept."""
    return batch.number("created_for_ms") != batch.number("schedule_ms") and "confirming_ms" not in batch.fields


def _begin_confirming(services: Services, batch: Batch, status_before: str) -> None:
    """Record that the mailing is about to be paid for. Raises PermitDeniedError if its campaign is not `ready`, or the
    account's budget has no room; a campaign that no budget pays for is paused."""
    refusal = services.batches.begin_confirming(batch, status_before, services.budgets.packed())
    if refusal is None:
        return
    if refusal.budget_s is not None:
        why = "not confirmed: the daily budget of the account has no room"
        raise PermitDeniedError("confirmViberMessage", why, retry_after_s=refusal.budget_s)
    if refusal.batch_state == SENDING and refusal.campaign_state != READY:
        raise PermitDeniedError("confirmViberMessage", f"not confirmed: the campaign is {refusal.campaign_state}")
    raise NotSentError("confirmViberMessage", "another worker or a person has taken over this batch")


def _note(services: Services, claim: Claim, fields: dict[str, str | int], recipients: int | None = None) -> None:
    noted = services.batches.note(claim.batch, fields, state=SENDING, fence=claim.fence, recipients=recipients)
    if not noted:
        raise NotSentError("confirmViberMessage", "another worker or a person has taken over this batch")


def _check_limits(services: Services, batch: Batch, recipients: int) -> None:
    """Compare the list with the limits of its job. Raises ContentRefusedError."""
    if not recipients:
        raise _not_confirmed("the gateway reports no recipients on this list")
    job = services.campaigns.read(batch.campaign_id).job
    most = job.get("max_recipients")
    if most is not None and recipients > most:
        raise _not_confirmed(f"the list has {recipients} recipients, the job's max_recipients is {most}")
    dearest, price = job.get("max_cost"), services.settings.message_cost
    if dearest is None:
        return
    if price is None:
        raise _not_confirmed("max_cost cannot be checked; set CAMPAIGNS_MESSAGE_COST")
    if price * recipients > Decimal(dearest):
        raise _not_confirmed(f"the expected cost is {price * recipients}, the job's max_cost is {dearest}")


def _not_confirmed(why: str) -> ContentRefusedError:
    return ContentRefusedError("sendViberMessageList", f"not confirmed: {why}")


def _confirmed_after_all(gateway: Gateway, message_id: int, before: str, error: GatewayError) -> bool:
    """Whether the mailing's state shows that it was confirmed although confirm did not say so.

    A refusal is checked too: the gateway may refuse because an earlier request arrived late and was carried out.
    """
    if isinstance(error, (NotSentError, PermitDeniedError)):
        return False
    try:
        return confirmed(before, gateway.get_viber_message_data(message_id).status)
    except GatewayError:
        return False
