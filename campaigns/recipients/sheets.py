"""Tables in .xlsx workbooks, which need the extra `xlsx`. They are read one row at a time, in bounded memory."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import cache
from io import SEEK_END
from itertools import islice
from typing import IO, Any, Final

from campaigns.recipients.sources import Source, refused
from campaigns.recipients.tables import CELL_LENGTH, TOO_LONG, Row

_SHEET = re.compile(r"worksheets/[^/]*\.xml$", re.IGNORECASE)
#: The opening tag of a row or a cell: its name and, if it states its place, the letters and digits of the place.
_PLACE = re.compile(rb"""<(?:\w+:)?(row|c)(?=[\s/>])(?:[^<>]*?\sr=["']([A-Za-z]{0,3})([0-9]{0,18})[^"'<]*["'])?""")
_CHUNK: Final = 1 << 18
#: No honest tag or cell is longer; longer ones are not searched in one piece.
_LONGEST: Final = 4 * _CHUNK
_OUT_OF_ORDER: Final = "numbers its rows or cells out of order, so some would be missed: it is damaged"
_AT_ONCE: Final = 1000
_ROWS: Final = 1_048_576
#: The exceptions that reading a damaged or crafted workbook raises.
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, LookupError, ValueError, ArithmeticError, OSError, TypeError, AttributeError,
    SyntaxError, EOFError, RuntimeError,
)  # fmt: skip
#: The most unpacked bytes. A workbook of a million phones with their texts has a tenth of that.
_UNPACKED: Final = 2 << 30
#: Real workbooks compress to between a tenth and a fiftieth. A larger one that compresses further is crafted, and
#: openpyxl takes three seconds for each megabyte of formats.
_RATIO: Final = 200
_SMALL: Final = 4 << 20
#: Enough for a million rows of thirty columns. A row with a cell in the last column counts as 16,384 cells.
_CELLS: Final = 30_000_000


def sheet_table(source: Source, most_cells: int = _CELLS) -> Iterator[Row]:
    """The rows of the one visible sheet that has rows, each with its number in the sheet.

    A formula counts as the value that was last saved. Rows hidden by a filter are read too. Raises JobError if the
    file is not a workbook, if several sheets have rows, if it has more than `most_cells` cells, or if the extra `xlsx`
    is missing.
    """
    with source.opened() as file:
        book = _opened(source.name, file)
        try:
            sheets = [s for s in book.worksheets if s.sheet_state == "visible"]
            filled = [s for s in sheets if next(_rows(source.name, s, most_cells), None) is not None]
            if len(filled) > 1:
                listed = ", ".join(repr(str(s.title)[:40]) for s in filled)
                raise refused(source.name, None, f"has several sheets with rows ({listed}): keep only the one you mean")
            for sheet in filled:
                yield from _rows(source.name, sheet, most_cells)
        finally:
            book.close()


def _opened(name: str, file: IO[bytes]) -> Any:
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 (an extra)
    except ImportError:
        reason = "reading .xlsx needs the extra xlsx (pip install 'viber-campaigns[xlsx]'); or save it as CSV"
        raise refused(name, None, reason) from None
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > _UNPACKED or unpacked > max(_SMALL, _RATIO * _size_of(file)):
                raise refused(name, None, f"would take {unpacked >> 20:,} MB when it is unpacked: save it as CSV")
            if not all(_is_in_order(archive, entry) for entry in archive.namelist() if _SHEET.search(entry)):
                raise refused(name, None, _OUT_OF_ORDER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except _DAMAGED:
        raise refused(name, None, "is no .xlsx workbook, or a damaged one: save it as .xlsx or as CSV") from None


def _size_of(file: IO[bytes]) -> int:
    at = file.tell()
    size = file.seek(0, SEEK_END)
    file.seek(at)
    return size


def _is_in_order(archive: zipfile.ZipFile, sheet: str) -> bool:
    """Whether all rows, and all cells within a row, are in ascending order; if not, openpyxl silently skips some.

    It skips rows that come after a higher one and, in a row, all cells to the right of the last one.
    """
    row = column = 0
    with archive.open(sheet) as file:
        for piece in _pieces(file):
            for name, letters, digits in _PLACE.findall(piece):
                before = row if name == b"row" else column
                place = int(digits or before + 1) if name == b"row" else _column(letters) or column + 1
                if place <= before:
                    return False
                row, column = (place, 0) if name == b"row" else (row, place)
    return True


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The contents of an XML file, in pieces that end before a tag, so that no tag is divided between two."""
    rest = b""
    while chunk := file.read(_CHUNK):
        rest += chunk
        end = rest.rfind(b"<")
        if end > 0 or len(rest) > _LONGEST:
            end = end if end > 0 else len(rest)
            yield rest[:end]
            rest = rest[end:]
    yield rest


@cache
def _column(letters: bytes) -> int:
    """The number of a column (from 1) from its up to three letters; 0 for no letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _rows(name: str, sheet: Any, most_cells: int) -> Iterator[Row]:
    # The size that a workbook states for a sheet is often wrong, and rows beyond it would be skipped.
    sheet.reset_dimensions()
    rows, before, cells_read = sheet.iter_rows(values_only=True), 0, 0
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                chunk = list(islice(rows, _AT_ONCE))
        except _DAMAGED:
            raise refused(name, before + 1, "or a line soon after it cannot be read: the workbook is damaged") from None
        if not chunk:
            return
        if before >= _ROWS:
            raise refused(name, before, "is beyond the last row that a sheet can have: the workbook is damaged")
        cells_read += sum(map(len, chunk))
        if cells_read > most_cells:
            raise refused(name, None, f"has more than {most_cells:,} cells: keep only the columns that you need")
        for number, values in enumerate(chunk, start=before + 1):
            cells = [_text(value) if value is not None else "" for value in values]
            if any(map(str.strip, cells)):
                if len(max(cells, key=len)) > CELL_LENGTH:
                    raise refused(name, number, TOO_LONG)
                yield Row(number, 1, cells, number)
        before += len(chunk)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**20:
        return str(int(value))
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return str(value)
