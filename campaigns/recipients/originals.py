"""The rows of a file as they were handed in, with all their cells."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from campaigns.recipients.cells import phone_cell
from campaigns.recipients.columns import PHONE
from campaigns.recipients.exclusions import as_handed_in
from campaigns.recipients.files import LOOKED_AT, RecipientFile


class Original(NamedTuple):
    """A row. `number` is how a spreadsheet counts it; `line` is the line of the file that it begins in, None in a
    workbook. `phone` is as an `Excluded` has it; `content` is the cells, or the document of a line of JSON."""

    number: int
    line: int | None
    phone: str
    content: Any


class Originals(NamedTuple):
    """The names of the columns (None for JSON lines), the place of the phone's column, and the rows."""

    names: list[str] | None
    phone_place: int
    rows: Iterator[Original]


def originals(file: RecipientFile) -> Originals:
    """The rows of a file that has been read without an error. Raises JobError if it has changed and is unreadable now.

    A table without a header gets one: `phone`, and `column 2` for the others.
    """
    if file.is_json:
        documents = file.documents()
        return Originals(None, 0, (Original(n, n, as_handed_in(document), document) for n, document in documents))
    table = file.table()
    head = list(islice(table.rows, LOOKED_AT))
    layout = file.layout(head)
    place = layout.places[PHONE]
    width = max(len(row.cells) for row in head)
    names = list(layout.names) if layout.header else [f"column {number}" for number in range(1, width + 1)]
    if not layout.header:
        names[place] = PHONE
    rows = chain(head[1:] if layout.header else head, table.rows)
    return Originals(names, place, (_original(row, place, len(names), file) for row in rows))


def _original(row: Any, place: int, width: int, file: RecipientFile) -> Original:
    cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
    return Original(row.number, None if file.is_workbook else row.line, as_handed_in(phone_cell(cells[place])), cells)
