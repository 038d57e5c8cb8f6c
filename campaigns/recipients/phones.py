"""Phones: recognises them in texts, and writes them as the gateway takes them. Pure.

Regular expressions recognise the usual spellings of the configured country, a thousand rows at a time. They are built
from phonenumbers' own data. Other spellings cost a call of that library each (about 30 µs).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, cast

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

#: The mobile numbers of Belarus in the gateway's own form. Blocks that no operator has opened yet pass too.
_BELARUS: Final = "(?:2[59]|33|44)[0-9]{7}"
_USUAL = re.compile(f"375{_BELARUS}")
# Possessive quantifiers take little more than half the time.
_ALL_USUAL = re.compile(f"(?:375{_BELARUS}+\n)++")
_USUAL_LINES = re.compile(f"^(375{_BELARUS})$|^.*$", re.M)
_USUAL_LENGTH: Final = 13
#: The beginnings of lines with a phone of Belarus. Once one is replaced, the rest matches no later one.
_PREFIXES: Final = ("\n+375", "\n00375", "\n80", "\n0")

#: Characters between the digits of a phone, and invisible ones that copying from a contact list leaves around it.
_BETWEEN: Final = " \t()[].-‐‑‒–—―−－\u00a0\u2007\u2009\u202f（）"
_INVISIBLE: Final = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_DROPPED = str.maketrans(dict.fromkeys(_BETWEEN + _INVISIBLE))
_DROPPED_BYTES: Final = b" ()-"
#: The national 0 kept behind the country's code: +375 (0)29.
_KEPT_TRUNK = re.compile(rf"((?:\+|00)?375)0({_BELARUS})")
#: What may be a phone within a text: digits with signs between them, and digits that follow each other.
_PARTS = (re.compile(rf"\+?\d(?:[{re.escape(_BETWEEN + _INVISIBLE)}]*\d)*"), re.compile(r"\+?\d+"))
_SHAPE = re.compile(r"\+?[0-9]{5,20}")
#: A number that went through a spreadsheet or a data frame: 375291111111.0. The digits before the point are whole.
_WHOLE_NUMBER = re.compile(r"(\+?[0-9]{7,20})[.,]0+")
_OTHER_NUMBER = re.compile(r"[0-9]{7,}[.,][0-9]*")
#: Two phones on one line, the second given by its last digits: 123-45-67/68.
_SHORT_SLASH = re.compile(r"/(?![^/]*(?:[0-9][^0-9/]*){5})")
_LONGEST: Final = 60

_MOBILE = frozenset({phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE})


def normalise_phone(raw: object, region: str) -> str | None:
    """A phone in the gateway's form (digits with the country's code, no plus), or None if `raw` is not a phone.

    It understands the usual spellings: plus, 00, brackets, dashes, spaces, and national numbers of `region`. Digits of
    other scripts count as digits; letters and masks never do. The number must be valid, not only of a possible
    length. Landlines count; for phones that a message can reach, see `mobile_phone`.
    """
    return _normalised(raw, region, mobile=False)


def mobile_phone(raw: object, region: str) -> str | None:
    """As `normalise_phone`, but None also for landlines, toll-free and premium numbers.

    Numbers of countries whose mobile and fixed numbers cannot be told apart pass.
    """
    return _normalised(raw, region, mobile=True)


def phones_within(text: str, region: str) -> set[str]:
    """Every phone in a text that may hold other words too, in the form of `normalise_phone`."""
    parts = (match[0] for pattern in _PARTS for match in pattern.finditer(text))
    return {phone for part in parts if (phone := normalise_phone(part, region)) is not None}


def mobile_phones(rows: Sequence[object], region: str) -> list[str | None]:
    """`mobile_phone` of each row; much faster than row by row if the spellings are usual."""
    if set(map(type, rows)) != {str}:
        return [mobile_phone(row, region) for row in rows]
    texts = cast(Sequence[str], rows)
    if rows_are_usual(texts):
        return cast(list[str | None], rows)
    joined = "\n".join(texts) + "\n"
    if joined.isascii() and joined.count("\n") == len(rows):
        bare = joined.encode("ascii").translate(None, _DROPPED_BYTES).decode("ascii")
        return _of_belarus(bare, texts) if region == "BY" else _of_lines(bare[:-1], texts, region)
    return [mobile_phone(text, region) for text in texts]


def _of_belarus(bare: str, texts: Sequence[str]) -> list[str | None]:
    """Phones of Belarus written with 375, +375, 00375, 80 or 0, all in one pass; any others one by one."""
    whole = "\n" + bare
    for prefix in _PREFIXES:
        whole = whole.replace(prefix, "\n375")
    if len(whole) == 1 + _USUAL_LENGTH * len(texts) and _ALL_USUAL.fullmatch(whole, 1):
        return cast(list[str | None], whole[1:-1].split("\n"))
    found = _USUAL_LINES.findall(whole[1:-1])
    return [phone or mobile_phone(text, "BY") for phone, text in zip(found, texts, strict=True)]


def _of_lines(bare: str, texts: Sequence[str], region: str) -> list[str | None]:
    code, lines = _usual_lines(region)
    return [
        whole or (code + national if national else mobile_phone(text, region))
        for (whole, national), text in zip(lines.findall(bare), texts, strict=True)
    ]


def rows_are_usual(rows: Sequence[str]) -> bool:
    """Whether all rows are mobile numbers of Belarus in the gateway's own form; one match for all rows."""
    joined = "\n".join(rows) + "\n"
    # The length shows whether a row holds a line end itself.
    return len(joined) == _USUAL_LENGTH * len(rows) and _ALL_USUAL.fullmatch(joined) is not None


