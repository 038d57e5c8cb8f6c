"""Lists of excluded recipients that can be mended and handed in again: their own columns, and those of the rows. Pure.

A table has the four columns MARKS after its own, and its cells are protected from spreadsheets. JSON lines have the
field `excluded`. When such a list is read as a file of recipients, both are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from campaigns.recipients.tables import Row
from campaigns.text.spreadsheets import unprotected

#: The row as a spreadsheet counts it, the line of the file that the row begins in, the reason, and its explanation.
MARKS: Final = ("excluded: row", "excluded: line", "excluded: reason", "excluded: why")
JSON_MARK: Final = "excluded"
_IN_MARK: Final = frozenset(("line", "reason", "why"))


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
    marked = set(range(len(first.cells))) - set(own)
    for row in chain((first,), rows):
        cells = [unprotected(cell) for place, cell in enumerate(row.cells) if place not in marked]
        if any(map(str.strip, cells)):
            yield row._replace(cells=cells)


def without_mark(document: Any) -> Any:
    """A line of JSON as it was handed in first."""
    mark = document.get(JSON_MARK) if isinstance(document, dict) else None
    if not isinstance(mark, dict) or mark.keys() != _IN_MARK:
        return document
    return {name: value for name, value in document.items() if name != JSON_MARK}
