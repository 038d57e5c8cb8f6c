"""The gateway's times without a zone, and ours."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.times.gateway_times import from_gateway, parse_when, to_d_schedule, to_schedule_time

MINSK = ZoneInfo("Europe/Minsk")
BERLIN = ZoneInfo("Europe/Berlin")
moments = st.datetimes(datetime(2015, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(microsecond=0))  # noqa: DTZ001


@given(moments)
def test_round_trip(moment: datetime) -> None:
    ms = parse_when(moment, MINSK)
    assert from_gateway(to_schedule_time(ms, MINSK), MINSK) == ms
    assert 0 <= (from_gateway(to_d_schedule(ms, MINSK), MINSK) or 0) - ms < 60_000


@pytest.mark.parametrize(
    "text",
    ["2024-10-30T22:56:00", "2024-10-30 22:56:00", "2024-10-30 22:56", "2024-10-30 22:56:00.000000"],
)
def test_all_of_the_gateways_forms(text: str) -> None:
    assert from_gateway(text, MINSK) == datetime(2024, 10, 30, 19, 56, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01 00:00", "2024-10-30T22:56:00x", "9" * 50])
def test_unreadable_times(text: str) -> None:
    assert from_gateway(text, MINSK) is None


def test_clocks_that_change() -> None:
    with pytest.raises(ValueError, match="set forward"):
        parse_when("2030-03-31 02:30", BERLIN)
    assert parse_when("2030-10-27 02:30", BERLIN) == datetime(2030, 10, 27, 0, 30, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize("text", ["tomorrow", "2030", "2030-01-01", "10:00", "2030-02-30 10:00", "2030-01-01T25:00"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"must look like|is no point in time"):
        parse_when(text, MINSK)
