"""`--excluded-to`: a file of recipients that is mended and sent."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from openpyxl import Workbook

from campaigns.text.spreadsheets import unprotected
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, phones, template_job
from tests.support.stage import Stage

ONE, TWO, THREE, FOUR = phones(4)
HEADER: Final = ["Имя", "Телефон", "Баллы", "Заметка"]
#: A sound row, a row without a value, another whose cell has a line break, a formula, the first again, a broken phone.
ROWS: Final = [
    ["Анна", ONE, "1", ""],
    ["Ян", TWO, "", "  first\nsecond; \u202ethird\\n"],
    [" -Олег", THREE, "", "=1+1"],
    ["Анна", ONE, "1", ""],
    ["Вера", "нет", "5", '"quoted", \'-1'],
]
ABSENT: Final = "has no value for {Баллы}"
IN_LIST: Final = [ABSENT, ABSENT, "has been handed in before", "is not a mobile phone number"]
STILL: Final = "still has the phone of another row of the first file"
MARKS: Final = [f"excluded: {name}" for name in ("row", "line", "reason", "why", "phone of another row")]


def text_file(folder: Path, delimiter: str, name: str, ahead: str = "") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([HEADER, [], *ROWS])
    (folder / name).write_text(ahead + text.getvalue(), "utf-8", newline="")
    return folder / name


def workbook(folder: Path) -> Path:
    book = Workbook()
    for row in ([HEADER], [[]], ROWS):
        for cells in row:
            book.active.append(cells)
    # openpyxl would write a formula without its last value.
    book.active["D5"].data_type = "s"
    book.save(folder / "people.xlsx")
    return folder / "people.xlsx"


MAKERS: Final[dict[str, Callable[[Path], Path]]] = {
    "csv": lambda folder: text_file(folder, ";", "people.csv"),
    "tsv": lambda folder: text_file(folder, "\t", "people.tsv"),
    "sep": lambda folder: text_file(folder, "|", "people.txt", "sep=|\r\n"),
    "xlsx": workbook,
}
#: The rows of ROWS that are excluded, as a spreadsheet counts, and the lines that they begin in.
PLACES: Final = {
    "csv": [("4", "4"), ("5", "6"), ("6", "7"), ("7", "8")],
    "tsv": [("4", "4"), ("5", "6"), ("6", "7"), ("7", "8")],
    "sep": [("4", "5"), ("5", "7"), ("6", "8"), ("7", "9")],
    "xlsx": [("4", ""), ("5", ""), ("6", ""), ("7", "")],
}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return job_file(tmp_path, template_job(None, "{Имя}: {Баллы}. {Заметка|-}"))


def place_of(path: Path, row: str, line: str) -> str:
    """A place for people, which names the row only where a line would mislead them."""
    return f"{path.name}, line {line or row}" + (f" (row {row})" if line not in {"", row} else "")


def texts(run: Run, job: Path, recipients: Path, *options: object) -> list[tuple[str, str]]:
    shown = run("send", job, "--recipients", recipients, "--dry-run", "--json", "--show", 9, *options)
    assert shown.exit_code == 0, shown.output
    return [(one["phone"], one["text"]) for one in json.loads(shown.stdout)["samples"]]


def read_back(path: Path, excel: bool) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=";" if excel else ","))


@pytest.mark.parametrize("dry", [True, False], ids=["dry", "stored"])
@pytest.mark.parametrize("excel", [False, True], ids=["plain", "excel"])
@pytest.mark.parametrize("kind", MAKERS)
def test_a_table_is_mended_and_sent(
    run: Run, stage: Stage, job: Path, tmp_path: Path, kind: str, excel: bool, dry: bool
) -> None:
    """Every cell comes back as it was, whatever a spreadsheet would have made of it."""
    path, out = MAKERS[kind](tmp_path), tmp_path / "excluded.csv"
    options = ["--excel"] * excel + ["--dry-run"] * dry
    ended = run("send", job, "--recipients", path, "--excluded-to", out, *options)
    assert ended.exit_code == 0, ended.output
    header, *rows = read_back(out, excel)
    assert header == [*HEADER, *MARKS]
    assert [tuple(row[4:6]) for row in rows] == PLACES[kind]
    assert [row[7] for row in rows] == IN_LIST
    assert [row[8] for row in rows] == ["", "", f"'+{ONE}", ""]
    assert [list(map(unprotected, row[:4])) for row in rows] == ROWS[1:]
    if not dry:
        campaign = next(stage.services.campaigns.newest())
        found = [one.place for one in stage.services.campaigns.excluded(campaign.id)]
        assert sorted(found) == sorted(place_of(path, *numbers) for numbers in PLACES[kind])
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@" and cell[:1] and not cell.startswith('="')]
    mended = out.read_text("utf-8-sig").replace("нет", FOUR)
    delimiter = ";" if excel else ","
    for name in ("Ян", "' -Олег"):
        phone = TWO if name == "Ян" else THREE
        cell = f'"=""{phone}"""' if excel else f'"{phone}"'
        begun = f'"{name}"{delimiter}{cell}{delimiter}'
        assert f'{begun}""' in mended, mended
        mended = mended.replace(f'{begun}""', f'{begun}"9"')
    out.write_text(mended, "utf-8", newline="")
    assert texts(run, job, out) == [
        (TWO, "Ян: 9. first\nsecond; \u202ethird\\n"),
        (THREE, "-Олег: 9. =1+1"),
        (FOUR, 'Вера: 5. "quoted", \'-1'),
    ]


