"""What becomes of a message at the gateway of the month: a delivery curve with a long tail, and a few replies. Pure."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
#: Shares of messages: stays SENT, undelivered, expired, stays DELIVERED; all others are read.
_STAYS_SENT, _UNDELIVERED, _EXPIRED, _UNREAD = 0.02, 0.01, 0.01, 0.2
_REPLIES = 0.03
#: Of those who reply.
_STOPS = 0.02


class Step(NamedTuple):
    """A status and when it is reached, unix ms."""

    at_ms: int
    word: str
    error_code: int = 0


class Fate(NamedTuple):
    """The steps in order of time, and the reply: when (unix ms) and its text, or None."""

    steps: list[Step]
    reply: tuple[int, str] | None = None


def fate(random: Random, start_ms: int) -> Fate:
    """The fate of a message that the gateway took at `start_ms` (unix ms)."""
    steps = [Step(start_ms, "NEW"), Step(start_ms + random.randrange(500, 5_000), "SENT")]
    chance = random.random()
    if chance < (least := _STAYS_SENT):
        return Fate(steps)
    if chance < (least := least + _UNDELIVERED):
        return Fate([*steps, Step(steps[-1].at_ms + random.randrange(_HOUR_MS), "UNDELIVERED", 1)])
    if chance < (least := least + _EXPIRED):
        return Fate([*steps, Step(start_ms + _DAY_MS, "EXPIRED", 2)])
    steps.append(Step(steps[-1].at_ms + _later(random, median_s=20, most_ms=_DAY_MS), "DELIVERED"))
    if chance < least + _UNREAD:
        return Fate(steps)
    steps.append(Step(steps[-1].at_ms + _later(random, median_s=900, most_ms=_DAY_MS), "READ"))
    if random.random() >= _REPLIES:
        return Fate(steps)
    text = "STOP" if random.random() < _STOPS else "Yes, thank you"
    return Fate(steps, (steps[-1].at_ms + random.randrange(5_000, _HOUR_MS // 2), text))


def _later(random: Random, *, median_s: float, most_ms: int) -> int:
    """A delay (ms) with a long tail: a sixth takes seven times the median or more."""
    return min(most_ms, round(random.lognormvariate(0, 2) * median_s * 1000))
