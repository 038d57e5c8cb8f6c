"""Results: deliveries and replies, what an answer changed of them, and what could not be read."""

from __future__ import annotations

from campaigns.results.changes import compare, expire_unreported
from campaigns.results.deliveries import Deliveries, Delivery
from campaigns.results.oddities import Odd, Oddities
from campaigns.results.replies import Replies, Reply

__all__ = [
    "Deliveries",
    "Delivery",
    "Odd",
    "Oddities",
    "Replies",
    "Reply",
    "compare",
    "expire_unreported",
]
