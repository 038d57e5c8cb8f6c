"""Files of recipients, read row by row. A file with an unreadable line is refused with file, line and reason."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from campaigns.errors import JobError
from campaigns.recipients.cells import lost_digits, phone_cell
from campaigns.recipients.columns import (
    BUTTON_LINK,
    FIELDS,
    PHONE,
    TEXT,
    VALUES,
    ColumnError,
    Columns,
    checked_choice,
    chosen,
    is_phone_name,
    plain,
    recognised,
    value_places,
)
from campaigns.recipients.exclusions import as_handed_in
from campaigns.recipients.lines import Lines
from campaigns.recipients.misreadings import LostPhones, misreading
from campaigns.recipients.phones import normalise_phone
from campaigns.recipients.returned import is_mark, is_still_shared, without_mark, without_marks
from campaigns.recipients.sheets import sheet_table
from campaigns.recipients.sources import ZIP, Source, refused, text_lines
from campaigns.recipients.tables import Row, Table, text_table

_JSON_LINES: Final = frozenset((".jsonl", ".ndjson", ".json"))
#: The rows by which the columns are determined.
LOOKED_AT: Final = 50
#: What follows the file's name in a place.
_LINE: Final = re.compile(r", line (?P<line>[0-9]+)(?: \(row [0-9]+\))?")
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"|\[\s*[\{"0-9])')
_NOT_HERE: Final = {
    TEXT: "the text belongs to the content of a bulk mailing, or make message_type personal",
    BUTTON_LINK: "the button's link belongs to the content, unless message_type is personal and the content a button",
}


class RecipientFile:
    """The rows of a table (CSV in its usual forms, .xlsx with the extra `xlsx`) or of JSON lines.

    `columns` maps `phone`, `text`, `button_link` or one of `names` (the places of a template) to a column of the table,
    by its name or by its number from 1. Without it the phone's column must have a name that means a phone. `encoding`
    is detected for UTF-8, UTF-16 and Windows-1251, if it is certain. Iterating raises JobError with file, line and
    reason at the first thing that cannot be read, so use no row before the end. A phone whose digits a spreadsheet has
    dropped is an ordinary row, unless all phones are like that. The file may be iterated again.
    """

    def __init__(
        self,
        file: Path | BinaryIO,
        *,
        columns: Mapping[str, str | int] | None = None,
        encoding: str | None = None,
        names: Iterable[str] = (),
    ) -> None:
        self._source = Source(file)
        given = checked_choice(columns, names)
        self._columns = {field: name for field, name in given.items() if field in FIELDS}
        self._of_values = {field: name for field, name in given.items() if field not in FIELDS}
        self._chosen_names = {plain(str(name)) for name in given.values() if not str(name).isdigit()} - {""}
        self._encoding = encoding
        self._fields: frozenset[str] | None = None
        self._values: tuple[str, ...] | None = None
        self._region = "BY"
        self._lines = self._rows = Lines()
        self._still_shared = array("Q")

    def asking(self, fields: Iterable[str] | None, region: str, values: Iterable[str] | None = None) -> RecipientFile:
        """Make iterating yield phones only (`fields` is None), or objects with these fields, which need a column each.

        With `values`, the names of a template's places, each object has `values` as well. For a table these are the
        cells of the columns with these names, which must exist; for JSON lines, the whole object of the line. `region`
        is the country of phones that are written without a country code.
        """
        self._fields = frozenset(fields) if fields is not None else None
        self._values = tuple(values) if values is not None else None
        self._region = region
        return self

    @property
    def is_json(self) -> bool:
        """Whether each line is a JSON document, judged by the file's name or its first characters."""
        return self._source.suffix in _JSON_LINES or _JSON.match(self._source.head()) is not None

    @property
    def is_workbook(self) -> bool:
        """Whether the file is an .xlsx workbook, judged by its first characters."""
        return self._source.head().startswith(ZIP)

    @property
    def region(self) -> str:
        """The country of phones that are written without a country code."""
        return self._region

    @property
    def has_choice(self) -> bool:
        """Whether the caller chose columns."""
        return bool(self._columns)

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self._source.name

    def place(self, number: int) -> str:
        """The file and line of row `number` (from 0) of the last iteration, for people. Where a spreadsheet counts rows
        differently, because cells have line breaks, the row too."""
        line, row = self._lines.line(number), self._rows.line(number)
        return f"{self.name}, line {line}" + (f" (row {row})" if row != line else "")

    def number_of(self, number: int) -> int:
        """How a spreadsheet counts row `number` (from 0) of the last iteration; for JSON lines, the line."""
        return self._rows.line(number)

    def still_shared(self, start: int, end: int) -> Sequence[int]:
        """Of the rows from `start` (from 0) to before `end` in the last iteration, those whose phone a list of excluded
        recipients marks as that of another row, and is still the same."""
        numbers = self._still_shared
        return numbers[bisect_left(numbers, start) : bisect_left(numbers, end)]

    def line_at(self, place: str) -> int | None:
        """The line of a place that `place` returned; None for any other place."""
        match = _LINE.fullmatch(place.removeprefix(self.name))
        return int(match["line"]) if match and place.startswith(self.name) else None

    def __iter__(self) -> Iterator[Any]:
        self._lines, self._rows = lines, rows = Lines(), Lines()
        self._still_shared = still_shared = array("Q")
        number = -1
        for number, (line, at, row, shared) in enumerate(self._placed()):
            lines.note(number, line)
            rows.note(number, at)
            if shared is not None and is_still_shared(shared, as_handed_in(row), self._region):
                still_shared.append(number)
            yield row
        if number < 0:
            raise JobError({"recipients": [f"{self.name}: holds no recipients"]})

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """Rows, each with the line that it begins in. Raises JobError at the first thing that cannot be read."""
        return ((line, row) for line, _, row, _ in self._placed())

    def _placed(self) -> Iterator[tuple[int, int, Any, str | None]]:
        """The same, also with the number by which a spreadsheet counts each row, and the `shared_phone` of a `Row`."""
        return self._json_rows() if self.is_json else self._table_rows()

    def _json_rows(self) -> Iterator[tuple[int, int, Any, str | None]]:
        for line, row, shared in self._documents():
            if isinstance(row, list):
                raise refused(self.name, line, "is a list; write one phone or one object a line")
            yield line, line, row if self._values is None else _with_values(row), shared

    def documents(self) -> Iterator[tuple[int, Any]]:
        """The documents of a file of JSON lines as they were handed in, each with its line. Raises JobError."""
        return ((line, document) for line, document, _ in self._documents())

    def _documents(self) -> Iterator[tuple[int, Any, str | None]]:
        for line, text in enumerate(text_lines(self._source, self._encoding), start=1):
            if not text.strip():
                continue
            try:
                document = orjson.loads(text)
            except (orjson.JSONDecodeError, UnicodeEncodeError):
                raise refused(self.name, line, "is not JSON; each line is a phone or an object of its own") from None
            yield line, *without_mark(document)

    def table(self) -> Table:
        """The rows of a CSV or .xlsx table, as text. Raises JobError."""
        if self.is_workbook:
            return Table("", without_marks(sheet_table(self._source)))
        found = text_table(self.name, text_lines(self._source, self._encoding), self._speaks)
        return found._replace(rows=without_marks(found.rows))

    def _speaks(self, cell: str) -> bool:
        """Whether a cell shows that its line was divided correctly: a phone, a name for a phone, or a chosen name."""
        named = is_phone_name(cell) or is_mark(cell) or plain(cell) in self._chosen_names
        known = named or self.is_phone(phone_cell(cell))
        return known or lost_digits(cell) is not None

    def is_phone(self, cell: str) -> bool:
        """Whether a cell holds a phone, mobile or not."""
        return normalise_phone(cell, self._region) is not None

    def layout(self, head: Sequence[Row]) -> Columns:
        """The columns, determined from the first rows. Raises JobError if they cannot be determined."""
        first = head[0].cells
        phones = [i for i, cell in enumerate(first) if self.is_phone(cell)]
        try:
            if self._columns:
                return chosen(first, self._columns, phones, self._fields or ())
            found = recognised(first, phones)
            self._only_column(found, head)
            return found
        except ColumnError as error:
            below = next((row.line for row in head[1:] if any(map(is_phone_name, row.cells))), None)
            problem = str(error)
            if below is not None and sum(bool(cell.strip()) for cell in first) == 1:
                problem = f"is a title: delete the lines above the header, which line {below} looks like"
            raise refused(self.name, head[0].line, problem) from None

    def _only_column(self, found: Columns, head: Sequence[Row]) -> None:
        """Check a table without a header: no second column may hold phones, and the phones must not look like ids."""
        if found.header:
            return
        place = found.places[PHONE]
        for row in head:
            if any(self.is_phone(cell) for i, cell in enumerate(row.cells) if i != place):
                raise ColumnError("has no header, and several columns hold phones; choose by number: --column phone=1")
        cells = head[0].cells
        if sum(bool(cell.strip()) for cell in cells) > 1 and sum(map(str.isdigit, cells[place])) < 10:
            raise ColumnError("has no header, and its numbers may not be phones; choose by number: --column phone=1")

    def _table_rows(self) -> Iterator[tuple[int, int, Any, str | None]]:
        table = self.table()
        head = list(islice(table.rows, LOOKED_AT))
        if not head:
            return
        layout = self.layout(head)
        shaped = self._shaped(layout, head[0])
        place, doubt = layout.places[PHONE], LostPhones(self.name)
        for row in chain(head[1:] if layout.header else head, table.rows):
            if reason := misreading(row, layout, table.delimiter, chosen=bool(self._columns)):
                raise refused(self.name, row.line, reason)
            cell = _cell(row.cells, place)
            if not doubt.over:
                doubt.note(row.line, cell)
            yield row.line, row.number, shaped(phone_cell(cell), row.cells), row.shared_phone
        doubt.settle()

    def _shaped(self, layout: Columns, first: Row) -> Callable[[str, Sequence[str]], Any]:
        """A function that makes a row from its phone and cells. Raises JobError for missing or misplaced columns."""
        places = self._wanted(layout, first.line)
        if self._values is not None:
            try:
                of_values = value_places(first.cells, layout, self._values, self._of_values)
            except ColumnError as error:
                raise refused(self.name, first.line, str(error)) from None
            return lambda phone, cells: {
                PHONE: phone,
                VALUES: {name: _cell(cells, place) for name, place in of_values.items()},
            }
        further = [(field, place) for field, place in places.items() if field != PHONE]
        if self._fields == frozenset((PHONE,)) or (self._fields is None and not further):
            return lambda phone, _cells: phone
        return lambda phone, cells: {PHONE: phone} | {f: cell for f, i in further if (cell := _cell(cells, i))}

    def _wanted(self, layout: Columns, line: int) -> dict[str, int]:
        """The columns of the fields that the mailing needs. Raises JobError for missing or misplaced columns."""
        places = layout.places
        if PHONE not in places:
            raise refused(self.name, line, "no column was chosen for phone: --column phone=NAME")
        if self._fields is None:
            return places
        for field in FIELDS:
            if field in self._fields and field not in places:
                reason = f"has no column called {field}, which each recipient of this mailing needs"
                raise refused(self.name, line, f'{reason}; choose one with --column "{field}=NAME"')
            misplaced = field in places and field not in self._fields and self._values is None
            # A bulk mailing ignores a column called message, for example, but one called text was meant for it.
            if misplaced and (field in self._columns or layout.names[places[field]].strip().casefold() == field):
                raise refused(self.name, line, f"has a column for {field}, but {_NOT_HERE[field]}")
        return {field: place for field, place in places.items() if field in self._fields}


def read_recipients(
    path: str | Path,
    *,
    columns: Mapping[str, str | int] | None = None,
    encoding: str | None = None,
    names: Iterable[str] = (),
) -> RecipientFile:
    """The rows of a file of recipients; see RecipientFile. Raises JobError for columns that are none."""
    return RecipientFile(Path(path), columns=columns, encoding=encoding, names=names)


def _with_values(row: Any) -> Any:
    """A line of JSON as a row: all that it holds may fill a template."""
    if not isinstance(row, dict) or isinstance(row.get(VALUES), dict):
        return row
    return {PHONE: row.get(PHONE), VALUES: row}


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""
