"""Days of the calendar, in a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.times.days import day_of


def ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Minsk", "America/New_York", "Pacific/Kiritimati"])
def test_a_day_ends_where_the_next_begins(zone: str) -> None:
    """Also on the days on which clocks are put forward or back."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while at.year == 2026:
        day = day_of(ms(at), ZoneInfo(zone))
        assert day.number == (at.astimezone(ZoneInfo(zone)).date() - date(1970, 1, 1)).days
        assert day_of(day.ends_ms - 1, ZoneInfo(zone)) == day
        assert day_of(day.ends_ms, ZoneInfo(zone)).number == day.number + 1
        at += timedelta(hours=7)


def test_midnight_is_that_of_the_zone() -> None:
    at = datetime(2026, 5, 1, 21, 30, tzinfo=UTC)
    assert day_of(ms(at), ZoneInfo("Europe/Minsk")).number == day_of(ms(at), ZoneInfo("UTC")).number + 1
