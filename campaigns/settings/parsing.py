"""Parsers for the texts of settings. Each raises ValueError, which says what the text must be."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from campaigns.settings.environment import ALIAS
from campaigns.statuses import DEFAULT_FINAL
from campaigns.times.windows import RECIPIENT, parse_between, parse_weekdays


def text(raw: str) -> str:
    return raw


def url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if urlsplit(raw).scheme not in schemes:
            raise ValueError(f"must be a URL that starts with {' or '.join(s + '://' for s in schemes)}")
        return raw.rstrip("/") if "http" in schemes else raw

    return parse


def page(raw: str) -> str:
    """An http(s) address that is requested unchanged, query included."""
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not raw.isascii() or not raw.isprintable():
        raise ValueError("must be a URL that starts with http:// or https://, in ASCII")
    return raw


def optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda raw: parse(raw) if raw else None


def number(kind: Callable[[str], Any], least: float, most: float) -> Callable[[str], Any]:
    def parse(raw: str) -> Any:
        try:
            value = kind(raw)
        except (ValueError, InvalidOperation):
            raise ValueError("must be a number") from None
        # NaN compares as neither less nor more than a bound, and comparing it as a Decimal raises.
        if not value == value or not least <= value <= most:  # noqa: PLR0124
            raise ValueError(f"must lie between {least:g} and {most:g}")
        return value

    return parse


def money(most: float) -> Callable[[str], Any]:
    """An amount in whole millionths, as the store counts money."""
    amount = number(Decimal, 0, most)

    def parse(raw: str) -> Any:
        value = amount(raw)
        if value != round(value, 6):
            raise ValueError("must have at most six decimals")
        return value

    return parse


def choice(*words: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return raw

    return parse


def zone(raw: str) -> ZoneInfo:
    try:
        return ZoneInfo(raw)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Minsk") from None


def between(raw: str) -> tuple[int, int]:
    return parse_between(part.strip() for part in raw.split("-"))


def weekdays(raw: str) -> frozenset[int]:
    return parse_weekdays(part.strip() for part in raw.split(","))


def window_zone(raw: str) -> str:
    return raw if raw == RECIPIENT else zone(raw).key


def words(raw: str) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in normalize("NFKC", raw).split(",") if word.strip())


def aliases(raw: str) -> frozenset[str]:
    found = frozenset(alias.strip().lower() for alias in raw.split(",") if alias.strip())
    if not all(map(ALIAS.fullmatch, found)):
        raise ValueError("must be aliases of Latin letters, digits and _, separated by commas")
    return found


def statuses(raw: str) -> frozenset[str]:
    return DEFAULT_FINAL | {word.strip() for word in raw.split(",") if word.strip()}


def region(raw: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", raw):
        raise ValueError("must be a country of two capital letters, such as BY")
    return raw


def ca_file(raw: str) -> str:
    """The path of a file from which OpenSSL can load CA certificates."""
    try:
        ssl.create_default_context(cafile=raw)
    except (OSError, ValueError):
        raise ValueError("must be a file with CA certificates (PEM)") from None
    return raw
