"""Room in the event stream: events that every group has read are dropped, and sending pauses while too many are unread.

This pause is not a state of campaigns. One field in the store stops all sending: that costs the same for one campaign
and for a hundred thousand, and does not mix with the pauses that people decide.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from campaigns.events.stream import Trimmed
from campaigns.ledger import TRIM, Entry
from campaigns.services import Services

log = logging.getLogger(__name__)

#: Stands in the due set of control.
TRIM_ENTRY: Final = Entry(TRIM, "")


def keep_room(services: Services, may_go_on: Callable[[], bool] = lambda: True) -> bool:
    """Drop events that every group has read, while `may_go_on`. Returns whether none of them is left."""
    cap = services.settings.events_cap
    while True:
        trimmed = services.events.trim(services.ms.events, cap)
        if not trimmed.dropped:
            _log(trimmed, cap)
            return True
        if not may_go_on():
            return False


def _log(trimmed: Trimmed, cap: int) -> None:
    """Log the pause as an error when it begins, and below that while it lasts: this runs every second."""
    facts = {"entries": trimmed.left, "cap": cap, "reason": "groups of consumers have not read the event stream"}
    if trimmed.full:
        log.log(logging.ERROR if trimmed.turned else logging.DEBUG, "sending_paused", extra=facts)
    elif trimmed.turned:
        log.warning("sending_resumed", extra={"entries": trimmed.left, "cap": cap})
