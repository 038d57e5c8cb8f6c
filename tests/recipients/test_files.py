"""Files of recipients: read as a whole, or refused with file, line and reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from campaigns.errors import JobError
from campaigns.recipients import RecipientFile, read_recipients
from tests.recipients.reading import A, B, C, read, refusal


class TestForms:
    """Encodings, delimiters, ends of lines."""

    def test_without_a_header(self, tmp_path: Path) -> None:
        assert read(tmp_path, f"{A}\n{B},x\n\n") == [A, B]
        assert read(tmp_path, f"12;{A};Anna\n13;{B};Ivan\n") == [A, B]
        assert read(tmp_path, f"8 (029) 123-45-67\n{B}") == ["8 (029) 123-45-67", B]

    @pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_with_a_header(self, tmp_path: Path, divider: str, end: str) -> None:
        lines = [("name", "Phone", "text", ""), ("A", A, "hi", ""), ("", "", "", ""), ("B", B, "", "")]
        text = "\ufeff" + end.join(divider.join(line) for line in lines) + end
        assert read(tmp_path, text) == [{"phone": A, "text": "hi"}, {"phone": B}]

    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1251"]
    )
    def test_encodings_are_found(self, tmp_path: Path, encoding: str) -> None:
        text = f"Телефон;Текст\r\n{A};Привет, Анна!\r\n{B};«Скидки» – до 50 №1\r\n"
        found = read(tmp_path, text.encode(encoding), fields={"phone", "text"})
        assert found == [{"phone": A, "text": "Привет, Анна!"}, {"phone": B, "text": "«Скидки» – до 50 №1"}]

    @pytest.mark.parametrize("encoding", ["koi8-r", "cp866", "iso8859-5", "mac-cyrillic"])
    def test_an_uncertain_encoding_is_asked_for(self, tmp_path: Path, encoding: str) -> None:
        data = f"phone;text\n{A};hi\n{B};Привет, Анна! Ждём вас\n".encode(encoding)
        assert refusal(tmp_path, data).startswith("people.csv, line 3: is not UTF-8")
        assert "--encoding windows-1251" in refusal(tmp_path, data)
        assert read(tmp_path, data, encoding=encoding)[1] == {"phone": B, "text": "Привет, Анна! Ждём вас"}

    def test_western_letters_are_no_cyrillic_ones(self, tmp_path: Path) -> None:
        data = f"phone;text\n{A};Olá José, Müller à demain\n".encode("cp1252")
        assert "line 2: is not UTF-8" in refusal(tmp_path, data)

    def test_half_a_character_is_named_with_its_line(self, tmp_path: Path) -> None:
        data = f"phone;text\n{A};Привет\n{B};".encode() + "Привет".encode()[:-1] + b"\n"
        assert refusal(tmp_path, data).startswith("people.csv, line 3: is not UTF-8")
        assert refusal(tmp_path, data, encoding="utf-8") == "people.csv, line 3: holds bytes that are not utf-8"
        assert "Python knows no encoding" in refusal(tmp_path, data, encoding="rot13")

    def test_what_is_no_text(self, tmp_path: Path) -> None:
        assert "line 2: holds a NUL" in refusal(tmp_path, f"phone\n{A}\0\n")
        assert "old Excel file" in refusal(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls")
        assert "web page" in refusal(tmp_path, "<html><table><tr><td>1</td>", "a.xls")
        assert "compressed" in refusal(tmp_path, b"\x1f\x8b\x08" + bytes(60))

    def test_the_delimiter_that_excel_declares(self, tmp_path: Path) -> None:
        assert read(tmp_path, f"sep=;\r\nname,x;phone\r\nA,B,C;{A}\r\n") == [A]
        assert read(tmp_path, f'"sep=|"\nphone|text\n{A}|a;b,c\n') == [{"phone": A, "text": "a;b,c"}]
        assert read(tmp_path, f"sep=,\r\n{A}\r\n") == [A]

    @pytest.mark.parametrize(
        ("text", "columns"),
        [
            (f"Скидка; %,тел.\n5,{A}\n", None),
            (f"Скидка; %\tТелефон\n5\t{A}\n", None),
            (f"Скидка; %|Контакт\n5|{A}\n", {"phone": 2}),
            (f"Контакт|Скидка; %\n{A}|5\n", {"phone": 1}),
            (f"Контакт|Скидка; %\n{A}|5\n", {"phone": "контакт"}),
            (f"{A},00;5,5\n", {"phone": 1}),
            (f"Контакт;Имя;Сумма, руб.\n{B}, {C};x;y\n{A};x;y\n", {"phone": 1}),
            ("Скидка; %\tКонтакт\n5\t-\n5\t3.75291234567E+11\n", {"phone": 2}),
        ],
    )
    def test_a_delimiter_is_known_by_the_phone_that_it_makes(
        self, tmp_path: Path, text: str, columns: dict[str, str | int] | None
    ) -> None:
        *_, phone = read(tmp_path, text, columns=columns, fields={"phone"})
        assert phone.removesuffix(",00") == A

    def test_a_dash_of_another_code_page_is_no_word(self, tmp_path: Path) -> None:
        assert "its encoding is not certain" in refusal(tmp_path, b"8 04403\xd095\xd0712\n")

    def test_a_pipe_is_read_once_and_iterated_twice(self, tmp_path: Path) -> None:
        with (tmp_path / "a").open("w+b") as file:
            file.write(f"phone\n{A}\n".encode())
            file.seek(0)
            rows = RecipientFile(file)
            assert list(rows) == list(rows) == [A]


class TestColumns:
    """The phone's column is named or chosen, never guessed."""

    @pytest.mark.parametrize(
        "name", ["phone", "Phone Number", "PHONE_NUMBER", " телефон ", "Номер телефона", "Телефон:", "msisdn", "Моб. тел.",
                 "мабільны", "нумар тэлефона", "Мобільний телефон", "mobile-phone"],
    )  # fmt: skip
    def test_names_of_a_phone(self, tmp_path: Path, name: str) -> None:
        assert read(tmp_path, f"УНП;{name}\n291234567;{A}\n") == [A]

    @pytest.mark.parametrize(
        "header",
        [
            "УНП;Телефон 1",
            "number;name",
            "Номер;ФИО",
            "УНП;Клиент",
            "id;Phone of the manager",
            "телефон;phone",
            "phone;phone",
        ],
    )
    def test_no_guess(self, tmp_path: Path, header: str) -> None:
        refused = refusal(tmp_path, f"{header}\n291234567;{A}\n")
        assert refused.startswith("people.csv, line 1: ")
        assert "--column" in refused

    def test_the_column_that_was_probably_meant_is_named(self, tmp_path: Path) -> None:
        refused = refusal(tmp_path, f"УНП;Телефон 1\n291234567;{A}\n")
        assert "no column is called phone; it has УНП, Телефон 1" in refused
        assert '--column "phone=Телефон 1"' in refused

    def test_no_guess_without_a_header(self, tmp_path: Path) -> None:
        for text in (f"291234567;{A}\n", f"{A};{B}\n", "291234567;Ромашка\n", f"x;{A}\n291234567;{B}\n"):
            assert "--column phone=" in refusal(tmp_path, text), text
        assert "second phone" in refusal(tmp_path, f"{A};x\n" * 60 + f"{A};{B}\n")

    def test_numbers_of_whatever_are_phones_only_alone(self, tmp_path: Path) -> None:
        assert read(tmp_path, f"Номер\n{A}\n") == [A]

    def test_a_choice(self, tmp_path: Path) -> None:
        text = f"УНП;Телефон 1;Телефон 2;Сообщение\n291234567;{A};{B};hi\n"
        assert read(tmp_path, text, columns={"phone": "телефон 1"}, fields={"phone"}) == [A]
        assert read(tmp_path, text, columns={"phone": 3, "text": "Сообщение"}) == [{"phone": B, "text": "hi"}]
        assert read(tmp_path, f"291234567;{A}\n291234568;{B}\n", columns={"phone": "2"}) == [A, B]
        assert "no column called 'Handy'" in refusal(tmp_path, text, columns={"phone": "Handy"})
        assert "2 columns are called" in refusal(tmp_path, f"a;a\n1;{A}\n", columns={"phone": "a"})
        assert "no column was chosen for phone" in refusal(tmp_path, text, columns={"text": "Сообщение"})

    def test_a_choice_of_one_leaves_the_others_to_their_names(self, tmp_path: Path) -> None:
        text = f"Контакт;Текст\n{A};hi\n"
        assert read(tmp_path, text, columns={"phone": 1}, fields={"phone", "text"}) == [{"phone": A, "text": "hi"}]

    @pytest.mark.parametrize("cell", [f"{B},", f"x|{B}|", f"{B[:5]} 1234567; 1"])
    def test_a_second_phone_beside_another_delimiter_is_seen(self, tmp_path: Path, cell: str) -> None:
        assert "holds a second phone" in refusal(tmp_path, f'{A};"{cell}"\n', columns=None)

    @pytest.mark.parametrize("digits", ["375291234567", "(375)(29)", "３７５２９１２３４５６７", "٣٧٥٢٩١٢", "1 2 3"])
    def test_no_digits_of_a_first_row_are_said(self, tmp_path: Path, digits: str) -> None:
        said = refusal(tmp_path, f"имя {digits};дата\nx;y\n")
        assert "no column is called phone" in said
        assert not any(digit in said for digit in digits if digit.isdigit() and digit != "1"), said

    def test_a_choice_of_what_is_no_field(self, tmp_path: Path) -> None:
        with pytest.raises(JobError) as caught:
            read_recipients(tmp_path / "a.csv", columns={"fone": "a", "phone": " ", "text": True})  # type: ignore[dict-item]
        assert [line.partition(":")[0] for line in caught.value.lines] == [
            "columns.fone",
            "columns.phone",
            "columns.text",
        ]

    def test_a_missing_or_misplaced_column_is_said_once(self, tmp_path: Path) -> None:
        text = "Телефон;Имя;Бонусы\n" + f"{A};Anna;10\n" * 200
        refused = refusal(tmp_path, text, fields={"phone", "text"})
        assert refused.startswith("people.csv, line 1: has no column called text")
        assert '--column "text=NAME"' in refused
        assert "belongs to the content" in refusal(tmp_path, f"phone;text\n{A};hi\n", fields={"phone"})
        assert read(tmp_path, f"phone;message\n{A};note\n", fields={"phone"}) == [A]
        assert read(tmp_path, f"phone;message\n{A};hi\n", fields={"phone", "text"}) == [{"phone": A, "text": "hi"}]


