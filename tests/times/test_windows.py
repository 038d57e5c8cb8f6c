"""Windows: what the wall clocks of one zone or of many make of a rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.times.windows import (
    RECIPIENT,
    Window,
    ever_opens,
    next_opening,
    openings,
    packed_openings,
    parse_between,
    parse_weekdays,
    read_openings,
)

EVERY_DAY = frozenset(range(7))
MINUTE_MS, DAY_MS = 60_000, 86_400_000
ZONES = [
    "Europe/Minsk",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
]


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def shown(window: Window, *zones: str, since: str, days: int) -> list[tuple[str, str]]:
    found = openings(window, [ZoneInfo(zone) for zone in zones], ms(since), days)
    return [tuple(f"{datetime.fromtimestamp(at / 1000, tz=UTC):%m-%d %H:%M}" for at in span) for span in found]  # type: ignore[misc]


def office(zone: str, *texts: str, on: frozenset[int] = EVERY_DAY) -> Window:
    return Window(parse_between(texts or ("09:00", "20:00")), on, zone)


def test_days_and_weekdays() -> None:
    window = office("Europe/Minsk", on=parse_weekdays(["fri", "MON"]))
    # The 30th of November 2026 is a Monday.
    found = shown(window, "Europe/Minsk", since="2026-11-30T10:00+03:00", days=7)
    assert found == [("11-30 06:00", "11-30 17:00"), ("12-04 06:00", "12-04 17:00"), ("12-07 06:00", "12-07 17:00")]
    assert str(window) == "09:00 to 20:00 on mon, fri in Europe/Minsk"


def test_clocks_that_are_set() -> None:
    """Summer time moves the opening with the clock; a time that is left out or comes twice keeps to the safe side."""
    berlin = shown(office("Europe/Berlin"), "Europe/Berlin", since="2027-03-27T12:00+01:00", days=1)
    assert berlin == [("03-27 08:00", "03-27 19:00"), ("03-28 07:00", "03-28 18:00")]
    night = office("Europe/Berlin", "02:30", "03:30")
    spring = shown(night, "Europe/Berlin", since="2027-03-28T00:00+01:00", days=1)
    assert spring == []  # from half past two, which is left out, on the new clock
    autumn = shown(night, "Europe/Berlin", since="2027-10-31T00:00+02:00", days=1)
    assert autumn == [("10-31 01:30", "10-31 02:30")]


def test_whole_days_are_one_opening() -> None:
    window = Window((0, 1440), parse_weekdays(["sat", "sun"]), "UTC")
    found = shown(window, "UTC", since="2026-11-30T00:00+00:00", days=7)
    assert found == [("12-05 00:00", "12-07 00:00")]


def test_all_zones_of_a_country_at_once() -> None:
    spain = shown(office(RECIPIENT), "Europe/Madrid", "Atlantic/Canary", since="2026-11-30T00:00+01:00", days=1)
    assert spain[0] == ("11-30 09:00", "11-30 19:00")
    russia = [ZoneInfo("Europe/Kaliningrad"), ZoneInfo("Asia/Kamchatka")]
    assert ever_opens(office(RECIPIENT), russia, ms("2026-11-30T00:00+00:00"))
    assert not ever_opens(office(RECIPIENT, "10:00", "20:00"), russia, ms("2026-11-30T00:00+00:00"))


@given(
    st.sampled_from(ZONES),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1]),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.dates(date(2020, 1, 1), date(2035, 12, 1)),
    st.integers(0, 9 * 1440 - 1),
)
def test_inside_is_inside(name: str, between: tuple[int, int], on: frozenset[int], day: date, minute: int) -> None:
    """No moment of an opening shows another time than the window's; beyond days on which clocks are set none lacks."""
    zone, start = ZoneInfo(name), round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    window = Window(between, on, name)
    at_ms = start + minute * MINUTE_MS
    local = datetime.fromtimestamp(at_ms / 1000, tz=zone)
    shows = local.weekday() in on and between[0] <= local.hour * 60 + local.minute < between[1]
    found = next_opening(openings(window, [zone], start, 9), at_ms)
    inside = found is not None and found[0] <= at_ms
    steady = {(local + timedelta(hours=h)).astimezone(UTC).astimezone(zone).utcoffset() for h in (-26, 0, 26)}
    assert shows or not inside
    assert inside or not shows or len(steady) > 1


@given(st.lists(st.tuples(st.integers(0, 10**13), st.integers(0, 10**13)), max_size=5))
def test_written_and_read(spans: list[tuple[int, int]]) -> None:
    assert read_openings(packed_openings(spans)) == spans


@pytest.mark.parametrize(
    "texts", [["20:00", "09:00"], ["9:00", "20:00"], ["09:00"], ["24:00", "24:00"], ["09:00", "24:30"], [9, 20], []]
)
def test_what_is_no_window(texts: list[object]) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_between(texts)


@pytest.mark.parametrize("days", [[], ["monday"], [1], ["mon", "пн"]])
def test_what_are_no_weekdays(days: list[object]) -> None:
    with pytest.raises(ValueError, match="must be some of mon, tue"):
        parse_weekdays(days)
