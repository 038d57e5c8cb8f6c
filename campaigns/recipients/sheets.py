"""Tables in .xlsx workbooks, with the extra `xlsx`: one row at a time, whatever the size."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any, Final

from campaigns.recipients.sources import Source, refused
from campaigns.recipients.tables import Row

_AT_ONCE: Final = 1000
_ROWS: Final = 1_048_576
#: What reading a damaged or crafted workbook ends in.
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, LookupError, ValueError, ArithmeticError, OSError, TypeError, AttributeError,
    SyntaxError, EOFError, RuntimeError,
)  # fmt: skip
#: A workbook of a million phones with their texts takes a tenth of this when it is unpacked.
_UNPACKED: Final = 2 << 30


def sheet_table(source: Source) -> Iterator[Row]:
    """The rows of the only visible sheet that has any, each with its number in the sheet.

    Formulas count by the value that was last saved. Rows that a filter hides are read like all others. Raises
    JobError if it is no workbook, if several sheets have rows, or if the extra `xlsx` is missing.
    """
    with source.opened() as file:
        book = _opened(source.name, file)
        try:
            sheets = [s for s in book.worksheets if s.sheet_state == "visible"]
            filled = [s for s in sheets if next(_rows(source.name, s), None) is not None]
            if len(filled) > 1:
                listed = ", ".join(repr(str(s.title)[:40]) for s in filled)
                raise refused(source.name, None, f"has several sheets with rows ({listed}): keep only the one you mean")
            for sheet in filled:
                yield from _rows(source.name, sheet)
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
            if sum(entry.file_size for entry in archive.infolist()) > _UNPACKED:
                raise refused(name, None, "is too large when it is unpacked: save it as CSV")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_workbook(file, read_only=True, data_only=True)
    except _DAMAGED:
        raise refused(name, None, "is no .xlsx workbook, or a damaged one: save it as .xlsx or as CSV") from None


def _rows(name: str, sheet: Any) -> Iterator[Row]:
    # The size that a workbook states for its sheet is often wrong, and rows beyond it would be missed.
    sheet.reset_dimensions()
    rows, before = sheet.iter_rows(values_only=True), 0
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
        for number, values in enumerate(chunk, start=before + 1):
            cells = [_text(value) for value in values]
            if any(map(str.strip, cells)):
                yield Row(number, 1, cells)
        before += len(chunk)


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**20:
        return str(int(value))
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return str(value)