def is_phone_like(text: str) -> bool:
    """Whether a text looks like a phone with its area code: nine to fifteen digits and the signs between them."""
    bare = _bare(text.strip())
    return bare is not None and 9 <= len(bare.lstrip("+")) <= 15


def _normalised(raw: object, region: str, *, mobile: bool) -> str | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw) if 0 < raw < 10**20 else ""
    text = raw.strip() if isinstance(raw, str) else ""
    if _USUAL.fullmatch(text):
        return text
    bare = _bare(text)
    if bare is None:
        return None
    code, lines = _usual_lines(region)
    usual = lines.fullmatch(bare)
    if usual and usual.lastindex:
        return usual[1] or code + usual[2]
    # The gateway writes phones as digits with a country's code and no plus, so that reading is tried first.
    for spelling, country in _spellings(bare, region):
        try:
            number = phonenumbers.parse(spelling, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            if mobile and phonenumbers.number_type(number) not in _MOBILE:
                return None
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return None


def _bare(text: str) -> str | None:
    """The digits of a phone with its plus, nothing between them; None if the text holds anything else.

    phonenumbers would read letters as the digits on their keys, and 375291111111.0 with one digit too many.
    """
    if len(text) > _LONGEST or "\n" in text or "\r" in text:
        return None
    if not text.isascii():
        text = "".join(_ascii(character) for character in text)
    text = text.removeprefix("'")
    if whole := _WHOLE_NUMBER.fullmatch(text):
        text = whole[1]
    elif _OTHER_NUMBER.fullmatch(text) or _SHORT_SLASH.search(text):
        return None
    bare = text.translate(_DROPPED).replace("/", "")
    if kept := _KEPT_TRUNK.fullmatch(bare):
        return kept[1] + kept[2]
    return bare if _SHAPE.fullmatch(bare) else None


def _ascii(character: str) -> str:
    if character == "＋":
        return "+"
    number = unicodedata.decimal(character, None)
    return character if number is None else str(number)


def _spellings(bare: str, region: str) -> Iterator[tuple[str, str | None]]:
    if bare.startswith("+"):
        yield bare, None
        return
    if bare.startswith("00"):
        yield "+" + bare[2:], None
        return
    if len(bare) >= 11:
        yield "+" + bare, None
    yield bare, region


@lru_cache(maxsize=8)
def _usual_lines(region: str) -> tuple[str, re.Pattern[str]]:
    """A country's code, and a pattern for one line, all of which it matches.

    Group 1 is a mobile number with its country's code: of the country itself, of Belarus or of Russia. Group 2 is
    a mobile number of the country without. A line without a group is for the library to read. Both groups agree
    with the library: a national prefix is never given back (possessive), and what could begin with another
    country's code is left to it.
    """
    data = PhoneMetadata.metadata_for_region(region)
    if data is None or data.national_prefix_transform_rule is not None:
        return "", re.compile(rf"^(?:(?:\+|00)?({_guests()})|((?!)))$|^.*$", re.M)
    code = str(data.country_code)
    own = _BELARUS if region == "BY" else _mobile_pattern(data)
    # The library strips a carrier's code, which it captures, along with the prefix.
    stripped = re.sub(r"\((?!\?)", "(?:", data.national_prefix_for_parsing or "")
    prefix = f"(?:{stripped})?+" if stripped else ""
    abroad = rf"(?:\+|00|(?=[0-9]{{11}}))({_guests()}|{code}{own})"
    home = rf"(?!00)(?=[0-9]{{1,10}}$|0|8[0789]){prefix}({own})"
    return code, re.compile(rf"^(?:{abroad}|{home})$|^.*$", re.M)


def _guests() -> str:
    russia = PhoneMetadata.metadata_for_region("RU")
    return f"375{_BELARUS}" + (f"|7{_mobile_pattern(russia)}" if russia is not None else "")


def _mobile_pattern(data: PhoneMetadata) -> str:
    """National numbers that the library calls mobile: it asks about the other kinds first."""
    others = (
        data.premium_rate, data.toll_free, data.shared_cost, data.voip, data.personal_number, data.pager, data.uan,
        data.voicemail, data.fixed_line,
    )  # fmt: skip
    patterns = [pattern for other in others if (pattern := _pattern(other))]
    unlike = f"(?!(?:{'|'.join(patterns)})$)" if patterns else ""
    return f"(?:(?=(?:{_pattern(data.general_desc)})$){unlike}(?:{_pattern(data.mobile) or '(?!)'}))"


def _pattern(kind: PhoneNumberDesc | None) -> str:
    pattern = str(kind.national_number_pattern or "") if kind is not None else ""
    return re.sub(r"\((?!\?)", "(?:", pattern)
