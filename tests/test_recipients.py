"""Phones and files of recipients."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import JobError
from campaigns.recipients import normalise_phone, read_recipients


@pytest.mark.parametrize(
    "raw",
    [
        "375291234567",
        "+375291234567",
        "+375 (29) 123-45-67",
        "00375 29 123 45 67",
        "375 29 1234567",
        "80291234567",
        "8 029 123-45-67",
        "(029) 123 45 67",
        " 375291234567\n",
        "+375\u00a029\u00a0123\u00a045\u00a067",
        "\u0663\u0667\u0665\u0662\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        375291234567,
    ],
)
def test_usual_spellings(raw: object) -> None:
    assert normalise_phone(raw, "BY") == "375291234567"


@pytest.mark.parametrize(
    ("raw", "phone"),
    [("+7 916 123-45-67", "79161234567"), ("48501234567", "48501234567"), ("+1 650-253-0000", "16502530000")],
)
def test_other_countries(raw: str, phone: str) -> None:
    assert normalise_phone(raw, "BY") == phone


@pytest.mark.parametrize(
    "raw", ["", "x", "12", "37529123456", "+375291234567 ext. 5", "375001234567", None, True, 3.5, [], "1" * 60]
)
def test_no_phones(raw: object) -> None:
    assert normalise_phone(raw, "BY") is None


@given(st.text())
def test_never_raises_and_is_stable(raw: str) -> None:
    phone = normalise_phone(raw, "BY")
    if phone is not None:
        assert phone.isascii()
        assert phone.isdigit()
        assert normalise_phone("+" + phone, "BY") == phone


class TestFiles:
    """CSV and JSON lines."""

    def rows(self, folder: Path, name: str, text: str) -> list[object]:
        path = folder / name
        path.write_text(text, "utf-8")
        return list(read_recipients(path))

    def test_without_a_header(self, tmp_path: Path) -> None:
        assert self.rows(tmp_path, "a.csv", "375291234567\n375291234568,x\n\n") == ["375291234567", "375291234568"]

    @pytest.mark.parametrize("divider", [",", ";", "\t"])
    def test_with_a_header(self, tmp_path: Path, divider: str) -> None:
        text = f"\ufeffname{divider}Phone{divider}text\nA{divider}375291234567{divider}hi\nB{divider}375291234568{divider}\n"
        assert self.rows(tmp_path, "a.csv", text) == [
            {"phone": "375291234567", "text": "hi"},
            {"phone": "375291234568"},
        ]

    def test_json_lines(self, tmp_path: Path) -> None:
        text = '"375291234567"\n\n{"phone": "375291234568", "text": "x"}\n'
        assert self.rows(tmp_path, "a.jsonl", text) == ["375291234567", {"phone": "375291234568", "text": "x"}]

    def test_empty(self, tmp_path: Path) -> None:
        assert self.rows(tmp_path, "a.csv", "") == []

    def test_errors_name_file_and_line(self, tmp_path: Path) -> None:
        with pytest.raises(JobError, match=r"a\.jsonl, line 2: is not JSON"):
            self.rows(tmp_path, "a.jsonl", '"1"\nnope\n')
        with pytest.raises(JobError, match=r"a\.csv, line 1: has no column named phone"):
            self.rows(tmp_path, "a.csv", "name,city\nA,B\n")
        with pytest.raises(JobError, match=r"missing\.csv: No such file"):
            list(read_recipients(tmp_path / "missing.csv"))
        (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(JobError, match=r"b\.csv: is not UTF-8"):
            list(read_recipients(tmp_path / "b.csv"))
