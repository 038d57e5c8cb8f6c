"""Cells that hold a phone, as spreadsheets write them. Pure."""

from __future__ import annotations

import re

from campaigns.recipients.tables import EXPONENT

_TEXT_FORMULA = re.compile(r'="?([^"=]*)"?')
_TOO_NARROW = re.compile(r"#{3,}")


def lost_digits(cell: str) -> str | None:
    """Why a cell's phone is lost, if a spreadsheet dropped digits of it: 3,75291E+11 may be any of a million phones."""
    text = cell.strip()
    if _TOO_NARROW.fullmatch(text):
        return "Excel wrote ### in place of a number because its column was too narrow: widen the column"
    number = EXPONENT.fullmatch(text)
    if number is None or len(number["decimals"] or "") >= int(number["exponent"]):
        return None
    return (
        "Excel has shortened the phone to a number such as 3,75291E+11, and its last digits are lost: give the "
        "column of phones the format Text (or Number without decimals) in the original file, and save it again"
    )


def phone_cell(cell: str) -> str:
    """The phone in a cell, without the `="..."` that keeps it text in a spreadsheet, and with its exponent written out.

    A cell that has lost digits is returned unchanged and does not normalise to a phone: see `lost_digits`.
    """
    text = cell.strip()
    if formula := _TEXT_FORMULA.fullmatch(text):
        return formula[1].strip()
    number = EXPONENT.fullmatch(text)
    if number is None or lost_digits(text) is not None:
        return text
    exponent = int(number["exponent"])
    digits = re.sub("[^0-9]", "", text[: number.start("exponent")])
    return digits[: exponent + 1] if not digits[exponent + 1 :].strip("0") else text
