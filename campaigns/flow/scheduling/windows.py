"""Windows of campaigns under way: writing their next openings, and the time until which all are closed."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from campaigns.ledger import Campaign
from campaigns.recipients import zones_in
from campaigns.services import Services
from campaigns.times.windows import AHEAD_DAYS, next_opening, openings, packed_openings

log = logging.getLogger(__name__)

#: Further openings are written once the known ones end within this time.
_SOON_MS: Final = AHEAD_DAYS * 86_400_000 // 2


def write_openings(services: Services, campaign: Campaign, now_ms: int) -> None:
    """Write further openings of a campaign's windows, if the known ones end soon. Raises StoreError."""
    window, fresh = campaign.window, list[str]()
    if window is None:
        return
    for zone, known in campaign.openings.items():
        if known and known[-1][1] - now_ms > _SOON_MS:
            continue
        try:
            fresh += [zone, packed_openings(openings(window, zones_in(zone), now_ms))]
        except KeyError:
            # Only another machine's zone database knows this zone. Until that machine sweeps, the window stays closed.
            log.warning("zone_unknown", extra={**campaign.facts, "zone": zone})
    if fresh:
        services.store.run("guard_campaign", [services.store.keys.campaign(campaign.id)], ["", "", *fresh])


def closed_until_ms(services: Services, campaign: Campaign) -> int | None:
    """When the first window opens (unix ms), if a campaign has something to send while all its windows are closed.

    None otherwise. Raises StoreError.
    """
    if campaign.window is None or campaign.over or not campaign.requests.get("planned"):
        return None
    now_ms = services.about_now_ms()
    found = [next_opening(known, now_ms) for known in campaign.openings.values()]
    opens = [opening[0] for opening in found if opening is not None]
    return min(opens) if opens and min(opens) > now_ms else None


def lead_within_window(campaign: Campaign, at_ms: int, lead_ms: int) -> int:
    """How many ms before a new time (unix ms) batches are handed over; 0 if the time lies outside a window of theirs.

    Then the opening of the window decides.
    """
    if campaign.window is None:
        return lead_ms
    found = [next_opening(known, at_ms) for known in campaign.openings.values()]
    return lead_ms if all(opening is not None and opening[0] <= at_ms for opening in found) else 0


def opens_after_ms(campaign: Campaign, at_ms: int) -> int | None:
    """When the window of a campaign opens (unix ms), if it is closed at a time to come; of several zones the last.

    None if it is open, or may never be closed.
    """
    if campaign.window is None:
        return None
    opens = list[int]()
    for zone in campaign.openings:
        with suppress(KeyError):  # a zone that only another machine's database knows
            opening = next_opening(openings(campaign.window, zones_in(zone), at_ms), at_ms)
            opens += [opening[0]] if opening is not None else []
    return max((moment for moment in opens if moment > at_ms), default=None)
