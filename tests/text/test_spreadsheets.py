"""Cells that come back as they were, and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.text.harmless import harmless_lines
from campaigns.text.spreadsheets import digits_as_text, protected, unprotected

PIECES = st.sampled_from(["=", "+", "-", "@", "＝", "'", '"', " ", ",", ";", "\t", "\n", "\r\n", "\\", "x1b", "\x1b",
                          "\u202e", "\\u202e", "\\U0010ffff", "\\U99999999", "a", "7", "ы", "\U0001f600"])  # fmt: skip


@given(st.one_of(st.lists(PIECES).map("".join), st.text()))
@example("'=1")
@example("''=1")
@example("\n\n=1")
def test_cells_come_back(cell: str) -> None:
    safe = protected(cell)
    assert harmless_lines(safe) == safe
    assert unprotected(safe) == cell.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")


@given(st.lists(PIECES).map("".join), st.sampled_from(",;\t"))
def test_no_piece_is_a_formula(cell: str, separator: str) -> None:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow([protected(cell)])
    pieces = [
        piece for row in csv.reader(io.StringIO(line.getvalue(), newline=""), delimiter=separator) for piece in row
    ]
    assert [p for p in pieces if p.strip(' \t\r\n"')[:1] in set("=+-@＝＋－＠") and p.strip(' \t\r\n"')] == []


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("375291234567", '="375291234567"'),
        ("0123", '="0123"'),
        ("0", "0"),
        ("12", "12"),
        ("", ""),
        ("٣٧٥٢٩١٢٣٤٥٦٧", "٣٧٥٢٩١٢٣٤٥٦٧"),
        ("37529123456.", "37529123456."),
    ],
)
def test_digits_that_excel_would_change(cell: str, written: str) -> None:
    assert digits_as_text(cell) == written
    assert unprotected(written) == cell