class TestQuotes:
    """One row's text never takes in another person's row, and is never cut short."""

    def test_quoted_cells(self, tmp_path: Path) -> None:
        text = f'phone;text\n{A};"a; ""b""\nnext line"\n{B};c "d" e\n'
        assert read(tmp_path, text) == [{"phone": A, "text": 'a; "b"\nnext line'}, {"phone": B, "text": 'c "d" e'}]

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            (f'phone;text\n{A};"Hello\n{B};Hi\n{C};Bye\n', 2),
            (f'phone;text\n{A};one\n{B};"Hello\n{C};"Bye"\n', 3),
            (f'phone;text\n{A};"Hello\n{B};Hi\n{C};Bye"\n', 2),
            (f'text;phone\n"Hello;{A}\nHi;{B}\nBye";{C}\n', 2),
            (f'phone;text\n{A};"Hello\n' + f"{B};Hi\n" * 20_000, 2),
            (f'phone\n"{A}\n{B}\n{C}\n', 2),
            (f'phone\n"{A}\n{B}\n{C}"\n', 2),
            (f'phone;text\n\n\n{A};"Romashka" LLC\n', 4),
            (f'sep=;\nphone;text\n{A};"a\nb"\n{B};"x" y\n', 5),
        ],
    )
    def test_a_quotation_mark_in_the_wrong_place(self, tmp_path: Path, text: str, line: int) -> None:
        refused = refusal(tmp_path, text)
        assert refused.startswith(f"people.csv, line {line}: ")
        assert "quotation mark" in refused
        assert A not in refused

    def test_text_that_the_delimiter_cuts(self, tmp_path: Path) -> None:
        refused = refusal(tmp_path, f"phone;text\n{A};Hello; world\n")
        assert refused.startswith("people.csv, line 2: has 3 cells, the header 2")
        assert read(tmp_path, f"phone;text\n{A};Hello;;\n") == [{"phone": A, "text": "Hello"}]

    def test_an_overlong_cell(self, tmp_path: Path) -> None:
        limit = csv.field_size_limit()
        assert "line 2: a cell is longer" in refusal(tmp_path, f"phone;text\n{A};{'x' * 200_000}\n")
        try:
            csv.field_size_limit(10**9)  # as some applications do
            assert "line 2: a cell is longer" in refusal(tmp_path, f"phone;text\n{A};{'x' * 200_000}\n")
        finally:
            csv.field_size_limit(limit)


