"""Which texts are phones, and in which form they are handed on."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.recipients import mobile_phone, mobile_phones, normalise_phone

USUAL = [
    "375291234567",
    "+375291234567",
    "+375 (29) 123-45-67",
    "(+375) 29 123-45-67",
    "00375 29 123 45 67",
    "375 29 1234567",
    "80291234567",
    "8 029 123-45-67",
    "8 (029) 123-45-67",
    "(029) 123 45 67",
    "029/123-45-67",
    "+375 (0)29 123-45-67",
    "375.29.123.45.67",
    " 375291234567\n",
    "+375\u00a029\u00a0123\u00a045\u00a067",
    "\u202a+375\u201129\u2011123\u201145\u201167\u202c",
    "＋３７５２９１２３４５６７",
    "\u0663\u0667\u0665\u0662\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "'+375291234567",
    "375291234567.0",
    "375291234567,00",
    375291234567,
]
NO_PHONES = [
    "",
    "x",
    "12",
    "37529123456",
    "375001234567",
    None,
    True,
    3.5,
    [],
    "1" * 60,
    -375291234567,
    2**70,
    10**5000,
    "+375291234567 ext. 5",
    # Letters and masks are no digits.
    "375291234OOO",
    "375291234ООО",
    "+375 29 123-XX-XX",
    "+375 29 123-**-**",
    "80291234abc",
    "+375 29 123 Anna",
    "1-800-FLOWERS",
    "375291234567a",
    "٣٧٥٢٩١٢٣٤٥٦x",
    "37529123456²",
    "375291234ⅣⅤⅥ",
    # What a spreadsheet made of a longer number is not filled up.
    "3,75291E+11",
    "3.75291E+11",
    "37529123456.0",
    "3752912345.00",
    "375291234567.5",
    # Two phones are not one.
    "375291234567\n375291234568",
    "375291234567 375291234568",
    "+375291234567+375291234568",
    "+375 29 123-45-6/7",
    "375+291234567",
    "++375291234567",
]


@pytest.mark.parametrize("raw", USUAL)
def test_usual_spellings(raw: object) -> None:
    assert mobile_phone(raw, "BY") == normalise_phone(raw, "BY") == "375291234567"
    assert mobile_phones([raw, "375291111111"], "BY") == ["375291234567", "375291111111"]


@pytest.mark.parametrize("raw", NO_PHONES, ids=lambda raw: str(type(raw).__name__))
def test_no_phones(raw: object) -> None:
    assert mobile_phone(raw, "BY") is normalise_phone(raw, "BY") is None
    assert mobile_phones([raw, "375291111111"], "BY") == [None, "375291111111"]


@pytest.mark.parametrize(
    ("raw", "region", "phone"),
    [
        ("+7 916 123-45-67", "BY", "79161234567"),
        ("48501234567", "BY", "48501234567"),
        ("+1 650-253-0000", "BY", "16502530000"),
        ("8 916 123-45-67", "RU", "79161234567"),
        ("9161234567", "RU", "79161234567"),
        ("8 701 234 56 78", "KZ", "77012345678"),
        ("067 123 45 67", "UA", "380671234567"),
        ("8 10 375 29 123-45-67", "RU", "375291234567"),
        ("(650) 253-0000", "US", "16502530000"),
    ],
)
def test_other_countries(raw: str, region: str, phone: str) -> None:
    assert mobile_phone(raw, region) == phone
    assert mobile_phones([raw], region) == [phone]


@pytest.mark.parametrize(
    "raw",
    ["375172000000", "80172000000", "+375 17 200-00-00", "88005553535", "+78005553535", "+7 495 123-45-67",
     "+44 20 7031 3000", "+390612345678", "79001", "+3752020"],
)  # fmt: skip
def test_landlines_and_free_numbers_are_not_messaged(raw: str) -> None:
    assert mobile_phone(raw, "BY") is None
    assert mobile_phones([raw], "BY") == [None]


def test_a_landline_is_a_phone_all_the_same() -> None:
    """Somebody may have opted one out, or wish to be erased."""
    assert normalise_phone("8 017 200-00-00", "BY") == "375172000000"


_PIECES = st.sampled_from(
    ["+", "00", "8", "0", "80", "375", "7", "380", "1", "29", "33", "916", "700", "67", "5", "(", ")", " ", "-"]
)
_SPELLINGS = st.tuples(st.lists(_PIECES, max_size=5).map("".join), st.from_regex(r"[0-9]{5,9}", fullmatch=True)).map(
    "".join
)


@settings(deadline=None, max_examples=60)
@given(st.one_of(_SPELLINGS, st.text()), st.sampled_from(["BY", "RU", "UA", "KZ", "PL", "US", "LT", "CN", "GB", "XX"]))
def test_no_phone_is_invented(raw: str, region: str) -> None:
    """A phone ends with the digits that were given, the library calls it mobile, and it reads as itself."""
    phone = mobile_phone(raw, region)
    assert mobile_phones([raw], region) == [phone]
    if phone is not None:
        assert phone.isascii()
        assert phone.isdigit()
        digits = "".join(c for c in raw if c.isdigit())
        assert phone.endswith(digits[-7:]) or not digits.isascii()
        assert mobile_phone("+" + phone, "BY") == phone
        number = phonenumbers.parse("+" + phone)
        kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
        assert phone.startswith("375") or phonenumbers.number_type(number) in kinds


_PREFIXED = st.tuples(
    st.sampled_from(["", "0", "00", "8", "80", "+", "+8 0", "375", "+375 ", "00375", "0375", "80375", "+(375)"]),
    st.sampled_from(["", "29", "(44) ", "17", "91", "00375", "80"]),
    st.sampled_from(["1234567", "123-45-67", "12 34 567", "123456", "12345678", ""]),
).map("".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(_PREFIXED, min_size=1, max_size=6))
def test_many_together_are_what_each_is_alone(raw: list[str]) -> None:
    assert mobile_phones(raw, "BY") == [mobile_phone(one, "BY") for one in raw]
    usual = [one for one in raw if mobile_phone(one, "BY") is not None]
    assert mobile_phones(usual * 2, "BY") == [mobile_phone(one, "BY") for one in usual * 2]


@settings(deadline=None, max_examples=60)
@given(_SPELLINGS, st.sampled_from(["RU", "UA", "KZ", "PL", "US", "LT", "CN", "GB"]))
def test_the_quick_way_agrees_with_the_library(raw: str, region: str) -> None:
    bare = "".join(c for c in raw if c.isdigit() or c == "+")
    expected = None
    spelled = ["+" + bare] if len(bare) >= 11 and not bare.startswith(("+", "00")) else []
    for spelling in [*spelled, "+" + bare[2:] if bare.startswith("00") else bare]:
        try:
            number = phonenumbers.parse(spelling, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
            mobile = phonenumbers.number_type(number) in kinds
            expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:] if mobile else None
            break
    found = mobile_phone(raw, region)
    # Belarus's blocks that no operator has opened yet pass.
    assert found == expected or (found or "").startswith("375")
