"""Counts by hour of the day."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from campaigns.evaluation.hours import Hours, busiest

DAY_MS = 86_400_000


def at(hour: int, minute: int = 0, month: int = 1) -> int:
    return round(datetime(2026, month, 15, hour, minute, tzinfo=UTC).timestamp() * 1000)


def test_by_the_clocks_of_the_zone() -> None:
    hours = Hours(ZoneInfo("Europe/Berlin"))
    for month, hour in ((1, 8), (1, 8), (7, 8)):  # an hour ahead in winter, two in summer
        hours.add(at(hour, 59, month))
    assert (hours.counts[9], hours.counts[10], sum(hours.counts)) == (2, 1, 3)


def test_zones_of_half_an_hour() -> None:
    hours = Hours(ZoneInfo("Asia/Kolkata"))
    hours.add(at(8, 29))
    hours.add(at(8, 30))
    assert (hours.counts[13], hours.counts[14]) == (1, 1)


def test_many_years_and_times_that_no_calendar_has() -> None:
    hours = Hours(UTC)
    for day in range(20_000):
        hours.add(day * DAY_MS + 3_600_000)
    hours.add(10**17)
    assert hours.counts[1] == sum(hours.counts) == 20_000


def test_the_busiest_hour() -> None:
    counts = [0] * 24
    counts[23], counts[0], counts[12] = 15, 16, 18
    assert busiest(tuple(counts)) is None
    counts[1] = 1
    assert busiest(tuple(counts)) == (12, 18)
