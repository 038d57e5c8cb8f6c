"""Tables as text: delimiter, quotation marks, and the number of each row's first line. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

from campaigns.recipients.sources import refused

DELIMITERS: Final = ";\t,|"
#: No cell of a table that people write is longer, and an unclosed quotation mark must not swallow the file.
CELL_LENGTH: Final = 131_072
TOO_LONG: Final = f"a cell is longer than {CELL_LENGTH:,} characters"
_LOOKED_AT: Final = 50
_SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
#: The comma in 3,75291E+11 divides nothing.
EXPONENT = re.compile(r"\s*[+-]?[0-9](?:[.,](?P<decimals>[0-9]*))?\s*[EeЕе]\s*\+?(?P<exponent>[0-9]{1,2})\s*")
#: Nor does the one in 375291234567,00.
_UNDIVIDED = re.compile(r"(?<![0-9])(?:([0-9]{7,20}),0+|[0-9],[0-9]+[EeЕе]\+[0-9]{1,2})(?![0-9])")


class Row(NamedTuple):
    """One row: the line it begins in, counted from 1, how many lines it takes, and its cells."""

    line: int
    lines: int
    cells: list[str]


class Table(NamedTuple):
    """Rows, and what divides their cells (empty for a table that has no text form)."""

    delimiter: str
    rows: Iterator[Row]


def text_table(name: str, lines: Iterator[str], speaks: Callable[[str], bool]) -> Table:
    """A table divided by semicolon, tab, comma or bar, or by what a first line `sep=;` says.

    `speaks` tells of a cell whether it names or holds a phone; the delimiter that makes such a cell in the first
    line, or else in most of the next, is the right one. Rows without any text are passed over. Iterating raises
    JobError for quotation marks that are not closed, text after a closed one, and overlong cells.
    """
    head, skipped = list(islice(lines, _LOOKED_AT)), 0
    declared = _SEP.fullmatch(head[0]) if head else None
    if declared:
        head, skipped = head[1:], 1
    delimiter = declared["delimiter"] if declared else _delimiter(head, speaks)
    return Table(delimiter, _rows(name, chain(head, lines), delimiter, skipped))


def _rows(name: str, lines: Iterator[str], delimiter: str, skipped: int) -> Iterator[Row]:
    # Strict, since otherwise an unclosed quotation mark takes in the rest of the file without a word.
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
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
            yield Row(before + skipped + 1, reader.line_num - before, cells)


def _reason(error: csv.Error, lines: int) -> str:
    if "limit" in str(error) and lines <= 1:
        return TOO_LONG
    if lines > 1 or "unexpected end" in str(error):
        return "a quotation mark is opened and not closed in its cell; one that is part of a text is written twice"
    return "text stands after a closing quotation mark; one that is part of a text is written twice"


def _delimiter(head: list[str], speaks: Callable[[str], bool]) -> str:
    first = next((line for line in head if line.strip()), "")
    counted = _counted(first) or _counted("".join(head))
    if not counted:
        return DELIMITERS[0]
    # `%,tel.` names a phone only if the comma divides nothing, so cells without such a doubt come first.
    for doubtful in (False, True):
        for delimiter in counted:
            if _makes_phone(first, delimiter, speaks, doubtful=doubtful):
                return delimiter
    # Whatever stands in a single cell, such as two phones, must not decide: most lines do.
    return max(counted, key=lambda d: sum(_makes_phone(line, d, speaks, doubtful=False) for line in head))


def _makes_phone(line: str, delimiter: str, speaks: Callable[[str], bool], *, doubtful: bool) -> bool:
    cells = _UNDIVIDED.sub(r"\1", line).rstrip("\r\n").split(delimiter)
    return any(speaks(c.strip().strip('"')) for c in cells if doubtful or not any(d in c for d in DELIMITERS))


def _counted(text: str) -> list[str]:
    """The delimiters in a text, the most frequent first."""
    bare = _UNDIVIDED.sub(r"\1", _QUOTED.sub("", text))
    return sorted((d for d in DELIMITERS if d in bare), key=lambda d: -bare.count(d))
