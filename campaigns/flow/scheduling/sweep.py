"""Sweeping: makes due again what should be due by its state and is not.

Entries are missing after a process died between two steps, or after a person deleted keys. The sweep works in small
slices, so that its cost at any moment does not grow with the number of campaigns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from campaigns.errors import UnknownCampaignError
from campaigns.flow.doubt.double_sends import watched
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.flow.scheduling.windows import write_openings
from campaigns.ledger import (
    CANARY,
    COUNT,
    FALLBACK,
    FETCH,
    LEASE,
    POLL_VERB,
    RECONCILE,
    SEND,
    SWEEP,
    Audit,
    Batch,
    Campaign,
    Entry,
    Move,
    Owned,
    drop_plan,
    number_of,
)
from campaigns.ledger.counts import miscounted
from campaigns.ledger.states import (
    ABANDONED,
    ACCEPTED,
    CANCELLED,
    CANCELLING,
    PLANNED,
    PLANNING,
    READY,
    SENDING,
    BatchState,
)
from campaigns.portions import portions
from campaigns.services import Services
from campaigns.store.calls import Calls
from campaigns.store.commands import Redis

log = logging.getLogger(__name__)

#: Stands in the due set of control.
SWEEP_ENTRY: Final = Entry(SWEEP, "")

_CANCELLED_PER_ROUND_TRIP = 100
_CAMPAIGNS_PER_SCAN = 50
#: A round of sweeping that stopped for longer than this begins anew.
_CURSOR_LIFE_S = 3600


def sweep(services: Services) -> int:
    """Check every campaign that is not retired, once. Returns how many things were missing."""
    services.store.ask(Redis.delete, services.store.keys.sweep())
    return sweep_slice(services, lambda: True)[0]


def sweep_slice(services: Services, may_go_on: Callable[[], bool]) -> tuple[int, bool]:
    """Check campaigns from where the last slice stopped, while `may_go_on`.

    Returns how many things were missing, and whether all campaigns have been checked: the next slice begins anew.
    """
    store, keys = services.store, services.store.keys
    missing, cursor = 0, int(store.ask(Redis.get, keys.sweep()) or 0)
    while True:
        cursor, ids = store.ask(Redis.sscan, keys.active(), cursor, None, _CAMPAIGNS_PER_SCAN)
        for campaign_id in ids:
            missing += _sweep_one(services, campaign_id.decode())
        if cursor == 0:
            break
        if not may_go_on():
            store.ask(Redis.set, keys.sweep(), cursor, _CURSOR_LIFE_S)
            return missing, False
    store.ask(Redis.delete, keys.sweep())
    Audit(store).trim(services.ms.audit_retention)
    old_ms = services.about_now_ms() - services.ms.retention
    services.campaigns.index.drop_expired(old_ms)
    services.batches.drop_expired(old_ms)
    return missing, True


def _sweep_one(services: Services, campaign_id: str) -> int:
    try:
        return sweep_campaign(services, services.campaigns.read(campaign_id))
    except UnknownCampaignError:
        services.store.ask(Redis.srem, services.store.keys.active(), campaign_id)
        return 0


def sweep_campaign(services: Services, campaign: Campaign) -> int:
    """Make due what one campaign lacks, and end what is left of a dead plan. Returns how many things were missing."""
    if campaign.state in {PLANNING, ABANDONED}:
        if drop_plan(services.store, campaign.id, key=campaign.fields.get("key")):
            _retire(services, campaign)
            return 1
        return 0
    if not campaign.over and services.campaigns.revive(campaign):
        log.info("campaign_revived", extra=campaign.facts)
    missing, now_ms = 0, services.about_now_ms()
    if not campaign.over:
        write_openings(services, campaign, now_ms)
    if campaign.state == READY and campaign.number("cursor") < campaign.handed_out_most:
        missing += services.campaigns.put_in_order(campaign)
    elif campaign.state == READY and campaign.canary_batches:
        services.due.keep_in_control([Entry(CANARY, campaign.id)], now_ms)
    last_ms = campaign.number("ended_ms")
    for batches in services.batches.read_in_portions(campaign.batch_ids()):
        missing += _sweep_batches(services, campaign, batches, now_ms)
        last_ms = max(last_ms, _last_fallback_ms(batches))
        services.plans.keep(batches)
    if campaign.over and now_ms >= last_ms + services.ms.reply_window:
        _retire(services, campaign)
    if missing:
        log.info("swept", extra={**campaign.facts, "missing": missing})
    return missing


def due_of(batch: Batch, campaign: Campaign, now_ms: int, reply_window_ms: int) -> list[tuple[Entry, int]]:
    """The entries that a batch must have in the due sets, and the time (unix ms) of one that is missing. Pure.

    A batch that was never handed out has none: its campaign stands in the order instead.
    """
    match batch.state:
        case BatchState.PLANNED if campaign.state == READY and number_of(batch.id) < campaign.number("cursor"):
            return [(Entry(SEND, batch.id), now_ms)]
        case BatchState.SENDING:
            return [(Entry(LEASE, batch.id), batch.number("lease_until_ms"))]
        case BatchState.UNKNOWN:
            return [(Entry(RECONCILE, batch.id), now_ms)]
        case BatchState.ACCEPTED | BatchState.SETTLED:
            entries = [(Entry(POLL_VERB, batch.id), now_ms)] if batch.state == ACCEPTED else []
            # If the last fetch failed, the window stays open until one is answered, at most for the same time again.
            if batch.recipients and replies_open(batch, now_ms, reply_window_ms):
                entries.append((Entry(FETCH, batch.id), now_ms))
            if batch.fallback_open:
                entries.append((Entry(FALLBACK, batch.id), batch.fallback_due_ms))
            if watched(batch):
                entries.append((Entry(RECONCILE, batch.id), now_ms))
            return entries
        case _:
            return []


def replies_open(batch: Batch, now_ms: int, reply_window_ms: int) -> bool:
    """Whether replies to a batch are still fetched."""
    ended = "replies_ended_ms" in batch.fields
    return batch.wants_replies and not ended and batch.number("followed_ms") + 2 * reply_window_ms > now_ms


def poll_now(services: Services, campaign: Campaign) -> list[str]:
    """Make the polls and the fetches of replies of a campaign due by now. Returns the ids of the batches."""
    now_ms, polled = services.now_ms(), []
    for batch in services.batches.read_each(campaign.batch_ids()):
        entries = due_of(batch, campaign, now_ms, services.ms.reply_window)
        followed = [entry for entry, _ in entries if entry.verb in {POLL_VERB, FETCH}]
        for entry in followed:
            services.due.hasten(entry, batch, now_ms)
        polled += [batch.id] if followed else []
    return polled


def _sweep_batches(services: Services, campaign: Campaign, batches: list[Batch], now_ms: int) -> int:
    missing: list[tuple[Entry, Owned, int]] = []
    changed, cancelled = 0, []
    for batch in batches:
        if batch.state == PLANNED and campaign.state == CANCELLING:
            cancelled.append(batch)
        elif batch.state == SENDING and batch.number("lease_until_ms") <= now_ms:
            changed += declare_unknown(services, batch)
        else:
            entries = due_of(batch, campaign, now_ms, services.ms.reply_window)
            missing += [(entry, batch, at_ms) for entry, at_ms in entries]
    if wrong := [Entry(COUNT, batch.id) for batch in batches if batch.state != PLANNED and miscounted(batch)]:
        services.due.keep_in_control(wrong, now_ms)
    changed += _cancel(services, cancelled)
    return changed + (services.due.put_missing(missing) if missing else 0)


def _last_fallback_ms(batches: Sequence[Batch]) -> int:
    """When the last of the fallbacks that are still open is due (unix ms); 0 if there is none."""
    return max((batch.fallback_due_ms for batch in batches if batch.fallback_open), default=0)


def _cancel(services: Services, batches: Sequence[Batch]) -> int:
    """planned → cancelled: these batches were not sent and never will be. Returns how many were moved."""
    number, move = 0, Move(CANCELLED, due={SEND: None})
    for some in portions(batches, _CANCELLED_PER_ROUND_TRIP):
        calls = Calls()
        moved = [calls.add(services.batches.move_call(batch, move, from_states={PLANNED})) for batch in some]
        calls.run(services.store)
        number += sum(reply.value for reply in moved)
    return number


def _retire(services: Services, campaign: Campaign) -> None:
    """Stop sweeping a campaign that is over. Its keys expire by themselves."""
    services.campaigns.retire(campaign, services.ms.retention)
