"""What becomes of a message, by the last four digits of its phone.

    9901  UNDELIVERED, error 1          9908  READ, then replies "STOP"
    9902  EXPIRED, error 2              9909  READ, then replies "Yes"
    9903  stays SENT                    9910  READ, then replies twice: "Yes", "Thank you"
    9904  stays DELIVERED               9911  REJECTED at once, error 4
    9905  BLOCKED, error 3              9912  stays NEW
    9906  PENDING_REVIEW, a word that   9913  READ, then replies "СТОП"
          is not documented             9914  UNDELIVERED after DELIVERED was expected: half an hour
    9907  READ, thirty times as slow          of SENT, error 1

Every other phone reads its message and does not reply. Times are life seconds (see clock.py): SENT after 2,
DELIVERED after 10, READ after 60, a reply 20 after reading. They are stretched by a pace between 0.5 and 1.5
that depends on the phone's last two digits, so that a mailing does not move in one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """A status and the life seconds after the start at which it is reached."""

    after_s: float
    status: str
    error_code: int = 0


@dataclass(frozen=True, slots=True)
class Fate:
    """The steps in order of time, and replies as (life seconds after the start, text)."""

    steps: tuple[Step, ...]
    replies: tuple[tuple[float, str], ...] = ()


_NEW: Final = Step(0, "NEW")
_SENT: Final = Step(2, "SENT")
_DELIVERED: Final = Step(10, "DELIVERED")
_READ: Final = Step(60, "READ")
_TO_READ: Final = (_NEW, _SENT, _DELIVERED, _READ)

DEFAULT: Final = Fate(_TO_READ)
BLOCKED: Final = Fate((_NEW, _SENT, Step(5, "BLOCKED", 3)))

FATES: Final[dict[int, Fate]] = {
    9901: Fate((_NEW, _SENT, Step(10, "UNDELIVERED", 1))),
    9902: Fate((_NEW, _SENT, Step(120, "EXPIRED", 2))),
    9903: Fate((_NEW, _SENT)),
    9904: Fate((_NEW, _SENT, _DELIVERED)),
    9905: BLOCKED,
    9906: Fate((_NEW, _SENT, Step(10, "PENDING_REVIEW"))),
    9907: Fate(tuple(Step(step.after_s * 30, step.status) for step in _TO_READ)),
    9908: Fate(_TO_READ, ((80, "STOP"),)),
    9909: Fate(_TO_READ, ((80, "Yes"),)),
    9910: Fate(_TO_READ, ((80, "Yes"), (90, "Thank you"))),
    9911: Fate((Step(0, "REJECTED", 4),)),
    9912: Fate((_NEW,)),
    9913: Fate(_TO_READ, ((80, "СТОП"),)),
    9914: Fate((_NEW, _SENT, Step(1800, "UNDELIVERED", 1))),
}


def fate_of(phone: int) -> Fate:
    """The fate that the phone's last four digits choose."""
    return FATES.get(phone % 10_000, DEFAULT)


def pace_of(phone: int) -> float:
    """How many times as long as usual this phone takes, between 0.5 and 1.5."""
    return 0.5 + phone % 100 / 99


def reached(fate: Fate, pace: float, elapsed_s: float) -> Step:
    """The last step reached after `elapsed_s` life seconds, with its time stretched by the pace."""
    current = fate.steps[0]
    for step in fate.steps[1:]:
        if step.after_s * pace > elapsed_s:
            break
        current = step
    return Step(current.after_s * pace, current.status, current.error_code)
