"""When to look again: bounded staleness at a bounded number of requests. Pure.

The next look at something of age `a` is due after `max(minimum, fraction · a)`. A change is therefore
seen within that time of its happening, and following for a time `T` costs about
`ln(1 + fraction · T / minimum) / ln(1 + fraction) + 1 / fraction` requests: 49 in 72 hours with a
fraction of a quarter and a minimum of three seconds.
"""

from __future__ import annotations


def next_look_ms(now_ms: int, starts_at_ms: int, *, fraction: float, minimum_s: float, end_ms: int) -> int:
    """When to look again, unix ms: never later than `end_ms`, so that the last look is not missed."""
    if now_ms < starts_at_ms:
        return starts_at_ms + round(minimum_s * 1000)
    delay_ms = max(minimum_s * 1000, (now_ms - starts_at_ms) * fraction)
    due_ms = now_ms + round(delay_ms)
    return min(due_ms, end_ms) if now_ms < end_ms else due_ms
