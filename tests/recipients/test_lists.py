"""Lists of phones, such as opt-outs: every phone of every line, or the line is named."""

from __future__ import annotations

import io

import pytest

from campaigns.errors import JobError
from campaigns.recipients import RecipientFile, listed_phones

A, B, C = "375291234567", "375291234568", "375291234569"


def found(text: str | bytes, **options: object) -> list[tuple[int, list[str], str | None]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [tuple(line[:3]) for line in listed_phones(RecipientFile(io.BytesIO(data), **options), "BY")]  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    "text",
    [
        f"{A}, {B}\n",
        f"{A};{B}\n",
        f"{A} {B}",
        f"phone\n{A}, {B}\n",
        f"phone;name\n{A}, {B};x\n",
        f"{A}, {B};x\n",
        f"id;phone number;phone\n1;{A};{B}\n",
        f'phone;name\n"{A}\n{B}";x\n',
    ],
)
def test_several_phones_in_a_line(text: str) -> None:
    assert [phones for _, phones, problem in found(text)] == [[A, B]]
    assert [problem for *_, problem in found(text)] == [None]


def test_the_header_is_understood_as_in_files_of_recipients() -> None:
    text = f"id;phone number\n291234567;{A}\n291234568;{B}\n"
    assert found(text) == [(2, [A], None), (3, [B], None)]
    assert found(text.encode("utf-16")) == found(text)
    with pytest.raises(JobError, match="no column is called phone"):
        found(f"УНП;Клиент\n291234567;{A}\n")
    assert found(f"УНП;Клиент\n291234567;{A}\n", columns={"phone": "Клиент"}) == [(2, [A], None)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(end: str) -> None:
    assert found(end.join([A, B, "", C, ""])) == [(1, [A], None), (2, [B], None), (4, [C], None)]


def test_what_is_no_phone_is_named_and_its_neighbours_count() -> None:
    text = f"{A}\nnobody\n{B}, 37529123456\n12;{C};12.05.2025\n8 017 200-00-00\n"
    assert found(text) == [
        (1, [A], None),
        (2, [], "is not a phone number"),
        (3, [B], "is not a phone number"),
        (4, [C], None),
        (5, ["375172000000"], None),
    ]


def test_what_excel_has_shortened_is_named() -> None:
    (first, second) = found(f"phone;x\n3,75291E+11;y\n{A};z\n")
    assert (first[:2], second) == ((2, []), (3, [A], None))
    assert str(first[2]).startswith("Excel has shortened")


def test_an_unclosed_quotation_mark_is_refused() -> None:
    with pytest.raises(JobError, match="line 2: a cell has an opening quotation mark"):
        found(f'phone;name\n{A};"x\n{B};y\n')


def test_json_lines() -> None:
    assert found(f'{{"phone": "{A}"}}\n"{B}"\n{C}\nnull\n') == [
        (1, [A], None), (2, [B], None), (3, [C], None), (4, [], "is not a phone number"),
    ]  # fmt: skip


def test_what_a_line_is_about() -> None:
    """Columns of account and topic belong to the header; without one, no cell is read as either."""
    for text in (
        f"phone,account,topic\n{A},,\n{B}, shop ,offers\n{C},7,'-x\n",
        f"Topic;phone;Account\n;{A};\noffers;{B};shop\n-x;{C};7",
        f'{{"phone": "{A}", "topic": null}}\n{{"phone": "{B}", "account": "shop", "topic": "offers"}}\n'
        f'{{"phone": "{C}", "account": 7, "topic": "-x"}}\n',
    ):
        listed = list(listed_phones(RecipientFile(io.BytesIO(text.encode())), "BY"))
        assert [(one.phones, one.account, one.topic) for one in listed] == [
            ([A], "", ""),
            ([B], "shop", "offers"),
            ([C], "7", "-x"),
        ]
    listed = list(listed_phones(RecipientFile(io.BytesIO(f"{A};account\n{B};shop".encode())), "BY"))
    assert [(one.account, one.topic) for one in listed] == [("", "")] * 2
