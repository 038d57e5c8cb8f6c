"""From a file to an accepted campaign, with the command alone."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from campaigns.text.spreadsheets import unprotected
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import phones, template_job
from tests.support.processes import ROOT
from tests.support.stage import Stage

TEXT: Final = "Здравствуйте, {Имя|друг}! У вас {Баллы} баллов до {Срок}."
ROWS: Final = 20_000
REASONS: Final = {
    "shortened": "Excel has shortened the phone",
    "narrow": "Excel wrote ###",
    "nobody": "is not a mobile phone number",
    "pointless": "has no value for {Баллы}",
    "empty": "has no value for {Баллы}, {Срок}",
    "again": "has been handed in before",
}


def minsk_file(folder: Path) -> tuple[Path, dict[int, str]]:
    """A file as Excel in Minsk saves it, and what is wrong with which line."""
    random, lines, wrong = Random(7), ["Клиент;Имя;Моб. телефон;Баллы;Срок"], dict[int, str]()
    people = phones(ROWS)
    for number, phone in enumerate(people):
        while random.random() < 0.01:
            lines.append(random.choice(("", ";;;;")))
        kind = random.choice(list(REASONS)) if random.random() < 0.02 and number > 100 else ""
        shown = {"shortened": "3,75291E+11", "narrow": "########", "nobody": "нет", "again": people[0]}.get(kind)
        national = f"8 0{phone[3:5]} {phone[5:8]}-{phone[8:10]}-{phone[10:]}"
        points = "" if kind in {"pointless", "empty"} else "1" if kind == "again" else str(number + 1)
        name = "Анна" if kind == "again" or number == 0 else random.choice(("Анна", "Ян ", "", '"Алесь ""Гром"" Б."'))
        lines.append(f"{number};{name};{shown or national};{points};{'' if kind == 'empty' else '31.12.2040'}")
        if kind:
            wrong[len(lines)] = kind
    path = folder / "клиенты.csv"
    path.write_bytes("\r\n".join(lines).encode("windows-1251"))
    return path, wrong


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return job_file(tmp_path, template_job(None, TEXT, name="Баллы"))


def excluded_rows(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def test_from_a_file_to_an_accepted_campaign(run: Run, stage: Stage, job: Path, tmp_path: Path) -> None:
    path, wrong = minsk_file(tmp_path)
    options = ["--recipients", path, "--column", "phone=Моб. телефон", "--excluded-to", tmp_path / "excluded.csv"]
    looked = run("send", job, *options, "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert f"{ROWS - len(wrong):,}  to be sent" in looked.stdout
    assert "  Здравствуйте, Анна! У вас 1 баллов до 31.12.2040.\n" in looked.stdout
    assert list(stage.services.campaigns.newest()) == []
    excluded = excluded_rows(tmp_path / "excluded.csv")
    assert [int(row["excluded: line"]) for row in excluded] == sorted(wrong)
    written = path.read_text("windows-1251").split("\n")
    for row in excluded:
        line = int(row["excluded: line"])
        assert row["excluded: row"] == row["excluded: line"]
        assert row["excluded: why"].startswith(REASONS[wrong[line]]), row
        original = next(csv.reader([written[line - 1]], delimiter=";"))
        assert [unprotected(cell) for cell in list(row.values())[:5]] == original
    assert set(wrong.values()) == set(REASONS)

    sent = json.loads(run("send", job, *options, "--json").stdout)
    assert (sent["total"], sent["recipients"]["planned"]) == (ROWS, ROWS - len(wrong))
    assert sorted(map(str, excluded_rows(tmp_path / "excluded.csv"))) == sorted(map(str, excluded))
    reported = [json.loads(line) for line in run("excluded", sent["id"]).stdout.splitlines()]
    assert {one["place"] for one in reported} == {f"клиенты.csv, line {row['excluded: line']}" for row in excluded}


def test_why_recipients_are_invalid_and_who_gets_two_texts(run: Run, job: Path, tmp_path: Path) -> None:
    one, two, *_ = phones(5)
    path = tmp_path / "people.csv"
    rows = [f"{one};A;1;x", f"{one};B;2;x", f"{two};;3;x", f"{two};C;4;", "12;D;5;x", f"{two};#Н/Д;6;x"]
    path.write_text("\n".join(("phone;Имя;Баллы;Срок", *rows)), "utf-8")
    shown = run("send", job, "--recipients", path, "--dry-run")
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    for expected in (
        "3 invalid",
        "1 has no value for {Срок}",
        "1 is not a mobile phone number",
        "1 #Н/Д for {Имя} is what a spreadsheet shows in place of a value",
        "3 to be sent",
        "1 of them to a phone that gets another text of the same mailing too",
        "a default can stand in for a missing value: {name|friend}",
    ):
        assert expected in lines, shown.stdout
    found = json.loads(run("send", job, "--recipients", path, "--dry-run", "--json").stdout)
    assert (sum(found["invalid_reasons"].values()), found["repeated"]) == (3, 1)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.parametrize("which", ["people.csv", "job.json", "link.csv"])
def test_the_excluded_never_replace_what_is_read(
    run: Run, job: Path, tmp_path: Path, options: tuple[str, ...], which: str
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"phone;Имя;Баллы;Срок\n{phones(1)[0]};A;1;x\n", "utf-8")
    (tmp_path / "link.csv").symlink_to(path)
    before = path.read_bytes(), job.read_bytes()
    written = job if which == "job.json" else tmp_path / which
    ended = run("send", job, "--recipients", path, "--excluded-to", written, *options)
    assert ended.exit_code == 2
    assert "--excluded-to would overwrite" in ended.stderr
    assert (path.read_bytes(), job.read_bytes()) == before
    assert run("list", "--json").stdout == ""


def test_as_json(run: Run, job: Path, tmp_path: Path) -> None:
    path = tmp_path / "people.tsv"
    path.write_text(
        "\n".join(("phone\tИмя\tБаллы\tСрок", *(f"{p}\tАнна\t{n}\tx" for n, p in enumerate(phones(20))))), "utf-8"
    )
    looked = json.loads(run("send", job, "--recipients", path, "--dry-run", "--show", 2, "--json").stdout)
    assert [one["place"] for one in looked["samples"]] == ["people.tsv, line 2", "people.tsv, line 3"]
    assert looked["longest"]["text"] == "Здравствуйте, Анна! У вас 10 баллов до x."


def test_for_excel(run: Run, job: Path, tmp_path: Path) -> None:
    """What is written there cannot act, and a phone stays text."""
    path, out = tmp_path / "people.csv", tmp_path / "out.csv"
    path.write_text(f"phone;Имя;Баллы;Срок\n{phones(1)[0]};;1;\n'=cmd();x;1;x\n{phones(2)[1]};x;1;x\n", "utf-8")
    given = ("send", job, "--recipients", path, "--dry-run", "--excluded-to", out)
    assert run(*given, "--excel").exit_code == 0
    assert excluded_rows(out, ";") == [
        {
            "phone": f'="{phones(1)[0]}"',
            "Имя": "",
            "Баллы": "1",
            "Срок": "",
            "excluded: row": "2",
            "excluded: line": "2",
            "excluded: reason": "invalid",
            "excluded: why": "has no value for {Срок}",
            "excluded: phone of another row": "",
        },
        {
            # An apostrophe that was there already counts as one of the text.
            "phone": "''=cmd()",
            "Имя": "x",
            "Баллы": "1",
            "Срок": "x",
            "excluded: row": "3",
            "excluded: line": "3",
            "excluded: reason": "invalid",
            "excluded: why": "is not a mobile phone number",
            "excluded: phone of another row": "",
        },
    ]
    assert run("send", job, "--excel").exit_code == 2
    refused = run("send", job, "--recipients", path, "--excluded-to", tmp_path / "no" / "x.csv")
    assert "cannot write" in refused.stderr
    assert run("list", "--json").stdout == ""


def test_a_workbook(run: Run, stage: Stage, job: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (
        ["Телефон", "Имя", "Баллы", "Срок"],
        [int(phones(1)[0]), None, 150.0, "май"],
        [phones(2)[1], "x", None, "x"],
    ):
        book.active.append(row)
    book.save(tmp_path / "people.xlsx")
    looked: dict[str, Any] = json.loads(
        run("send", job, "--recipients", tmp_path / "people.xlsx", "--dry-run", "--json").stdout
    )
    assert [one["text"] for one in looked["samples"]] == ["Здравствуйте, друг! У вас 150 баллов до май."]
    assert [one["place"] for one in looked["examples"]] == ["people.xlsx, line 3"]


GROWN = """
import sys
from pathlib import Path
from campaigns import preview
from tests.benchmarks.measure import resident_bytes
from tests.support.jobs import template_job
found = []
job = template_job(None, "Hello {name}, you have {points} points")
for path in sys.argv[1:]:
    preview(job, recipients=Path(path), on_excluded=lambda one: None)
    found.append(resident_bytes())
print(found[1] - found[0])
"""


def test_memory_stays_flat(run: Run, tmp_path: Path) -> None:
    """A file ten times as long takes far less than its rows would: what grows is how repetitions are found."""
    paths = [tmp_path / "few.csv", tmp_path / "many.csv"]
    for path, number in zip(paths, (5_000, 50_000), strict=True):
        rows = (f"{phone};name {n};{n if n % 3 else ''}" for n, phone in enumerate(phones(number)))
        path.write_text("\n".join(("phone;name;points", *rows)), "utf-8")
    assert run("list").exit_code == 0
    ended = subprocess.run(
        [sys.executable, "-c", GROWN, *map(str, paths)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert int(ended.stdout) < 45_000 * 200
