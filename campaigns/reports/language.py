"""The language of a page: its sentences, and how it writes numbers, money and times. Pure.

Code writes English sentences with places such as `{number}`. Another language has a template for each of them, and
forms of each noun. What the gateway, a person or another program wrote stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from string import Formatter
from typing import Any, Final

from campaigns.evaluation.words import one_decimal
from campaigns.reports.markup import Markup, escaped, foreign, joined
from campaigns.text import wording


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that is said later, in the language of the page: an English template and its values."""

    template: str
    values: Mapping[str, Any]


class Reason(str):
    """A reason that the store keeps as a sentence: of ours, or of another program."""

    __slots__ = ()


def said(template: str, **values: object) -> Said:
    """A sentence for later."""
    return Said(template, values)


class Language:
    """English, and what other languages change of it."""

    code = "en"

    def say(self, english: str) -> str:
        """A sentence without places."""
        return english

    def column(self, name: str) -> str:
        """The head of a column of a table for spreadsheets."""
        return name

    def mixed(self, english: str, /, **values: object) -> Markup:
        """A sentence whose places are filled: texts as foreign text, numbers as this language writes them, markup as it
        is.

        A value of type `Said` is said in this language, and those of a tuple stand side by side.
        """
        parts: list[object] = []
        for literal, name, _, _ in Formatter().parse(self.say(english)):
            parts.append(literal)
            if name is not None:
                parts.append(self._filled(values[name]))
        return joined(*parts)

    def filled(self, sentence: Said) -> Markup:
        """A sentence that was kept for later."""
        return self.mixed(sentence.template, **sentence.values)

    def _filled(self, value: object) -> object:
        if isinstance(value, Said):
            return self.filled(value)
        if isinstance(value, tuple):
            return escaped(", ").join(escaped(self._filled(one)) for one in value)
        if isinstance(value, Reason):
            return self.reason(value)
        if isinstance(value, int):
            return self.counted(value)
        return foreign(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def reason(self, text: str) -> Markup:
        """A reason that the store keeps. English is the language in which it keeps ours."""
        return foreign(text)

    def counted(self, number: int, noun: str = "", plural: str = "") -> Markup:
        """A number, with a noun in the form that goes with it."""
        return escaped(wording.counted(number, noun, plural))

    def share(self, part: int, whole: int) -> Markup:
        """A part in percent."""
        return escaped(wording.share(part, whole))

    def decimal(self, number: float) -> Markup:
        """A number with one decimal."""
        return escaped(one_decimal(number))

    def percent(self, share: float) -> Markup:
        """A share from 0 to 1 in percent."""
        return escaped(f"{self.decimal(100 * share)}%")

    def money(self, amount: Decimal, currency: str = "") -> Markup:
        """An amount of money."""
        return escaped(wording.money(amount, currency))

    def moneys(self, amounts: Mapping[str, Decimal]) -> Markup:
        """Amounts in several currencies; empty if there are none."""
        between = f" {self.say('and')} "
        return escaped(between.join(self.money(amount, currency) for currency, amount in amounts.items()))

    def moment(self, unix_ms: int, zone: tzinfo) -> Markup:
        """A day and time in `zone`."""
        return escaped(wording.moment(unix_ms, zone))

    def length(self, seconds: int) -> Markup:
        """A length of time."""
        return escaped(wording.length(seconds))


ENGLISH: Final = Language()
