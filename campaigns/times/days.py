"""Days of the calendar in a time zone, as numbers. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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
    today = datetime.fromtimestamp(now_ms / 1000, tz=UTC).astimezone(zone).date()
    next_day = datetime.combine(today + timedelta(days=1), time_of_day(), tzinfo=zone)
    return Day((today - _FIRST).days, int(next_day.timestamp() * 1000))
