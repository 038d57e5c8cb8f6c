"""Lists of excluded recipients that can be mended and handed in again: their own columns, and those of the rows. Pure.

A table has the four columns MARKS after its own, and its cells are protected from spreadsheets. JSON lines have the
field `excluded`. When such a list is read as a file of recipients, both are left out. They only show which rows are
duplicates: another row has their recipients, so that they are messaged only if their phone is another one now.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.recipients.phones import normalise_phone
from campaigns.recipients.tables import Row
from campaigns.text.spreadsheets import unprotected

#: The row as a spreadsheet counts it, the line of the file that the row begins in, the reason, and its explanation.
MARKS: Final = ("excluded: row", "excluded: line", "excluded: reason", "excluded: why")
JSON_MARK: Final = "excluded"
_IN_MARK: Final = frozenset(("line", "reason", "why"))
_REASON, _WHY = MARKS[2:]
#: Comes before the phone of a duplicate.
_PHONE_FOLLOWS: Final = ": "
#: Why such a row is excluded once more.
STILL_DUPLICATE: Final = "was a duplicate when this list was made, and its phone is still the same"


def explained(one: Excluded) -> str:
    """Why a recipient is excluded, as the list says it. Of a duplicate it names the phone, by which a mended one is
    recognised. Within a sentence no spreadsheet shortens it to 3,75E+11."""
    return f"{one.words}{_PHONE_FOLLOWS}{one.phone}" if one.reason == Exclusion.DUPLICATE else one.words


def is_still_duplicate(duplicate: str, phone: str, region: str) -> bool:
    """Whether a row still has the phone with which the list has it as a duplicate. A phone that cannot be read any
    more counts as the same, because a missing message can be sent later, and a second one cannot be taken back."""
    known = normalise_phone(duplicate, region)
    return known is None or known == normalise_phone(phone, region)


def _duplicate(reason: object, why: object) -> str | None:
    """The phone of a duplicate, empty if it is not there; None for another reason."""
    is_one = str(reason).strip().casefold() == Exclusion.DUPLICATE
    return str(why).partition(_PHONE_FOLLOWS)[2] if is_one else None


def is_mark(cell: str) -> bool:
    """Whether a cell of the first row names a column of ours."""
    return cell.strip().casefold() in MARKS


def without_marks(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a table as they were handed in first; another table's rows are returned unchanged."""
    first = next(rows, None)
    if first is None:
        return
    own = [place for place, cell in enumerate(first.cells) if not is_mark(cell)]
    if len(own) == len(first.cells):
        yield from chain((first,), rows)
        return
    marked = {cell.strip().casefold(): place for place, cell in enumerate(first.cells) if is_mark(cell)}
    left_out = set(range(len(first.cells))) - set(own)
    for row in chain((first,), rows):
        cells = [unprotected(cell) for place, cell in enumerate(row.cells) if place not in left_out]
        if any(map(str.strip, cells)):
            yield row._replace(cells=cells, duplicate=_duplicate(*(_cell(row, marked.get(m)) for m in (_REASON, _WHY))))


def _cell(row: Row, place: int | None) -> str:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def without_mark(document: Any) -> tuple[Any, str | None]:
    """A line of JSON as it was handed in first, and the `duplicate` of a `Row`."""
    mark = document.get(JSON_MARK) if isinstance(document, dict) else None
    if not isinstance(mark, dict) or mark.keys() != _IN_MARK:
        return document, None
    own = {name: value for name, value in document.items() if name != JSON_MARK}
    return own, _duplicate(mark["reason"], mark["why"])
