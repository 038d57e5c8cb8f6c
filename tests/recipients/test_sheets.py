"""Workbooks: the rows of the one sheet that has any."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from campaigns.errors import JobError
from campaigns.recipients import read_recipients
from campaigns.recipients.sheets import sheet_table
from campaigns.recipients.sources import Source

A, B = "375291234567", "375291234568"


def saved(folder: Path, rows: list[list[object]], name: str = "people.xlsx") -> Path:
    book = Workbook()
    book.create_sheet("notes")
    hidden = book.create_sheet("old")
    hidden.append(["phone"])
    hidden.sheet_state = "hidden"
    for row in rows:
        book.worksheets[0].append(row)
    book.save(folder / name)
    return folder / name


def rewritten(path: Path, pattern: str, replacement: str) -> None:
    """The first sheet's XML changed, as other programs write it."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    changed = re.sub(pattern, replacement, parts[sheet].decode())
    assert changed != parts[sheet].decode()
    parts[sheet] = changed.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in parts.items():
            archive.writestr(entry, content)


def refusal(path: Path) -> str:
    with pytest.raises(JobError) as caught:
        list(read_recipients(path))
    return caught.value.lines[0].removeprefix("recipients: ")


def test_rows(tmp_path: Path) -> None:
    """Numbers are whole numbers, and the extension does not matter."""
    path = saved(tmp_path, [["УНП", "Телефон"], [291234567, int(A)], [], [291234568, float(B)], [1, f"+{A}"]], "a.csv")
    rows = read_recipients(path)
    assert list(rows) == [A, B, f"+{A}"]
    assert rows.place(1) == "a.csv, line 4"


def test_a_choice_of_columns(tmp_path: Path) -> None:
    path = saved(tmp_path, [["УНП", "Телефон 1", "Текст"], [291234567, int(A), "hi\nthere"]])
    assert "no column is called phone" in refusal(path)
    assert list(read_recipients(path, columns={"phone": "Телефон 1", "text": 3})) == [{"phone": A, "text": "hi\nthere"}]


def test_a_wrong_size_hides_no_rows(tmp_path: Path) -> None:
    path = saved(tmp_path, [["phone"], [A], [B]])
    rewritten(path, '<dimension ref="[^"]*"', '<dimension ref="A1"')
    assert list(read_recipients(path)) == [A, B]


def test_formulas_count_by_their_last_value(tmp_path: Path) -> None:
    path = saved(tmp_path, [["phone"], [A], ["=A2"]])
    rewritten(path, "<f>A2</f><v ?/>", f"<f>A2</f><v>{B}</v>")
    assert list(read_recipients(path)) == [A, B]


def test_several_sheets_are_no_guess(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].append(["phone"])
    book.create_sheet("more").append(["phone"])
    book.save(tmp_path / "a.xlsx")
    assert refusal(tmp_path / "a.xlsx").startswith("a.xlsx: has several sheets with rows ('Sheet', 'more')")


def test_damaged_workbooks(tmp_path: Path) -> None:
    path = saved(tmp_path, [["phone"], [A]])
    whole = path.read_bytes()
    for cut in range(4, len(whole), 97):
        path.write_bytes(whole[:cut])
        assert refusal(path).startswith("people.xlsx")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", "<a/>")
    assert "is no .xlsx workbook" in refusal(path)


def test_a_row_beyond_every_sheet(tmp_path: Path) -> None:
    path = saved(tmp_path, [["phone"], [A]])
    rewritten(path, '<row r="2"', '<row r="99999999999"')
    assert "beyond the last row" in refusal(path)


@pytest.mark.parametrize("numbers", ["2, 2", "3, 2"])
def test_rows_that_openpyxl_would_pass_over(tmp_path: Path, numbers: str) -> None:
    path = saved(tmp_path, [["phone"], [A], [B]])
    first, second = numbers.split(", ")
    rewritten(path, '<row r="2"', f'<row spans="1:1" r="{first}"')
    rewritten(path, '<row r="3"', f'<row r="{second}"')
    assert "numbers its rows or cells out of order" in refusal(path)


def test_rows_as_excel_writes_them_however_many(tmp_path: Path) -> None:
    """The number of a row stands before its other attributes, and a file is read in pieces that end anywhere."""
    path = saved(tmp_path, [["phone"], *([int(A) + number] for number in range(6000))])
    rewritten(
        path, r'<row r="(\d+)"', r'<row r="\1" spans="1:1" ht="15.75" customHeight="1" thickBot="1" collapsed="0"'
    )
    assert len(list(read_recipients(path))) == 6000


@pytest.mark.parametrize(
    "row",
    [
        '<c r="B2" t="str"><v>Anna</v></c><c r="A2"><v>1</v></c>',
        '<c r="B2"><v>1</v></c><c r="B2"><v>2</v></c>',
        '<c r="AA2"><v>1</v></c><c r="Z2"><v>2</v></c>',
        "<c r='B2'><v>1</v></c><c/><c r='c2'><v>2</v></c>",
    ],
    ids=["backwards", "twice", "of two letters", "between them one without a place"],
)
def test_cells_that_openpyxl_would_pass_over(tmp_path: Path, row: str) -> None:
    """Where a row ends with another cell than its last, openpyxl drops all to the right of it."""
    path = saved(tmp_path, [["phone", "text"], [A, "Anna"]])
    rewritten(path, '(<row r="2"[^>]*>).*?</row>', rf"\1{row}</row>")
    assert "out of order" in refusal(path)


def test_rows_and_cells_without_a_place(tmp_path: Path) -> None:
    """They follow each other, as the format says; one that is numbered must be behind them."""
    path = saved(tmp_path, [["phone"], [A], [B]])
    rewritten(path, ' r="[A-Z]?[0-9]+"', "")
    assert list(read_recipients(path)) == [A, B]
    rewritten(path, "(.*)<row>", r'\1<row r="2">')
    assert "out of order" in refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<c/>" * 1_500_000, "would take 5 MB when it is unpacked"),
        (f'<c t="inlineStr"><is><t>{"7" * 200_000}</t></is></c>', "line 1: a cell is longer than"),
    ],
    ids=["repeated", "long"],
)
def test_crafted_workbooks_take_no_time(tmp_path: Path, content: str, reason: str) -> None:
    path = saved(tmp_path, [["phone"], [A]])
    rewritten(path, "<sheetData>.*</sheetData>", f'<sheetData><row r="1">{content}</row></sheetData>')
    assert reason in refusal(path)


def test_cells_far_to_the_right_are_bounded(tmp_path: Path) -> None:
    path = saved(tmp_path, [["phone"], [A]])
    rewritten(path, '<row r="2".*</row>', f'<row r="2"><c r="A2"><v>{A}</v></c><c r="XFD2"/></row>')
    assert len(list(sheet_table(Source(path), most_cells=17_000))) == 2
    with pytest.raises(JobError, match="has more than 16,000 cells"):
        list(sheet_table(Source(path), most_cells=16_000))


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "needs the extra xlsx" in refusal(saved(tmp_path, [["phone"]]))
