"""A change of the store's server: what it put in doubt, and what a person decides about that."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from campaigns.acts import Act, Deed, packed
from campaigns.errors import UnknownCampaignError
from campaigns.ledger import RECONCILE, SEND, Batch, Move
from campaigns.ledger.states import HELD, PLANNED, UNKNOWN
from campaigns.services import Services
from campaigns.store.client import decoded
from campaigns.store.commands import Redis

_OPEN: Final = (UNKNOWN, HELD)


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of server. `doubt`: whether it may have lost claims; `why` says by what that is known.

    `doubted` counts the batches that any change put in doubt so far.
    """

    how: str
    changed_ms: int
    doubt: bool
    why: str
    doubted: int


def last_change(services: Services) -> Change | None:
    """The last change of server that was noticed; None if there was none. Raises StoreError."""
    found = decoded(services.store.ask(Redis.hgetall, services.store.keys.primary()))
    if "changed_ms" not in found:
        return None
    doubt = found.get("doubt", "0") == found["epoch"]
    why = found.get("why", "") if doubt else ""
    return Change(found["how"], int(found["changed_ms"]), doubt, why, int(found.get("doubted", 0)))


def declare_restored(services: Services, by: str) -> None:
    """Put in doubt whatever could be sent before now, since the store was restored from a backup. Raises StoreError."""
    keys = services.store.keys
    names, act = [keys.primary(), keys.events(), keys.audit()], Act(Deed.STORE_RESTORED, "", by)
    services.store.run_safely("declare_loss", names, [secrets.token_hex(8), by, packed(act)])


def withdraw_doubt(services: Services, by: str) -> int:
    """Send what the change put in doubt, since a person says that nothing was lost. Returns the number of batches.

    Raises StoreError.
    """
    keys, number = services.store.keys, 0
    names, act = [keys.primary(), keys.events(), keys.audit()], Act(Deed.STORE_LOST_NOTHING, "", by)
    services.store.run("withdraw_doubt", names, [by, packed(act)])
    for batch in held_up(services):
        move = Move(PLANNED, {"by": by, "reason": "nothing was lost"}, {"checks": 0}, {SEND: 0, RECONCILE: None})
        number += services.batches.move(batch, move, from_states=_OPEN, fence=batch.fence)
    return number


def held_up(services: Services) -> Iterator[Batch]:
    """Batches that a change put in doubt and that are not decided yet. Raises StoreError."""
    for campaign_id in services.campaigns.active():
        try:
            campaign = services.campaigns.read(campaign_id)
        except UnknownCampaignError:
            continue
        if not any(campaign.requests.get(state) for state in _OPEN):
            continue
        for batch in services.batches.read_each(campaign.batch_ids()):
            if batch.state in _OPEN and batch.claim_lost:
                yield batch
