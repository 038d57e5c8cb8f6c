"""Room in the event stream: what every group has read is dropped, and sending pauses while too much is unread.

The pause is none of a campaign's states: one field in the store holds up all sending, so that it costs the same
for one campaign and for a hundred thousand, and so that a person's pause stays a person's.
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
    """Drop events that nobody waits for, while `may_go_on`. Returns whether all that may go has gone."""
    cap = services.settings.events_cap
    while True:
        trimmed = services.events.trim(services.ms.events, cap)
        if not trimmed.dropped:
            _log(trimmed, cap)
            return True
        if not may_go_on():
            return False


def _log(trimmed: Trimmed, cap: int) -> None:
    """Loud when the pause begins; while it lasts it is looked at every second."""
    facts = {"entries": trimmed.left, "cap": cap, "reason": "groups of consumers have not read the event stream"}
    if trimmed.full:
        log.log(logging.ERROR if trimmed.turned else logging.DEBUG, "sending_paused", extra=facts)
    elif trimmed.turned:
        log.warning("sending_resumed", extra={"entries": trimmed.left, "cap": cap})
