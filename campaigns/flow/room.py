"""Room in the event stream: what every group has read is dropped, and sending pauses while too much is unread.

The pause is none of a campaign's states: one field in the store holds up all sending, so that it costs the same
for one campaign and for a hundred thousand, and so that a person's pause stays a person's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from campaigns.flow.services import Services
from campaigns.ledger import TRIM, Entry

log = logging.getLogger(__name__)

#: Stands in the due set of control.
TRIM_ENTRY: Final = Entry(TRIM, "")


def keep_room(services: Services, may_go_on: Callable[[], bool] = lambda: True) -> bool:
    """Drop events that nobody waits for, while `may_go_on`. Returns whether all that may go has gone."""
    settings = services.settings
    while True:
        trimmed = services.events.trim(round(settings.events_life_s * 1000), settings.events_cap)
        if not trimmed.dropped:
            if trimmed.full:
                log.error("events_full", extra={"entries": trimmed.left, "cap": settings.events_cap})
            return True
        if not may_go_on():
            return False
