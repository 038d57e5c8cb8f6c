"""Files of recipients, row by row: read as a whole, or refused with file, line and reason."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from campaigns.errors import JobError
from campaigns.recipients.cells import phone_cell
from campaigns.recipients.columns import (
    BUTTON_LINK,
    FIELDS,
    PHONE,
    TEXT,
    ColumnError,
    Columns,
    chosen,
    is_phone_name,
    plain,
    recognised,
)
from campaigns.recipients.phones import is_phone_like, normalise_phone
from campaigns.recipients.sheets import sheet_table
from campaigns.recipients.sources import ZIP, Source, refused, text_lines
from campaigns.recipients.tables import DELIMITERS, Row, Table, text_table
from campaigns.unknown_fields import unknown_field

_JSON_LINES: Final = frozenset((".jsonl", ".ndjson", ".json"))
_LOOKED_AT: Final = 50
_DIVIDED = re.compile(f"[{DELIMITERS}]")
#: Two cells; no text holds the character between them.
_CUT_NUMBER = re.compile(r"[0-9]\0[0-9]+[EeЕе]\+[0-9]{1,2}")
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"|\[\s*[\{"0-9])')
_NOT_HERE: Final = {
    TEXT: "the text belongs to the content of a bulk mailing, or make message_type personal",
    BUTTON_LINK: "the button's link belongs to the content, unless message_type is personal and the content a button",
}


class RecipientFile:
    """The rows of a table (CSV in its usual forms, .xlsx with the extra `xlsx`) or of JSON lines.

    `columns` says which column of a table is `phone`, `text` or `button_link`, by its name or its number from 1;
    without it the phone's column must have a name that means a phone, never a guess. `encoding` is found out where
    it is certain: UTF-8, UTF-16, Windows-1251. Iterating raises JobError with file, line and reason as soon as
    anything cannot be read, so take nothing from it before the end. It may be iterated again.
    """

    def __init__(
        self,
        file: Path | BinaryIO,
        *,
        columns: Mapping[str, str | int] | None = None,
        encoding: str | None = None,
    ) -> None:
        self._source = Source(file)
        self._columns = _checked_columns(columns)
        self._chosen_names = {plain(str(name)) for name in self._columns.values() if not str(name).isdigit()} - {""}
        self._encoding = encoding
        self._fields: frozenset[str] | None = None
        self._region = "BY"
        self._places = _Places()

    def asking(self, fields: Iterable[str] | None, region: str) -> RecipientFile:
        """Make the file give only phones, or objects with these fields, each of which must then have a column.

        `region` is the country of phones that are written without one.
        """
        self._fields = frozenset(fields) if fields is not None else None
        self._region = region
        return self

    @property
    def is_json(self) -> bool:
        """Whether each line is a JSON document, by the file's name or by how it begins."""
        return self._source.suffix in _JSON_LINES or _JSON.match(self._source.head()) is not None

    @property
    def region(self) -> str:
        """The country of phones that are written without one."""
        return self._region

    @property
    def has_choice(self) -> bool:
        """Whether somebody said which column is which."""
        return bool(self._columns)

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self._source.name

    def place(self, number: int) -> str:
        """Where row `number` (from 0) of the last iteration stands, for people."""
        return f"{self.name}, line {self._places.line(number)}"

    def __iter__(self) -> Iterator[Any]:
        self._places = places = _Places()
        for number, (line, row) in enumerate(self.numbered()):
            places.note(number, line)
            yield row

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """Rows, each with the line it begins in. Raises JobError as soon as something cannot be read."""
        if self.is_json:
            return self._json_rows()
        return self._table_rows()

    def _json_rows(self) -> Iterator[tuple[int, Any]]:
        for line, text in enumerate(text_lines(self._source, self._encoding), start=1):
            if not text.strip():
                continue
            try:
                row = orjson.loads(text)
            except (orjson.JSONDecodeError, UnicodeEncodeError):
                raise refused(self.name, line, "is not JSON; each line is a phone or an object of its own") from None
            if isinstance(row, list):
                raise refused(self.name, line, "is a list; write one phone or one object a line")
            yield line, row

    def table(self) -> Table:
        """The rows as text, whichever kind of table it is. Raises JobError."""
        if self._source.head().startswith(ZIP):
            return Table("", sheet_table(self._source))
        lines = text_lines(self._source, self._encoding)
        return text_table(self.name, lines, self._speaks)

    def _speaks(self, cell: str) -> bool:
        """Whether a cell shows that its line was divided rightly: a phone, its name, or a name chosen."""
        try:
            phone = phone_cell(cell, self.name, 1)
        except JobError:  # a phone that lost its digits
            return True
        return is_phone_name(cell) or self.is_phone(phone) or plain(cell) in self._chosen_names

    def is_phone(self, cell: str) -> bool:
        """Whether a cell holds a phone, mobile or not."""
        return normalise_phone(cell, self._region) is not None

    def layout(self, head: Sequence[Row]) -> Columns:
        """Which column is which, by the first rows. Raises JobError if that cannot be told."""
        first = head[0].cells
        phones = [i for i, cell in enumerate(first) if self.is_phone(cell)]
        try:
            if self._columns:
                return chosen(first, self._columns, phones, self._fields or ())
            found = recognised(first, phones)
            self._only_column(found, head)
            return found
        except ColumnError as error:
            raise refused(self.name, head[0].line, str(error)) from None

    def _only_column(self, found: Columns, head: Sequence[Row]) -> None:
        """Without a header, no other column may hold phones, nor the only one of several look like another number."""
        if found.header:
            return
        place = found.places[PHONE]
        for row in head:
            if any(self.is_phone(cell) for i, cell in enumerate(row.cells) if i != place):
                raise ColumnError("has no header, and several columns hold phones; choose by number: --column phone=1")
        cells = head[0].cells
        if sum(bool(cell.strip()) for cell in cells) > 1 and sum(map(str.isdigit, cells[place])) < 10:
            raise ColumnError(
                "has no header, and its numbers may be others than phones; choose by number: --column phone=1"
            )

    def _table_rows(self) -> Iterator[tuple[int, Any]]:
        table = self.table()
        head = list(islice(table.rows, _LOOKED_AT))
        if not head:
            return
        layout = self.layout(head)
        places = self._wanted(layout, head[0].line)
        single = self._fields == frozenset((PHONE,)) or (self._fields is None and list(places) == [PHONE])
        for row in chain(head[1:] if layout.header else head, table.rows):
            self._check(row, layout, table.delimiter)
            phone = phone_cell(_cell(row.cells, places[PHONE]), self.name, row.line)
            if single:
                yield row.line, phone
            else:
                further = ((f, _cell(row.cells, i)) for f, i in places.items() if f != PHONE)
                yield row.line, {PHONE: phone, **{field: cell for field, cell in further if cell}}

    def _wanted(self, layout: Columns, line: int) -> dict[str, int]:
        """The places of the fields that the mailing asks for. Raises JobError for one that is missing or misplaced."""
        places = layout.places
        if PHONE not in places:
            raise refused(self.name, line, "no column was chosen for phone: --column phone=NAME")
        if self._fields is None:
            return places
        for field in FIELDS:
            if field in self._fields and field not in places:
                reason = f"has no column called {field}, which each recipient of this mailing needs"
                raise refused(self.name, line, f'{reason}; choose one with --column "{field}=NAME"')
            misplaced = field in places and field not in self._fields
            # A column called message, say, is of no concern to a bulk mailing; one called text was meant for it.
            if misplaced and (field in self._columns or layout.names[places[field]].strip().casefold() == field):
                raise refused(self.name, line, f"has a column for {field}, but {_NOT_HERE[field]}")
        return {field: place for field, place in places.items() if field in self._fields}

    def _check(self, row: Row, layout: Columns, delimiter: str) -> None:
        """One row's text must not hold another person's row, nor be cut short by a delimiter. Raises JobError."""
        width, cells = len(layout.names), row.cells
        beyond = [cell for cell in cells[width if layout.header else 1 :] if cell.strip()]
        if layout.header and beyond:
            raise refused(
                self.name,
                row.line,
                f"has {len(cells)} cells, the header {width}; text with the delimiter must stand in quotation marks",
            )
        if (
            not layout.header
            and not self._columns
            and any(_holds_phone(c) for i, c in enumerate(cells) if i != layout.places[PHONE])
        ):
            raise refused(self.name, row.line, "holds a second phone, and there is no header to tell which is meant")
        if delimiter == "," and _CUT_NUMBER.fullmatch("\0".join(cells[layout.places[PHONE] :][:2])):
            raise refused(
                self.name, row.line, "a number such as 3,75291E+11 is divided by its comma: put it in quotation marks"
            )
        if row.lines > 1 and delimiter and _swallowed(cells, delimiter, layout.places[PHONE]):
            raise refused(
                self.name,
                row.line,
                "a quotation mark is opened here, and the lines up to the next one look like rows of their own; close "
                "it, or hand the file in as JSON lines if they are not",
            )


