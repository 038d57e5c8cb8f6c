"""Results: deliveries and replies in, events out."""

from __future__ import annotations

from campaigns.results.audit import Audit, Record
from campaigns.results.consumer import Consumer
from campaigns.results.deliveries import Deliveries, Delivery
from campaigns.results.events import Event, Events, Full, event_schemas, single_changes
from campaigns.results.forgetting import Forgetting, Forgotten
from campaigns.results.groups import DeadLetter, Group, Groups, position_of
from campaigns.results.intake import compare, silenced
from campaigns.results.oddities import Odd, Oddities
from campaigns.results.optouts import Checker, OptOut, OptOuts
from campaigns.results.people import Doubt, Message, Owner, People, Trace
from campaigns.results.replies import Replies, Reply

__all__ = [
    "Audit",
    "Checker",
    "Consumer",
    "DeadLetter",
    "Deliveries",
    "Delivery",
    "Doubt",
    "Event",
    "Events",
    "Forgetting",
    "Forgotten",
    "Full",
    "Group",
    "Groups",
    "Message",
    "Odd",
    "Oddities",
    "OptOut",
    "OptOuts",
    "Owner",
    "People",
    "Record",
    "Replies",
    "Reply",
    "Trace",
    "compare",
    "event_schemas",
    "position_of",
    "silenced",
    "single_changes",
]
