"""People: what every campaign did to one phone, in values and in words, and the erasure of a person."""

from __future__ import annotations

from campaigns.people.erasure import Forgetting, Forgotten
from campaigns.people.history import Doubt, Message, Owner, People, Trace

__all__ = ["Doubt", "Forgetting", "Forgotten", "Message", "Owner", "People", "Trace"]
