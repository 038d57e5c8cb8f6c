"""Misreadings: rows which show that a table was written in another way than it is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from campaigns.recipients.cells import lost_digits
from campaigns.recipients.columns import PHONE, Columns
from campaigns.recipients.phones import is_phone_like
from campaigns.recipients.sources import refused
from campaigns.recipients.tables import DELIMITERS, Row

_NAMES: Final = {"\t": "a tab", ";": "a semicolon", ",": "a comma", "|": "a bar"}
_DIVIDED = re.compile(f"[{DELIMITERS}]")
#: Two neighbouring cells, joined by NUL, which no cell holds.
_CUT_NUMBER = re.compile(r"[0-9]\0[0-9]+[EeЕе]\+[0-9]{1,2}")
_SWALLOWED: Final = (
    "a quotation mark is opened here, and the lines up to the next one look like rows of their own; close it, or hand "
    "the file in as JSON lines if they are not"
)


class LostPhones:
    """Refuses a table in which a spreadsheet has dropped digits of every phone."""

    def __init__(self, name: str) -> None:
        self.over = False
        self._name = name
        self._lost: tuple[int, str] | None = None

    def note(self, line: int, cell: str) -> None:
        reason = lost_digits(cell)
        self.over = reason is None
        if reason is not None and self._lost is None:
            self._lost = line, reason

    def settle(self) -> None:
        """Raises JobError at the end of a table in which every phone is lost."""
        if not self.over and self._lost is not None:
            raise refused(self._name, *self._lost)


def misreading(row: Row, layout: Columns, delimiter: str, *, chosen: bool) -> str | None:
    """Why a row was probably misread, or None: its text must not hold another person's row or be cut by a delimiter.
    With `chosen` the caller chose the phone's column."""
    width, cells, place = len(layout.names), row.cells, layout.places[PHONE]
    if layout.header and any(cell.strip() for cell in cells[width:]):
        surplus = [str(number) for number, cell in enumerate(cells[width:], width + 1) if cell.strip()]
        cures = f"name the column in the header, or empty cell {', '.join(surplus)}"
        split = _NAMES.get(delimiter, delimiter)
        quoting = f"; text that holds {split} must stand in quotation marks" if split else ""
        return f"has {len(cells)} cells, the header {width}: {cures}{quoting}"
    if not layout.header and not chosen and any(_holds_phone(c) for i, c in enumerate(cells) if i != place):
        return "holds a second phone, and there is no header to show which one is meant"
    if delimiter == "," and _CUT_NUMBER.fullmatch("\0".join(cells[place:][:2])):
        return "a number such as 3,75291E+11 is divided by its comma: put it in quotation marks"
    return _SWALLOWED if row.lines > 1 and delimiter and _swallowed(cells, delimiter, place) else None


def _holds_phone(cell: str) -> bool:
    """Whether a cell, or a part of it between delimiters, looks like a phone."""
    return any(map(is_phone_like, _DIVIDED.split(cell)))


def _swallowed(cells: Sequence[str], delimiter: str, phone: int) -> bool:
    for cell in cells:
        for line in cell.splitlines()[1:]:
            pieces = line.split(delimiter)
            if len(pieces) >= min(2, len(cells)) and phone < len(pieces) and is_phone_like(pieces[phone].strip('" ')):
                return True
    return False
