"""A row per message, as CSV or as JSON lines. Pure, and one row at a time.

Facts about spreadsheets: Excel splits a .csv file by the list separator of its computer's region, which is a comma or a
semicolon, whatever the file was written with. A quoted cell is then cut in pieces, and a piece that begins with `=` is
a formula. Without a byte order mark Excel takes the file for the region's 8-bit encoding, and it shows twelve digits as
3,75298E+11 unless they are the text that a formula returns. Where the list separator is a semicolon, decimals have a
comma: 9.8 would become the 9th of August. A time with an offset stays text; one without is understood everywhere.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from campaigns.reports.language import ENGLISH, Language
from campaigns.results import Delivery
from campaigns.text.harmless import harmless_lines, json_line
from campaigns.text.spreadsheets import digits_as_text, protected

COLUMNS: Final = ("phone", "mailing", "state", "status", "time", "error_code", "replies")
#: Where a spreadsheet would read a formula: at the beginning of a cell, of a line, or of a piece that another list
#: separator than ours cuts off. The full-width forms count, because a Japanese or Chinese Excel reads them as the
#: plain ones.
_FORMULA: Final = {
    ours: re.compile(rf"""(\A|[{theirs}\t\r\n])(?=[\s"]*[=+\-@＝＋－＠])""")
    for ours, theirs in ((",", ";"), (";", ","))
}
_LOCAL: Final = re.compile(r"\A([0-9-]{10})T([0-9:]{8})[+-][0-9:]+\Z")
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Row:
    """One message: `state` is that of its request, `status` the gateway's word at `time` (ISO 8601 with offset),
    both empty while it has none; `replies` is the number of replies."""

    phone: str
    mailing: str
    state: str
    status: str
    time: str
    error_code: int
    replies: int

    def values(self) -> tuple[str | int, ...]:
        """In the order of COLUMNS."""
        return self.phone, self.mailing, self.state, self.status, self.time, self.error_code, self.replies


def rows_of(deliveries: Iterable[Delivery], answers: Mapping[tuple[str, str, str], int], zone: tzinfo) -> Iterator[Row]:
    """Rows for deliveries. `answers`: replies by batch, mailing and phone; times are in `zone`."""
    for delivery in deliveries:
        yield Row(
            phone=delivery.phone,
            mailing=delivery.mailing,
            state=delivery.state,
            status=delivery.status,
            time=_time(delivery.at_ms, zone),
            error_code=delivery.error_code,
            replies=answers.get((delivery.batch_id, delivery.mailing, delivery.phone), 0) if answers else 0,
        )


def csv_lines(rows: Iterable[Row], language: Language = ENGLISH) -> Iterator[str]:
    """CSV with a header (RFC 4180). A cell that a spreadsheet would read as a formula gets an apostrophe in front."""
    return _lines(rows, CsvLines(), [language.column(name) for name in COLUMNS])


def excel_lines(rows: Iterable[Row], zone: tzinfo, language: Language = ENGLISH) -> Iterator[str]:
    """`csv_lines` for an Excel whose list separator is a semicolon, with a byte order mark, phones as text, and times
    as it reads them; their `zone` is in the header."""
    head = [f"{language.column(name)} ({zone})" if name == "time" else language.column(name) for name in COLUMNS]
    return _lines(rows, CsvLines(excel=True), head)


def _lines(rows: Iterable[Row], lines: CsvLines, head: Iterable[str]) -> Iterator[str]:
    yield lines.head(head)
    for row in rows:
        yield lines.line(replace(row, time=lines.time(row.time)).values())


class CsvLines:
    """Lines of CSV whose first column holds phones; `excel` as in `excel_lines`. With `exact`, every cell is quoted."""

    def __init__(self, *, excel: bool = False, exact: bool = False) -> None:
        self._excel = excel
        self._separator = ";" if excel else ","
        # `writerow` returns what the file's `write` returns.
        self._writer = csv.writer(
            _Line(),
            delimiter=self._separator,
            lineterminator="\r\n",
            # A cell that begins with a space keeps it only between quotation marks.
            quoting=csv.QUOTE_ALL if exact else csv.QUOTE_MINIMAL,
        )

    @property
    def mark(self) -> str:
        """What stands before the first line."""
        return _BYTE_ORDER_MARK if self._excel else ""

    def head(self, columns: Iterable[str]) -> str:
        """The first line."""
        return self.mark + self._written(columns)

    def line(self, values: Iterable[str | int]) -> str:
        """A row."""
        first, *others = (_harmless(value, self._separator) for value in values)
        return self._written([_as_text(str(first)) if self._excel else str(first), *others])

    def time(self, iso: str) -> str:
        """A cell for a time that is given as ISO 8601 with its offset."""
        return _LOCAL.sub(r"\1 \2", iso) if self._excel else iso

    def decimal(self, number: str) -> str:
        """A cell for a number with a decimal point."""
        return number.replace(".", ",") if self._excel else number

    def exact(self, cells: Iterable[str]) -> str:
        """A row or header of a list that is read as `campaigns.recipients.returned` describes."""
        return self._written([digits_as_text(cell) if self._excel else cell for cell in map(protected, cells)])

    def _written(self, cells: Iterable[str | int]) -> str:
        line: str = self._writer.writerow(cells)
        return line


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One JSON object a line, with the names of COLUMNS."""
    for row in rows:
        yield json_line(dict(zip(COLUMNS, row.values(), strict=True))) + "\n"


class _Line:
    """A file for `csv.writer` that keeps nothing."""

    def write(self, text: str) -> str:
        return text


def _harmless(value: str | int, separator: str) -> str | int:
    return _FORMULA[separator].sub(r"\1'", harmless_lines(value)) if isinstance(value, str) else value


def _as_text(phone: str) -> str:
    """A formula that returns the digits as text. `campaigns send --recipients` reads such a cell as the phone."""
    return f'="{phone}"' if phone.isascii() and phone.isdecimal() else phone


def _time(at_ms: int | None, zone: tzinfo) -> str:
    if at_ms is None:
        return ""
    try:
        return datetime.fromtimestamp(at_ms / 1000, tz=zone).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""
