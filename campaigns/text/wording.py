"""Numbers, shares, money and times in words, for reports and the command. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def counted(number: int, noun: str = "", plural: str = "") -> str:
    """`12,345`, or with a noun `1 message` and `2 messages`."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun_for(number, noun, plural)}"


def noun_for(number: int, noun: str, plural: str = "") -> str:
    """`message` for 1, `messages` for any other number."""
    return noun if number == 1 else plural or f"{noun}s"


def share(part: int, whole: int) -> str:
    """`94.1%`. A share above 0 never shows as 0%, one below 100% never as 100%. A dash if there is no whole."""
    if whole <= 0:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1%"
    if 99.9 < percent < 100:
        return ">99.9%"
    return f"{percent:.1f}%"


def money(amount: Decimal, currency: str = "") -> str:
    """`1,234.50 EUR`: at least two decimals, at most six."""
    amount = round(amount, 6).normalize()
    exponent = amount.as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 0)
    return f"{amount:,.{places}f} {currency}".rstrip()


def moneys(amounts: Mapping[str, Decimal]) -> str:
    """`1.50 BYN and 0.30 EUR`: amounts in several currencies, side by side."""
    return " and ".join(money(amount, currency) for currency, amount in amounts.items())


def moment(unix_ms: int, zone: tzinfo) -> str:
    """`2026-03-01 18:30:00` in `zone`; the number itself if no calendar has it."""
    try:
        return f"{datetime.fromtimestamp(unix_ms // 1000, tz=zone):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{unix_ms} ms"


def minute(at: datetime, zone: tzinfo) -> str:
    """`2026-03-01 18:30` in `zone`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def second(at: datetime, zone: tzinfo) -> str:
    """`2026-03-01 18:30:00` in `zone`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def length(seconds: int) -> str:
    """`5 minutes`, in the largest unit that divides it."""
    return counted(*largest_unit(seconds))


def largest_unit(seconds: int) -> tuple[int, str]:
    """A length as a number of the largest unit that divides it: 300 seconds are 5 of `minute`."""
    fitting = ((seconds // unit_s, name) for unit_s, name in _UNITS if seconds % unit_s == 0)
    return next(fitting) if seconds else (0, "second")


def zone_name(at_ms: int, zone: tzinfo) -> str:
    """`Europe/Minsk (UTC+03:00)`, as its clocks are at that time."""
    return f"{zone} (UTC{datetime.fromtimestamp(at_ms / 1000, tz=zone).isoformat()[-6:]})"


def masked(phone: str) -> str:
    """A phone of which only its first five and last two digits can be read: `37529*****11`."""
    hidden = len(phone) - 7
    return f"{phone[:5]}{'*' * hidden}{phone[-2:]}" if hidden > 0 else "*" * len(phone)
