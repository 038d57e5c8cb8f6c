"""What a person decides: about batches that are held or refused, and about accounts that are paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from campaigns.acts import Act, Deed, same_person
from campaigns.errors import ConfirmationError, UnknownCampaignError
from campaigns.flow.outcome import planned_again
from campaigns.flow.scheduling.sweep import due_of
from campaigns.ledger import LEASE, POLL_VERB, SEND, Batch, Campaign, Move
from campaigns.ledger.states import ACCEPTED, HELD, PLANNED, WRITTEN_OFF
from campaigns.services import Services

#: The words for a decision about a held batch, and the state that it leads to.
RESOLUTIONS: Final = {"sent": ACCEPTED, "resend": PLANNED, "write-off": WRITTEN_OFF}


def resume_account(services: Services, account: str, by: str, why: str = "") -> None:
    """End an account's pause, with an event. The sends, polls and checks that waited for it are due now."""
    services.limiter.resume(account, Act(Deed.ACCOUNT_RESUMED, account, by, why))
    now_ms, reply_window_ms = services.now_ms(), services.ms.reply_window
    for campaign_id in services.campaigns.active():
        try:
            campaign = services.campaigns.read(campaign_id)
        except UnknownCampaignError:
            continue
        if campaign.account == account:
            for batch in services.batches.read_each(campaign.batch_ids()):
                for entry, _ in due_of(batch, campaign, now_ms, reply_window_ms):
                    if entry.verb != LEASE:
                        services.due.put(entry, batch, now_ms)


def decide(
    services: Services,
    campaign: Campaign,
    from_state: str,
    to: str,
    act: Act,
    batch_id: str | None,
) -> int:
    """Move the campaign's batches, or one of them, from one state to another, and record `act` for each.

    Returns how many were moved.
    """
    changed = 0
    for batch in services.batches.read_each(_chosen(campaign, batch_id)):
        # A batch whose mailings were refused one by one has no recipients left.
        if batch.state == from_state and (batch.recipients > 0 or batch.kind == "list" or to != PLANNED):
            move = replace(_move(batch, to, act.said()), act=replace(act, of=batch.id))
            changed += services.batches.move(batch, move, from_states={from_state}, fence=batch.fence)
    return changed


def check_confirmed(services: Services, campaign: Campaign, act: Act, batch_id: str | None, confirmed_by: str) -> None:
    """Raises ConfirmationError if `act` resends what costs `confirm_cost` or more, and no second person confirms."""
    dearest, price = services.settings.confirm_cost, services.settings.message_cost
    if dearest is None or price is None or RESOLUTIONS[act.detail] != PLANNED:
        return
    held = (batch for batch in services.batches.read_each(_chosen(campaign, batch_id)) if batch.state == HELD)
    cost = price * sum(batch.recipients for batch in held)
    if cost and cost >= dearest and (not confirmed_by.strip() or same_person(act.by, confirmed_by)):
        raise ConfirmationError(campaign.id, act.by, cost)


def _chosen(campaign: Campaign, batch_id: str | None) -> Sequence[str]:
    """The ids of all batches of the campaign, or of the named one if the campaign has it."""
    ids = campaign.batch_ids()
    return ids if batch_id is None else [batch_id] if batch_id in ids else []


def _move(batch: Batch, to: str, reason: Mapping[str, str]) -> Move:
    if to == PLANNED and batch.state == HELD:
        return planned_again(batch, reason)
    if to == PLANNED:
        return Move(to, reason, {"checks": 0}, {SEND: 0})
    if to == ACCEPTED:
        # Without ids there is nothing to poll by; the horizon ends it.
        followed_ms = max(batch.starts_at_ms, batch.number("claimed_ms"))
        return Move(to, reason, {"followed_ms": followed_ms}, {POLL_VERB: 0})
    return Move(to, reason)
