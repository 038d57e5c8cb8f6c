r"""Cells of tables that a spreadsheet must show as they are, and that are read back as they were. Pure.

A spreadsheet runs a cell as a formula, at the beginning of the cell, of a line, or of a piece that another list
separator cuts off. An apostrophe in front prevents that. Characters that would act in a terminal are written as
`\x1b`, and a backslash is doubled, so that `unprotected` is the exact inverse of `protected`.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.text.harmless import harmless_lines

_BEGINNING: Final = r"(\A|[,;\t\r\n])"
_FORMULA: Final = re.compile(rf"""{_BEGINNING}(?=[\s"']*[=+\-@＝＋－＠])""")
_PROTECTED: Final = re.compile(rf"""{_BEGINNING}'(?=[\s"']*[=+\-@＝＋－＠])""")
_ESCAPED: Final = re.compile(r"\\(?:(\\)|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_TEXT_OF_DIGITS: Final = re.compile(r'="([0-9]+)"')
#: From this number of digits on, Excel shows a number as 3,75298E+11.
_LONG_NUMBER: Final = 12


def protected(cell: str) -> str:
    """The cell in a form in which no spreadsheet and no terminal acts on it."""
    return _FORMULA.sub(r"\1'", harmless_lines(cell.replace("\\", "\\\\")))


def unprotected(cell: str) -> str:
    """What `protected` or `digits_as_text` was given; a cell that needs neither is returned unchanged."""
    if digits := _TEXT_OF_DIGITS.fullmatch(cell):
        return digits[1]
    return _ESCAPED.sub(_character, _PROTECTED.sub(r"\1", cell))


def digits_as_text(cell: str) -> str:
    """A formula that returns the cell's digits as text, if Excel would change or drop some of them; else the cell."""
    if not (cell.isascii() and cell.isdecimal()):
        return cell
    return f'="{cell}"' if len(cell) >= _LONG_NUMBER or (cell[0] == "0" and len(cell) > 1) else cell


def _character(match: re.Match[str]) -> str:
    code = match[2] or match[3] or match[4]
    return chr(int(code, 16)) if code and int(code, 16) <= 0x10FFFF else match[1] or match[0]
