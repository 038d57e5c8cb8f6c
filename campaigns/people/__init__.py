"""People: what every campaign did to one phone, in values and in words, and the erasure of a person."""

from __future__ import annotations

from campaigns.people.erasure import Erased, Erasure
from campaigns.people.history import Doubt, MessageOwner, People, PersonHistory, SentMessage

__all__ = ["Doubt", "Erased", "Erasure", "MessageOwner", "People", "PersonHistory", "SentMessage"]
