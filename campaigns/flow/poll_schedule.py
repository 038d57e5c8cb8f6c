"""When the next poll is due: bounded staleness at a bounded number of requests. Pure.

A batch of age `a` is polled again after `max(minimum, fraction · a)`. So a change is noticed within that time, and
following a batch for a time `T` costs about `ln(1 + fraction · T / minimum) / ln(1 + fraction) + 1 / fraction`
requests: 49 in 72 hours with a fraction of a quarter and a minimum of three seconds.
"""

from __future__ import annotations

from typing import Final

from campaigns.settings import Settings


def poll_fraction(settings: Settings, recipients: int) -> float:
    """The part of its age after which a batch is polled again.

    A poll of a thousand recipients costs as much as a poll of one, so batches of one are polled less often. With the
    defaults they cost 16 polls and 9 fetches of replies in 72 hours, and a larger batch 49 polls and 49 fetches.
    """
    return settings.single_poll_fraction if recipients == 1 else settings.poll_fraction


def reply_fraction(settings: Settings, recipients: int) -> float:
    """The part of its age after which the replies to a batch are fetched again."""
    return 3 * settings.single_poll_fraction if recipients == 1 else settings.poll_fraction


def next_poll_ms(now_ms: int, starts_at_ms: int, *, fraction: float, minimum_s: float, end_ms: int) -> int:
    """When to poll again (unix ms). Before `end_ms` it is at most `end_ms`, so that one poll happens then."""
    if now_ms < starts_at_ms:
        return starts_at_ms + round(minimum_s * 1000)
    delay_ms = max(minimum_s * 1000, (now_ms - starts_at_ms) * fraction)
    due_ms = now_ms + round(delay_ms)
    return min(due_ms, end_ms) if now_ms < end_ms else due_ms


#: Cap on a delay that Retry-After or the pause of an account asks for, since both may end early.
LONGEST_DELAY_S: Final = 300.0
#: Longest time between two polls once the horizon has passed and only an answer is missing.
_LONGEST_AFTER_END_MS: Final = 6 * 3_600_000


def again_ms(
    now_ms: int, starts_at_ms: int, *, fraction: float, minimum_s: float, end_ms: int, delay_s: float | None = None
) -> int:
    """When to poll again (unix ms), after a poll that was not the last.

    `delay_s`: the delay that the error of this poll asks for, if any. After `end_ms` only an answer is missing; the
    intervals grow anew from there.
    """
    if delay_s is not None:
        return now_ms + round(min(max(delay_s, minimum_s), LONGEST_DELAY_S) * 1000)
    if now_ms < end_ms:
        return next_poll_ms(now_ms, starts_at_ms, fraction=fraction, minimum_s=minimum_s, end_ms=end_ms)
    due_ms = next_poll_ms(now_ms, end_ms, fraction=fraction, minimum_s=minimum_s, end_ms=end_ms)
    return min(due_ms, now_ms + _LONGEST_AFTER_END_MS)


def followed_to_the_end(now_ms: int, starts_at_ms: int, window_s: float, *, answered: bool) -> bool:
    """Whether following for `window_s` from `starts_at_ms` is over: by an answer at the end of the window or later.

    Without an answer it is over after twice the window: the gateway has dropped the batch, or refuses to answer.
    """
    window_ms = round(window_s * 1000)
    return now_ms >= starts_at_ms + window_ms * (1 if answered else 2)
