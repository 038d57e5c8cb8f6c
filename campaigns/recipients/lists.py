"""Lists of phones in files, such as opt-outs: yields every phone of every line, and names lines it cannot read.

The columns `account` and `topic`, which exported opt-outs have, are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from campaigns.recipients.cells import lost_digits, phone_cell
from campaigns.recipients.columns import PHONE, is_phone_name, plain
from campaigns.recipients.files import RecipientFile
from campaigns.recipients.phones import normalise_phone
from campaigns.recipients.tables import Row
from campaigns.text.spreadsheets import unprotected

_LOOKED_AT: Final = 50
#: With fewer digits than this, a number beside a phone is an id or a date, not an unreadable phone.
_PHONE_DIGITS: Final = 9
_BETWEEN_PHONES: Final = re.compile(r"[,;|\r\n]+")
_NO_PHONE: Final = "is not a phone number"
#: What an opt-out is of, as the columns of a table and the fields of JSON lines are called.
_OF: Final = ("account", "topic")


class Listed(NamedTuple):
    """The phones of one line, in the gateway's form, and what in it could not be read (None if all was). `account` and
    `topic` are what its columns of these names hold, as it is written there; '' without one."""

    line: int
    phones: list[str]
    problem: str | None
    account: str = ""
    topic: str = ""


def listed_phones(file: RecipientFile, region: str) -> Iterator[Listed]:
    """Every line that is not empty, with all its phones, landlines included.

    With a header, phones come from the columns whose names mean a phone, or from the chosen one; without a header, from
    every cell. Raises JobError for a file that cannot be read, so use nothing before the end.
    """
    file.asking(None, region)
    if file.is_json:
        for line, row in file.numbered():
            account, topic = (_field(row, name) for name in _OF)
            yield _listed(line, [_raw(row)], [], region)._replace(account=account, topic=topic)
        return
    rows = file.table().rows
    head = list(islice(rows, _LOOKED_AT))
    if not head:
        return
    places = _phone_columns(file, head)
    width, of = len(head[0].cells), [[] if places is None else _called(name, head[0]) for name in _OF]
    for row in chain(head[1:] if places is not None else head, rows):
        cells = _cells(row, places or ())
        account, topic = (" ".join(map(unprotected, _cells(row, found))).strip() for found in of)
        found = _tried(row.line, cells, row.cells if places is None else row.cells[width:], region)
        yield found._replace(account=account, topic=topic)


def _called(name: str, header: Row) -> list[int]:
    """The columns of that name."""
    return [i for i, cell in enumerate(header.cells) if plain(cell) == name]


def _cells(row: Row, places: Sequence[int]) -> list[str]:
    return [row.cells[i] if i < len(row.cells) else "" for i in places]


def _phone_columns(file: RecipientFile, head: Sequence[Row]) -> list[int] | None:
    """The columns of phones, by the header; None without a header. Raises JobError if the header names no phone."""
    first = head[0].cells
    if not file.has_choice:
        if named := [i for i, cell in enumerate(first) if is_phone_name(cell)]:
            return named
        filled = [cell for cell in first if cell.strip()]
        if len(filled) == 1 or any(_phones_of(cell, file.region)[0] for cell in filled):
            return None
    layout = file.layout(head)
    return [layout.places[PHONE]] if layout.header else None


def _tried(line: int, cells: Sequence[str], beside: Sequence[str], region: str) -> Listed:
    """As `_listed`, but reports a phone that a spreadsheet has damaged as such."""
    if lost := next(filter(None, map(lost_digits, (*cells, *beside))), None):
        return Listed(line, [], lost)
    found = _listed(line, list(map(phone_cell, cells)), list(map(phone_cell, beside)), region)
    return found if found.phones or found.problem else Listed(line, [], _NO_PHONE)


def _listed(line: int, cells: Sequence[str], beside: Sequence[str], region: str) -> Listed:
    """The phones in `cells`, which must hold some, and in the cells `beside` them, which may."""
    phones, problem = list[str](), None
    for cell in cells:
        found, rest = _phones_of(cell, region)
        phones += found
        problem = _NO_PHONE if rest else problem
    if cells and not phones:
        problem = _NO_PHONE
    for cell in beside:
        found, rest = _phones_of(cell, region)
        phones += found
        if any(sum(map(str.isdigit, piece)) >= _PHONE_DIGITS for piece in rest):
            problem = _NO_PHONE
    return Listed(line, list(dict.fromkeys(phones)), problem)


def _phones_of(cell: str, region: str) -> tuple[list[str], list[str]]:
    """The phones in a cell, which may hold several, and the pieces that are none."""
    if (phone := normalise_phone(cell, region)) is not None:
        return [phone], []
    phones, rest = list[str](), list[str]()
    for piece in filter(None, map(str.strip, _BETWEEN_PHONES.split(cell))):
        found = _in_piece(piece, region)
        phones += found
        rest += [] if found else [piece]
    return phones, rest


def _in_piece(piece: str, region: str) -> list[str]:
    for parts in ([piece], piece.split("/"), piece.split()):
        found = [normalise_phone(part, region) for part in parts]
        if None not in found:
            return [phone for phone in found if phone is not None]
    return []


def _field(row: Any, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    return "" if value is None else str(value).strip()


def _raw(row: Any) -> str:
    value = row.get(PHONE) if isinstance(row, dict) else row
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
