"""Days of the calendar in a time zone. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import NamedTuple
from zoneinfo import ZoneInfo

_FIRST = date(1970, 1, 1)


class Day(NamedTuple):
    """A day: days since 1970-01-01, and the unix milliseconds at which it ends."""

    number: int
    ends_ms: int


def day_of(now_ms: int, zone: ZoneInfo) -> Day:
    """The day in `zone` to which a moment (unix milliseconds) belongs."""
    today = date_of(now_ms, zone)
    return Day((today - _FIRST).days, begins_ms(today + timedelta(days=1), zone))


def date_of(at_ms: int, zone: ZoneInfo) -> date:
    """The date of a moment (unix milliseconds) in `zone`."""
    return datetime.fromtimestamp(at_ms / 1000, tz=zone).date()


def begins_ms(day: date, zone: ZoneInfo) -> int:
    """The unix milliseconds at which a day begins in `zone`."""
    return round(datetime.combine(day, time_of_day(), tzinfo=zone).timestamp() * 1000)
