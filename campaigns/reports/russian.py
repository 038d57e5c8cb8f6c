"""Russian. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from campaigns.reports.language import Language
from campaigns.reports.markup import Markup, escaped
from campaigns.reports.reasons import taken_apart
from campaigns.reports.russian_columns import COLUMNS
from campaigns.reports.russian_reasons import REASONS
from campaigns.reports.russian_texts import TEXTS
from campaigns.reports.russian_words import NOUNS, WORDS
from campaigns.text import wording

#: Digits are in groups of three, and units stand off, with a space that does not break a line.
_SPACE: Final = "\u00a0"


class Russian(Language):
    """Sentences from `russian_texts` and `russian_words`, numbers such as `12 345` and `94,1 %`, days such as
    `01.03.2026`."""

    code = "ru"

    def say(self, english: str) -> str:
        return TEXTS.get(english) or WORDS.get(english) or REASONS.get(english, english)

    def column(self, name: str) -> str:
        return COLUMNS[name]

    def reason(self, text: str) -> Markup:
        ours = taken_apart(text)
        return super().reason(text) if ours is None else self.filled(ours)

    def counted(self, number: int, noun: str = "", plural: str = "") -> Markup:  # noqa: ARG002 (English has its own)
        digits = f"{number:,}".replace(",", _SPACE)
        return escaped(f"{digits}{_SPACE}{_form(number, NOUNS[noun])}" if noun else digits)

    def share(self, part: int, whole: int) -> Markup:
        return escaped(wording.share(part, whole).replace(".", ",").replace("%", f"{_SPACE}%"))

    def decimal(self, number: float) -> Markup:
        return escaped(super().decimal(number).replace(".", ",").replace("-", "−"))

    def percent(self, share: float) -> Markup:
        return escaped(f"{self.decimal(100 * share)}{_SPACE}%")

    def money(self, amount: Decimal, currency: str = "") -> Markup:
        digits = wording.money(amount).replace(",", _SPACE).replace(".", ",")
        return escaped(f"{digits}{_SPACE}{currency}".rstrip())

    def moment(self, unix_ms: int, zone: tzinfo) -> Markup:
        try:
            return escaped(f"{datetime.fromtimestamp(unix_ms // 1000, tz=zone):%d.%m.%Y %H:%M:%S}")
        except (ValueError, OverflowError, OSError):
            return super().moment(unix_ms, zone)

    def length(self, seconds: int) -> Markup:
        number, unit = wording.largest_unit(seconds)
        return self.counted(number, unit)


def _form(number: int, forms: tuple[str, str, str]) -> str:
    """The noun for 1, 2 to 4, and 5 or more: 1 сообщение, 2 сообщения, 5 сообщений; 11 to 14 are as 5."""
    one, few, many = forms
    tens, ones = number % 100 // 10, number % 10
    if tens == 1 or ones == 0 or ones > 4:
        return many
    return one if ones == 1 else few


RUSSIAN: Final = Russian()
