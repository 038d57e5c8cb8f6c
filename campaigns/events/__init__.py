"""Events: the stream, its consumers and their groups, and the schema of each event.

Scripts write the events, and give them their ids: see `emit` in `store/lua/include/event.lua`.
"""

from __future__ import annotations

from campaigns.events.consumer import Consumer
from campaigns.events.groups import DeadLetter, Group, Groups, position_of
from campaigns.events.stream import Event, Events, Full, event_schemas, single_changes

__all__ = [
    "Consumer",
    "DeadLetter",
    "Event",
    "Events",
    "Full",
    "Group",
    "Groups",
    "event_schemas",
    "position_of",
    "single_changes",
]
