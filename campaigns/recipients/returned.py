"""Lists of excluded recipients that can be mended and handed in again: their own columns, and those of the rows. Pure.

A table has the columns MARKS after its own, and its cells are protected from spreadsheets. JSON lines have the field
`excluded`. When such a list is read as a file of recipients, both are left out. They only show which rows have the
phone of another row of the first file, which was sent. Such a row is messaged only if its phone is another one now.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from campaigns.recipients.exclusions import Exclusion
from campaigns.recipients.phones import normalise_phone
from campaigns.recipients.tables import Row
from campaigns.text.spreadsheets import unprotected

#: The row as a spreadsheet counts it, the line of the file that the row begins in, the reason, its explanation, and the
#: phone, with a plus before it, if another row has it too.
MARKS: Final = (
    "excluded: row",
    "excluded: line",
    "excluded: reason",
    "excluded: why",
    "excluded: phone of another row",
)
JSON_MARK: Final = "excluded"
#: The last of MARKS in JSON_MARK.
JSON_PHONE: Final = "phone_of_another_row"
_IN_MARK: Final = frozenset(("line", "reason", "why", JSON_PHONE))
#: Why a row is excluded once more.
STILL_SHARED: Final = "still has the phone of another row of the first file"


def is_still_shared(shared: str, phone: str, region: str) -> bool:
    """Whether a row still has the phone that the list marks as that of another row. A mark that is not a phone counts
    as the same one, because a missing message can be sent later, and a second one cannot be taken back."""
    known = normalise_phone(shared, region)
    return known is None or known == normalise_phone(phone, region)


def _shared_phone(mark: str | None, reason: object) -> str | None:
    """The `shared_phone` of a row with this mark. Lists of an earlier version have no such mark (None), and show only
    by their reason which rows are duplicates."""
    if mark is not None:
        return unprotected(mark).strip() or None
    return "" if str(reason).strip().casefold() == Exclusion.DUPLICATE else None


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
    reason, phone = (marked.get(MARKS[number]) for number in (2, 4))
    left_out = set(range(len(first.cells))) - set(own)
    for row in chain((first,), rows):
        cells = [unprotected(cell) for place, cell in enumerate(row.cells) if place not in left_out]
        if any(map(str.strip, cells)):
            yield row._replace(cells=cells, shared_phone=_shared_phone(_cell(row, phone), _cell(row, reason)))


def _cell(row: Row, place: int | None) -> str | None:
    """A cell of a row, empty if the row ends before it; None if there is no such column."""
    return None if place is None else row.cells[place] if place < len(row.cells) else ""


def without_mark(document: Any) -> tuple[Any, str | None]:
    """A line of JSON as it was handed in first, and the `shared_phone` of a `Row`."""
    mark = document.get(JSON_MARK) if isinstance(document, dict) else None
    if not isinstance(mark, dict) or mark.keys() | {JSON_PHONE} != _IN_MARK:
        return document, None
    own = {name: value for name, value in document.items() if name != JSON_MARK}
    return own, _shared_phone(str(mark[JSON_PHONE] or "") if JSON_PHONE in mark else None, mark["reason"])
