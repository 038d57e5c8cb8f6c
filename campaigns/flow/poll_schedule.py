"""When to look again: bounded staleness at a bounded number of requests. Pure.

The next look at something of age `a` is due after `max(minimum, fraction · a)`. A change is therefore
seen within that time of its happening, and following for a time `T` costs about
`ln(1 + fraction · T / minimum) / ln(1 + fraction) + 1 / fraction` requests: 49 in 72 hours with a
fraction of a quarter and a minimum of three seconds.
"""

from __future__ import annotations

from typing import Final

from campaigns.settings import Settings


def poll_fraction(settings: Settings, recipients: int) -> float:
    """After what part of its age a batch is polled again.

    A poll of a thousand recipients costs as much as a poll of one, so the single ones are asked for less often, above
    all once they are old: 16 polls and 9 fetches of replies in 72 hours with the defaults, where a batch costs 98.
    """
    return settings.single_poll_fraction if recipients == 1 else settings.poll_fraction


def reply_fraction(settings: Settings, recipients: int) -> float:
    """After what part of its age the replies to a batch are fetched again."""
    return 3 * settings.single_poll_fraction if recipients == 1 else settings.poll_fraction


def next_poll_ms(now_ms: int, starts_at_ms: int, *, fraction: float, minimum_s: float, end_ms: int) -> int:
    """When to look again, unix ms: never later than `end_ms`, so that the last look is not missed."""
    if now_ms < starts_at_ms:
        return starts_at_ms + round(minimum_s * 1000)
    delay_ms = max(minimum_s * 1000, (now_ms - starts_at_ms) * fraction)
    due_ms = now_ms + round(delay_ms)
    return min(due_ms, end_ms) if now_ms < end_ms else due_ms


#: Longest delay of a poll that others decide, by Retry-After or by the pause of an account: both may end early.
LONGEST_DELAY_S: Final = 300.0
#: Longest time between two polls that wait for an answer after the end of following.
_LONGEST_AFTER_END_MS: Final = 6 * 3_600_000


def again_ms(
    now_ms: int, starts_at_ms: int, *, fraction: float, minimum_s: float, end_ms: int, delay_s: float | None = None
) -> int:
    """When to poll again, unix ms, after a poll that did not end the following.

    `delay_s` is what the trouble of this poll asks for, if it does. Past the end only an answer is missing, which is
    asked for at growing intervals from the end on.
    """
    if delay_s is not None:
        return now_ms + round(min(max(delay_s, minimum_s), LONGEST_DELAY_S) * 1000)
    if now_ms < end_ms:
        return next_poll_ms(now_ms, starts_at_ms, fraction=fraction, minimum_s=minimum_s, end_ms=end_ms)
    due_ms = next_poll_ms(now_ms, end_ms, fraction=fraction, minimum_s=minimum_s, end_ms=end_ms)
    return min(due_ms, now_ms + _LONGEST_AFTER_END_MS)


def followed_to_the_end(now_ms: int, starts_at_ms: int, window_s: float, *, answered: bool) -> bool:
    """Whether following for `window_s` from `starts_at_ms` is over: only an answer ends it, at its end or later.

    Where none comes for as long again, the gateway has forgotten, or nobody may ask any more.
    """
    window_ms = round(window_s * 1000)
    return now_ms >= starts_at_ms + window_ms * (1 if answered else 2)
