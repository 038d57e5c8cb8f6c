"""Countries of phones, and the zones of countries. Pure.

A mobile number shows its country, but not where in the country its owner lives, so all zones of the country count. They
come from the table of the time zone database (`zone.tab`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers

#: Countries that have their own numbers but no line in the table → the country whose line counts for them.
_STANDS_FOR: Final = {"XK": "RS", "AC": "SH", "TA": "SH"}
_LONGEST_CODE: Final = 3


def countries_of(phones: Sequence[str]) -> list[str]:
    """The country of each phone in the gateway's form, as two capital letters; '' where a number belongs to none."""
    return [_country(phone) for phone in phones]


def one_country(phones: Sequence[str]) -> str | None:
    """The country of all these phones, if their first digits alone show that they share one; else None."""
    beginnings = {phone[:_LONGEST_CODE] for phone in phones}
    regions = _regions(beginnings.pop()) if len(beginnings) == 1 else ()
    return regions[0] if len(regions) == 1 else None


def zones_in(place: str) -> tuple[ZoneInfo, ...]:
    """All zones of a country, or the one zone of that name. Raises KeyError if `place` is neither."""
    names = _zones_by_country().get(_STANDS_FOR.get(place, place)) or (place,)
    return tuple(ZoneInfo(name) for name in names)


def has_zones(country: str) -> bool:
    """Whether the zones of a country are known."""
    return _STANDS_FOR.get(country, country) in _zones_by_country()


def _country(phone: str) -> str:
    regions = _regions(phone[:_LONGEST_CODE])
    return regions[0] if len(regions) == 1 else _looked_up(phone)


@cache
def _regions(beginning: str) -> tuple[str, ...]:
    """The countries whose numbers have this beginning. No country code begins with another, so only one length fits."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    lengths = range(1, _LONGEST_CODE + 1)
    return next((codes[int(beginning[:n])] for n in lengths if int(beginning[:n] or 0) in codes), ("",))


@lru_cache(maxsize=4096)
def _looked_up(phone: str) -> str:
    """The country of a number whose code several countries share."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(f"+{phone}")) or ""


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    table: Any = files("tzdata") / "zoneinfo" / "zone.tab"
    found: dict[str, tuple[str, ...]] = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found