class _Places:
    """The line of each row: kept only where the distance to the row's number changes."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._lines = array("Q")

    def note(self, number: int, line: int) -> None:
        if not self._numbers or line - number != self._lines[-1] - self._numbers[-1]:
            self._numbers.append(number)
            self._lines.append(line)

    def line(self, number: int) -> int:
        at = bisect_right(self._numbers, number) - 1
        return number + 1 if at < 0 else self._lines[at] + number - self._numbers[at]


def read_recipients(
    path: str | Path, *, columns: Mapping[str, str | int] | None = None, encoding: str | None = None
) -> RecipientFile:
    """The rows of a file of recipients; see RecipientFile. Raises JobError for columns that are none."""
    return RecipientFile(Path(path), columns=columns, encoding=encoding)


def _checked_columns(columns: Any) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    errors: dict[str, list[str]] = {}
    if columns is not None and not isinstance(columns, Mapping):
        raise JobError({"columns": ["must be an object such as {phone: name of the column}"]})
    for field, name in (columns or {}).items():
        if field not in FIELDS:
            errors[str(field)] = [unknown_field(field, FIELDS)]
        elif isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
            errors[field] = ["must be the name of a column, or its number from 1"]
        else:
            found[field] = name
    if errors:
        raise JobError({"columns": errors})
    return found


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _holds_phone(cell: str) -> bool:
    """Whether a cell holds what looks like a phone, also beside a delimiter that another program would divide it by."""
    return any(map(is_phone_like, _DIVIDED.split(cell)))


def _swallowed(cells: Sequence[str], delimiter: str, phone: int) -> bool:
    for cell in cells:
        for line in cell.splitlines()[1:]:
            pieces = line.split(delimiter)
            if len(pieces) >= min(2, len(cells)) and phone < len(pieces) and is_phone_like(pieces[phone].strip('" ')):
                return True
    return False
