"""How many processes of a pool have something to do: the number by which autoscaling scales. Pure.

A queue never wants more processes than the limits of its accounts allow: however many messages wait, an account has at
most `CAMPAIGNS_CONCURRENCY` requests under way at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

from campaigns.names import CONTROL, POLL, REPLIES
from campaigns.settings import Settings

#: Their entries are one request each. An entry of another queue may be a campaign, of any number of them.
_READS: Final = frozenset({POLL, REPLIES})


def processes_wanted(queue: str, waiting: Mapping[str, int], settings: Settings) -> int:
    """`waiting`: accounts that can act, with their entries that are due (see `Due.waiting`)."""
    if queue == CONTROL:
        return min(1, sum(waiting.values()))
    most = requests_at_once(queue, settings)
    needed = (min(most, number) if queue in _READS else most for number in waiting.values() if number)
    return sum(ceil(requests / settings.overlap) for requests in needed)


def requests_at_once(queue: str, settings: Settings) -> int:
    """The most requests of one account that its limits let be under way: each may take as long as the deadline."""
    share = settings.read_share if queue in _READS else 1.0
    most = float(settings.concurrency)
    if settings.rate_limit.requests:
        a_second = settings.rate_limit.requests / settings.rate_limit.window_s
        most = min(most, ceil(a_second * settings.deadline_s))
    return max(1, ceil(most * share))
