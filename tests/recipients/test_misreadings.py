"""What a spreadsheet does to phones is undone where no digit is lost, and named where one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.recipients import lost_digits, mobile_phone
from tests.recipients.reading import A, B, C, read, refusal


@pytest.mark.parametrize("cell", ["3,75291E+11", "3.75291E+11", "3.75E11", "3,75291Е+11", "########"], ids=str)
@pytest.mark.parametrize("head", ["", "phone;name\n"])
def test_lost_digits(tmp_path: Path, cell: str, head: str) -> None:
    """One damaged phone hides no other; it is no phone, and its exclusion gives the reason."""
    rows = f"{head}{A};x\n{cell};y\n" if head else f"{A}\n{cell}\n"
    assert read(tmp_path, rows, fields={"phone"}) == [A, cell]
    assert mobile_phone(cell, "BY") is None
    assert "Excel" in str(lost_digits(cell))


def test_all_digits_lost(tmp_path: Path) -> None:
    """A file without a single phone that can be known is refused."""
    assert "line 1: Excel" in refusal(tmp_path, "3,75291E+11\n3,75291E+11\n")
    assert "line 2: Excel" in refusal(tmp_path, "phone;name\n########;y\n")


def test_a_number_that_the_delimiter_cuts(tmp_path: Path) -> None:
    assert "line 3: a number such as 3,75291E+11 is divided" in refusal(tmp_path, f"{A}\n{B},x,y\n3,75291234567E+11\n")
    assert read(tmp_path, 'name,phone\nx,"3,75291234567E+11"\n') == [A]


def test_nothing_lost(tmp_path: Path) -> None:
    text = f'phone\n="{A}"\n3.75291234568E+11\n"=""{C}"""\n'
    assert read(tmp_path, text) == [A, B, C]


def test_decimals_are_no_digits_of_the_phone(tmp_path: Path) -> None:
    assert read(tmp_path, f"phone\n{A}.0\n") == [f"{A}.0"]