def test_what_is_still_wrong_is_listed_once_more(run: Run, job: Path, tmp_path: Path) -> None:
    """With places in the list that was sent, and with one set of our columns. A duplicate stays one."""
    lists = [text_file(tmp_path, ";", "people.csv"), tmp_path / "1.csv", tmp_path / "2.csv"]
    for path, out in pairwise(lists):
        assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    header, *rows = read_back(lists[2], False)
    assert header[4:] == MARKS
    places = [("Ян", "2", "2"), ("' -Олег", "3", "4"), ("Анна", "4", "5"), ("Вера", "5", "6")]
    assert [(row[0], row[4], row[5]) for row in rows] == places
    assert rows[2][6:] == ["duplicate", STILL, f"'+{ONE}"]


@pytest.mark.parametrize("rows", [[ONE, "нет"], ["Номер", ONE, "нет"]], ids=["no header", "a vague name"])
def test_a_column_of_phones(run: Run, tmp_path: Path, rows: list[str]) -> None:
    """Our columns do not make it a table of several columns."""
    path, out = tmp_path / "people.csv", tmp_path / "out.csv"
    path.write_text("\n".join(rows), "utf-8")
    job = job_file(tmp_path, bulk_job([]) | {"messages": [_without_list(bulk_job([])["messages"][0])]})
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    out.write_text(out.read_text("utf-8").replace("нет", TWO), "utf-8")
    assert '"1 ' not in run("send", job, "--recipients", out, "--dry-run").stdout
    assert json.loads(run("send", job, "--recipients", out, "--dry-run", "--json").stdout)["to_send"] == 1


def test_json_lines(run: Run, job: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "people.jsonl", tmp_path / "excluded.jsonl"
    documents: list[Any] = [
        {"phone": ONE, "Имя": "Анна", "Баллы": 1},
        {"phone": TWO, "Имя": "=Ян\u202e", "Заметка": None},
        {"phone": THREE, "values": {"Имя": "Олег"}},
        int(FOUR),
    ]
    path.write_text("\n\n".join(json.dumps(one) for one in documents), "utf-8")
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    marks = [one.pop("excluded") for one in found]
    assert found == [*documents[1:3], {"phone": int(FOUR)}]
    assert marks[0] == {"line": 3, "reason": "invalid", "why": ABSENT, "phone_of_another_row": ""}
    assert [mark["line"] for mark in marks] == [3, 5, 7]
    found[0]["Баллы"] = found[1]["values"]["Баллы"] = 7
    found[2] |= {"Имя": "Вера", "Баллы": 8}
    out.write_text("\n".join(json.dumps(one | {"excluded": marks[0]}) for one in found), "utf-8")
    sent = run("send", job, "--recipients", out, "--json")
    assert json.loads(sent.stdout)["recipients"]["planned"] == 3, sent.output
    refused = run("send", job, "--recipients", path, "--excluded-to", out, "--excel", "--dry-run")
    assert (refused.exit_code, "--excel is for tables" in refused.stderr) == (2, True)


def test_from_a_pipe(run: Run, stage: Stage, job: Path, tmp_path: Path) -> None:
    """A stream is read once, and its rows are found all the same."""
    path, out = text_file(tmp_path, ";", "people.csv"), tmp_path / "out.csv"
    settings = stage.services.settings
    assert settings.redis_url
    assert run("list").exit_code == 0
    ended = subprocess.run(
        ["bash", "-c", '"$0" -m campaigns.cli send "$1" --recipients <(cat "$2") --excluded-to "$3" --dry-run',
         sys.executable, str(job), str(path), str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert [row[0] for row in read_back(out, False)[1:]] == ["Ян", "' -Олег", "Анна", "Вера"]


def test_a_campaign_that_exists(run: Run, stage: Stage, job: Path, tmp_path: Path) -> None:
    """The file may have moved since, and somebody may have opted out: rows are found by their phones then."""
    path, out = text_file(tmp_path, ";", "people.csv"), tmp_path / "out.csv"
    assert run("send", job, "--recipients", path, "--key", "k", "--json").exit_code == 0
    path.write_text(path.read_text("utf-8").replace("\n\n", "\n\n\n\n", 1), "utf-8")
    again = run("send", job, "--recipients", path, "--key", "k", "--json", "--excluded-to", out)
    assert json.loads(again.stdout)["existed"], again.output
    assert sorted((row[0], row[7]) for row in read_back(out, False)[1:]) == sorted(
        zip(["Ян", "' -Олег", "Анна", "Вера"], IN_LIST, strict=True)
    )


def test_thousands_of_rows_stay_in_their_order(run: Run, job: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "people.csv", tmp_path / "out.csv"
    rows = [f"x;{phone};{'' if n % 3 else n};{n}" for n, phone in enumerate(phones(5000))]
    path.write_text("\n".join((";".join(HEADER), *rows, *rows[:900])), "utf-8")
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    found = [int(row[5]) for row in read_back(out, False)[1:]]
    assert found == [n + 2 for n in range(5900) if n >= 5000 or n % 3]


def _without_list(mailing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in mailing.items() if name != "delivery_list"}
