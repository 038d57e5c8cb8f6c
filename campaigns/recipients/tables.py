"""Tables as text: finds the delimiter, reads quoted cells, and numbers the line in which each row begins. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from itertools import chain, count, islice
from typing import Final, NamedTuple

from campaigns.recipients.sources import refused

DELIMITERS: Final = ";\t,|"
#: The longest cell. Real cells are shorter, and an unclosed quotation mark must not swallow the rest of the file.
CELL_LENGTH: Final = 131_072
TOO_LONG: Final = f"a cell is longer than {CELL_LENGTH:,} characters"
_LOOKED_AT: Final = 50
_SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
#: A number such as 3,75291E+11, whose comma is not a delimiter.
EXPONENT = re.compile(r"\s*[+-]?[0-9](?:[.,](?P<decimals>[0-9]*))?\s*[EeЕе]\s*\+?(?P<exponent>[0-9]{1,2})\s*")
#: Nor is the comma of 375291234567,00.
_UNDIVIDED = re.compile(r"(?<![0-9])(?:([0-9]{7,20}),0+|[0-9],[0-9]+[EeЕе]\+[0-9]{1,2})(?![0-9])")


class Row(NamedTuple):
    """One row: the line that it begins in (from 1), the number of its lines, its cells, and its number as a spreadsheet
    counts rows (from 1; a cell with line breaks is in one row, and a first line `sep=;` is none). `shared_phone` is the
    phone that a list of excluded recipients marks as that of another row too; None in a row without such a mark."""

    line: int
    lines: int
    cells: list[str]
    number: int
    shared_phone: str | None = None


class Table(NamedTuple):
    """Rows, and the delimiter between their cells ('' for a workbook)."""

    delimiter: str
    rows: Iterator[Row]


def text_table(name: str, lines: Iterator[str], speaks: Callable[[str], bool]) -> Table:
    """A table whose delimiter is a semicolon, tab, comma or bar, or the one that a first line `sep=;` declares.

    `speaks` is a predicate: whether a cell names or holds a phone. The right delimiter is the one that makes such a
    cell in the first line, or else in most of the next lines. Empty rows are skipped. Iterating raises JobError for a
    quotation mark that is not closed, for text after a closing one, and for overlong cells.
    """
    head, skipped = list(islice(lines, _LOOKED_AT)), 0
    declared = _SEP.fullmatch(head[0]) if head else None
    if declared:
        head, skipped = head[1:], 1
    delimiter = declared["delimiter"] if declared else _delimiter(head, speaks)
    return Table(delimiter, _rows(name, chain(head, lines), delimiter, skipped))


def _rows(name: str, lines: Iterator[str], delimiter: str, skipped: int) -> Iterator[Row]:
    # Strict, because otherwise an unclosed quotation mark silently swallows the rest of the file.
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    for number in count(1):
        before = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refused(name, before + skipped + 1, _reason(error, reader.line_num - before)) from None
        if any(map(str.strip, cells)):
            if max(map(len, cells)) > CELL_LENGTH:
                raise refused(name, before + skipped + 1, TOO_LONG)
            yield Row(before + skipped + 1, reader.line_num - before, cells, number)


def _reason(error: csv.Error, lines: int) -> str:
    if "limit" in str(error) and lines <= 1:
        return TOO_LONG
    if lines > 1 or "unexpected end" in str(error):
        return "a cell has an opening quotation mark and no closing one; double those that are part of a text"
    return "a cell has text after its closing quotation mark; double those that are part of a text"


def _delimiter(head: list[str], speaks: Callable[[str], bool]) -> str:
    first = next((line for line in head if line.strip()), "")
    counted = _counted(first) or _counted("".join(head))
    if not counted:
        return DELIMITERS[0]
    # `%,tel.` names a phone only if its comma is not a delimiter, so cells without any delimiter are tried first.
    for doubtful in (False, True):
        for delimiter in counted:
            if _makes_phone(first, delimiter, speaks, doubtful=doubtful):
                return delimiter
    # A single odd cell, such as one with two phones, must not decide, so the majority of lines does.
    return max(counted, key=lambda d: sum(_makes_phone(line, d, speaks, doubtful=False) for line in head))


def _makes_phone(line: str, delimiter: str, speaks: Callable[[str], bool], *, doubtful: bool) -> bool:
    cells = _UNDIVIDED.sub(r"\1", line).rstrip("\r\n").split(delimiter)
    return any(speaks(c.strip().strip('"')) for c in cells if doubtful or not any(d in c for d in DELIMITERS))


def _counted(text: str) -> list[str]:
    """The delimiters in a text, the most frequent first."""
    bare = _UNDIVIDED.sub(r"\1", _QUOTED.sub("", text))
    return sorted((d for d in DELIMITERS if d in bare), key=lambda d: -bare.count(d))