class TestJsonLines:
    """A phone or an object a line."""

    def test_rows(self, tmp_path: Path) -> None:
        text = f'\ufeff"{A}"\n\n{{"phone": "{B}", "text": "x"}}\n{C}\n'
        assert read(tmp_path, text, "a.jsonl") == [A, {"phone": B, "text": "x"}, int(C)]
        assert read(tmp_path, text.encode("utf-16"), "a.ndjson")[0] == A
        assert read(tmp_path, f'{{"phone": "{A}"}}\n', "people.txt") == [{"phone": A}]

    def test_errors(self, tmp_path: Path) -> None:
        assert refusal(tmp_path, '"1"\nnope\n', "a.jsonl").startswith("a.jsonl, line 2: is not JSON")
        assert "line 1: is a list" in refusal(tmp_path, f'["{A}"]\n', "a.json")
        assert refusal(tmp_path, '[\n"1"]', "a.json").startswith("a.json, line 1: is not JSON")


@pytest.mark.parametrize("text", ["", "\n\n", "phone;name\n", "phone;name\n;\n\n"])
def test_a_file_without_recipients(tmp_path: Path, text: str) -> None:
    """It is refused: nobody meant a campaign without recipients to end at once as finished."""
    assert refusal(tmp_path, text) == "people.csv: holds no recipients"


def test_a_title_above_the_header(tmp_path: Path) -> None:
    found = refusal(tmp_path, "Customers in November;;\n\nphone;name\n375291111111;A\n")
    assert found == "people.csv, line 1: is a title: delete the lines above the header, which line 3 looks like"


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"/missing\.csv: No such file"):
        list(read_recipients(tmp_path / "missing.csv"))
    with pytest.raises(JobError, match="Is a directory"):
        list(read_recipients(tmp_path))


def test_places_are_lines_of_the_file(tmp_path: Path) -> None:
    """Also behind empty lines and cells of several lines."""
    path = tmp_path / "people.csv"
    path.write_text(f'phone;text\n{A};a\n\n\n{B};"b\nb\nb"\n{C};c\n')
    rows = read_recipients(path)
    assert [rows.place(number) for number, _ in enumerate(list(rows))] == [
        "people.csv, line 2", "people.csv, line 5", "people.csv, line 8 (row 6)",
    ]  # fmt: skip
