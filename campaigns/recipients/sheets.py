"""Tables in .xlsx workbooks, with the extra `xlsx`: one row at a time, whatever the size."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from io import SEEK_END
from itertools import islice
from typing import IO, Any, Final

from campaigns.recipients.sources import Source, refused
from campaigns.recipients.tables import CELL_LENGTH, TOO_LONG, Row

_SHEET = re.compile(r"worksheets/[^/]*\.xml$", re.IGNORECASE)
_ROW_NUMBER = re.compile(rb"""<(?:\w+:)?row\s(?:[^<>]*\s)?r=["']([0-9]{1,18})["']""")
_CHUNK: Final = 1 << 18
_AT_ONCE: Final = 1000
_ROWS: Final = 1_048_576
#: What reading a damaged or crafted workbook ends in.
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, LookupError, ValueError, ArithmeticError, OSError, TypeError, AttributeError,
    SyntaxError, EOFError, RuntimeError,
)  # fmt: skip
#: A workbook of a million phones with their texts takes a tenth of this when it is unpacked.
_UNPACKED: Final = 2 << 30
#: Workbooks of people shrink to a tenth or a fiftieth. What shrinks more, beyond the first megabytes, is crafted:
#: openpyxl takes three seconds for each megabyte of formats.
_RATIO: Final = 200
_SMALL: Final = 4 << 20
#: Thirty columns of a million people. A row with a cell in the last column counts as 16,384.
_CELLS: Final = 30_000_000


def sheet_table(source: Source, most_cells: int = _CELLS) -> Iterator[Row]:
    """The rows of the only visible sheet that has any, each with its number in the sheet.

    Formulas count by the value that was last saved. Rows that a filter hides are read like all others. Raises
    JobError if it is no workbook, if several sheets have rows, if there are more than `most_cells`, or if the extra
    `xlsx` is missing.
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
                raise refused(name, None, "numbers its rows out of order, so some would be missed: it is damaged")
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
    """Whether each row has a higher number than the one before: openpyxl passes over any other without a word."""
    last, rest = 0, b""
    with archive.open(sheet) as file:
        while chunk := file.read(_CHUNK):
            rest += chunk
            for number in map(int, _ROW_NUMBER.findall(rest)):
                if number <= last:
                    return False
                last = number
            cut = rest[max(rest.rfind(b"<"), 0) :]
            rest = cut if b">" not in cut and len(cut) < _CHUNK else b""
    return True


def _rows(name: str, sheet: Any, most_cells: int) -> Iterator[Row]:
    # The size that a workbook states for its sheet is often wrong, and rows beyond it would be missed.
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
                yield Row(number, 1, cells)
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
