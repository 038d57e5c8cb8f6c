"""Windows: the times of day and weekdays at which a campaign may go out. Pure.

A window is a rule of the wall clock. For workers it is written out as openings, which are spans of unix ms, so that
only this module deals with summer time and the calendar.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any, Final
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Stands for the zones of each recipient's country.
RECIPIENT: Final = "recipient"
#: A whole day, in minutes.
WHOLE_DAY: Final = (0, 24 * 60)
#: How far ahead openings are written out. Sweeping writes further ones once half of that has passed.
AHEAD_DAYS: Final = 30
#: Within these days each weekday occurs, even if the clocks are set on one of them.
_ROUND_DAYS: Final = 9
_DAY_MS: Final = 86_400_000
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)

#: From when and until when something may go out, unix ms; the end is outside.
Opening = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """`between`: minutes of the day, the second outside. `on`: weekdays from 0 for Monday. `zone`: the name of a zone,
    or `recipient`."""

    between: tuple[int, int]
    on: frozenset[int]
    zone: str

    def __str__(self) -> str:
        days = "" if len(self.on) == len(WEEKDAYS) else f" on {', '.join(WEEKDAYS[day] for day in sorted(self.on))}"
        zone = "all zones of the recipient's country" if self.zone == RECIPIENT else self.zone
        return f"{clock_words(self.between[0])} to {clock_words(self.between[1])}{days} in {zone}"

    def packed(self) -> list[Any]:
        """As plain values for JSON."""
        return [list(self.between), sorted(self.on), self.zone]

    @classmethod
    def read(cls, packed: Sequence[Any]) -> Window:
        (opens, closes), on, zone = packed
        return cls((opens, closes), frozenset(on), zone)


def clock_words(minutes: int) -> str:
    """Minutes of the day as `09:00`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_between(texts: Iterable[object]) -> tuple[int, int]:
    """Opening and closing time, such as `09:00` and `20:00`, as minutes of the day. Raises ValueError."""
    found = [_minutes(text) for text in texts]
    if len(found) != 2:
        raise ValueError("must be an opening and a closing time, such as 09:00 and 20:00")
    if found[0] >= found[1]:
        raise ValueError("must open before it closes, on the same day; a day ends at 24:00")
    return found[0], found[1]


def parse_weekdays(texts: Iterable[object]) -> frozenset[int]:
    """Weekdays such as `mon`, in any case, as numbers from 0. Raises ValueError."""
    names = [text.lower() if isinstance(text, str) and text.isascii() else "" for text in texts]
    if not names or not set(names) <= set(WEEKDAYS):
        raise ValueError(f"must be some of {', '.join(WEEKDAYS)}")
    return frozenset(WEEKDAYS.index(name) for name in names)


def _minutes(text: object) -> int:
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("must be times of day such as 09:00")
    return int(match[1]) * 60 + int(match[2]) if match[1] else WHOLE_DAY[1]


def openings(window: Window, zones: Collection[ZoneInfo], from_ms: int, days: int = AHEAD_DAYS) -> list[Opening]:
    """When the window is open in all of the zones at once, from `from_ms` (unix ms) for `days` days."""
    until_ms = from_ms + days * _DAY_MS
    found = reduce(_common, (_of_zone(window, zone, from_ms, until_ms) for zone in zones))
    return [(opens, closes) for opens, closes in found if closes > from_ms and opens < until_ms]


def ever_opens(window: Window, zones: Collection[ZoneInfo], from_ms: int) -> bool:
    """Whether there is a moment in any week in which it is open in all of the zones."""
    return bool(openings(window, zones, from_ms, _ROUND_DAYS))


def next_opening(known: Iterable[Opening], at_ms: int) -> Opening | None:
    """The opening in which a moment lies, or the one after it; None if none is known."""
    return next(((opens, closes) for opens, closes in known if closes > at_ms), None)


def packed_openings(found: Iterable[Opening]) -> str:
    """Openings as scripts read them."""
    return ",".join(f"{opens}-{closes}" for opens, closes in found)


def read_openings(packed: str) -> list[Opening]:
    """The reverse of `packed_openings`."""
    pairs = (span.split("-") for span in packed.split(",") if span)
    return [(int(opens), int(closes)) for opens, closes in pairs]


def _of_zone(window: Window, zone: ZoneInfo, from_ms: int, until_ms: int) -> list[Opening]:
    """Openings of one zone, whole days that touch joined."""
    found: list[Opening] = []
    for day in _days(from_ms, until_ms):
        if day.weekday() not in window.on:
            continue
        opens, closes = max(_moments(day, window.between[0], zone)), min(_moments(day, window.between[1], zone))
        if found and found[-1][1] >= opens:
            found[-1] = found[-1][0], closes
        elif opens < closes:
            found.append((opens, closes))
    return found


def _days(from_ms: int, until_ms: int) -> Iterator[date]:
    """The dates that a span touches in any zone."""
    first = datetime.fromtimestamp(from_ms / 1000, tz=UTC).date() - timedelta(days=1)
    return (first + timedelta(days=n) for n in range((until_ms - from_ms) // _DAY_MS + 3))


def _moments(day: date, minutes: int, zone: ZoneInfo) -> tuple[int, int]:
    """The one or two moments (unix ms) at which clocks of a zone show a time, or would if they were not set then.

    Who takes the later for opening and the earlier for closing never leaves the window.
    """
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 (a wall clock's time)
    first, second = (round(local.replace(tzinfo=zone, fold=fold).timestamp() * 1000) for fold in (0, 1))
    return first, second


def _common(one: Sequence[Opening], other: Sequence[Opening]) -> list[Opening]:
    """What lies in an opening of both."""
    found, i, j = list[Opening](), 0, 0
    while i < len(one) and j < len(other):
        opens, closes = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if opens < closes:
            found.append((opens, closes))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found
