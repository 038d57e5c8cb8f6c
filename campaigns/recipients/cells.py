"""Cells that hold a phone, as spreadsheets write them. Pure."""

from __future__ import annotations

import re

from campaigns.recipients.sources import refused
from campaigns.recipients.tables import EXPONENT

_TEXT_FORMULA = re.compile(r'="?([^"=]*)"?')
_TOO_NARROW = re.compile(r"#{3,}")


def phone_cell(cell: str, name: str, line: int) -> str:
    """The phone in a cell: without what makes a spreadsheet keep it as text (`="375..."`), an exponent written out.

    Raises JobError where the spreadsheet has dropped digits: 3,75291E+11 may be any of a million phones.
    """
    text = cell.strip()
    if formula := _TEXT_FORMULA.fullmatch(text):
        return formula[1].strip()
    if _TOO_NARROW.fullmatch(text):
        raise refused(name, line, "Excel wrote ### in place of a number that its column was too narrow for: widen it")
    if not (number := EXPONENT.fullmatch(text)):
        return text
    decimals, exponent = number["decimals"] or "", int(number["exponent"])
    if len(decimals) < exponent:
        raise refused(
            name,
            line,
            "Excel has shortened the phone to a number such as 3,75291E+11, and its last digits are lost: give the "
            "column of phones the format Text (or Number without decimals) in the original, and save it again",
        )
    digits = re.sub("[^0-9]", "", text[: number.start("exponent")])
    return digits[: exponent + 1] if not digits[exponent + 1 :].strip("0") else text
