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
_LOOKED_AT: Final = 50
_SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
#: The comma in 3,75291E+11 divides nothing.
EXPONENT = re.compile(r"\s*[+-]?[0-9](?:[.,](?P<decimals>[0-9]*))?\s*[EeЕе]\s*\+?(?P<exponent>[0-9]{1,2})\s*")
_EXPONENT_INSIDE = re.compile(r"[0-9],[0-9]+[EeЕе]\+[0-9]{1,2}")


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

    `speaks` tells of a cell of the first line whether it names or holds a phone; the delimiter that makes such a
    cell is the right one. Rows without any text are passed over. Iterating raises JobError for quotation marks
    that are not closed, text after a closed one, and overlong cells.
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
                raise refused(name, before + skipped + 1, _too_long())
            yield Row(before + skipped + 1, reader.line_num - before, cells)


def _reason(error: csv.Error, lines: int) -> str:
    if "limit" in str(error) and lines <= 1:
        return _too_long()
    if lines > 1 or "unexpected end" in str(error):
        return "a quotation mark is opened and not closed in its cell; one that is part of a text is written twice"
    return "text stands after a closing quotation mark; one that is part of a text is written twice"


def _too_long() -> str:
    return f"a cell is longer than {CELL_LENGTH:,} characters"


def _delimiter(head: list[str], speaks: Callable[[str], bool]) -> str:
    first = next((line for line in head if line.strip()), "")
    counted = _counted(first) or _counted("".join(head))
    if not counted:
        return DELIMITERS[0]
    for delimiter in counted:
        if any(speaks(cell.strip().strip('"')) for cell in first.split(delimiter)):
            return delimiter
    return counted[0]


def _counted(text: str) -> list[str]:
    """The delimiters in a text, the most frequent first."""
    bare = _EXPONENT_INSIDE.sub("", _QUOTED.sub("", text))
    return sorted((d for d in DELIMITERS if d in bare), key=lambda d: -bare.count(d))
