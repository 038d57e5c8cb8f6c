"""Numbers, shares, money and times."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from campaigns.text.wording import counted, length, moment, money, moneys, share, zone_name

MINSK = ZoneInfo("Europe/Minsk")


def test_counted() -> None:
    assert counted(1_234_567) == "1,234,567"
    assert counted(1, "request") == "1 request"
    assert counted(2000, "reply", "replies") == "2,000 replies"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 10, "0.0%"), (1, 3, "33.3%"), (10, 10, "100.0%"), (1, 9999, "<0.1%"), (9999, 10_000, ">99.9%"), (0, 0, "–")],
)
def test_nothing_is_rounded_to_none_or_all(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("490", "490.00 EUR"), ("0.049", "0.049 EUR"), ("12345.6", "12,345.60 EUR"), ("0.0333333333", "0.033333 EUR")],
)
def test_money(amount: str, text: str) -> None:
    assert money(Decimal(amount), "EUR") == text


def test_times_are_in_the_zone() -> None:
    assert moment(1_772_355_600_000, MINSK) == "2026-03-01 12:00:00"
    assert moment(10**17, MINSK) == "100000000000000000 ms"
    assert zone_name(1_772_355_600_000, MINSK) == "Europe/Minsk (UTC+03:00)"


def test_length() -> None:
    assert [length(s) for s in (1, 90, 300, 3600, 172_800)] == [
        "1 second",
        "90 seconds",
        "5 minutes",
        "1 hour",
        "2 days",
    ]


def test_amounts_of_several_currencies_stand_side_by_side() -> None:
    assert moneys({"BYN": Decimal("1.5"), "EUR": Decimal("0.3")}) == "1.50 BYN and 0.30 EUR"
    assert moneys({}) == ""
