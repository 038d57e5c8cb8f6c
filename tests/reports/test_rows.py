"""A row per message."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from campaigns.errors import UnknownCampaignError
from campaigns.recipients import RecipientFile, listed_phones
from campaigns.reports import LANGUAGES, rows
from campaigns.reports.language import Language
from campaigns.reports.rows import COLUMNS, Row, csv_lines, excel_lines, json_lines
from tests.reports.conftest import TWICE, UNDELIVERED, YES, mailing, run_spring
from tests.support.jobs import phones
from tests.support.stage import Stage


def test_a_campaign(make_stage: Callable[..., Stage]) -> None:
    """As many rows as messages; those who were taken out are in none."""
    stage = make_stage(poll_horizon_s=1.0)
    campaign = run_spring(stage)
    found = {row.phone: row for row in rows(stage.services, campaign.id)}
    assert sorted(found) == sorted(row["phone"] for row in stage.sandbox.ledger())
    assert len(found) == campaign.status().sent == 9
    assert Counter(row.status for row in found.values()) == campaign.status().statuses
    assert {phone: row.replies for phone, row in found.items() if row.replies} == {YES: 1, TWICE: 2}
    assert (found[UNDELIVERED].mailing, found[UNDELIVERED].state) == ("Минск", "settled")
    age_s = abs((datetime.now(UTC) - datetime.fromisoformat(found[YES].time)).total_seconds())
    assert age_s < 60
    assert found[YES].time.endswith("+03:00")


def test_before_anything_was_sent(stage: Stage) -> None:
    campaign = stage.enqueue({"messages": [mailing("=1+1", phones(2))]})
    assert list(rows(stage.services, campaign.id)) == [
        Row(phone, "=1+1", "planned", "", "", 0, 0) for phone in phones(2)
    ]


def test_no_such_campaign(stage: Stage) -> None:
    with pytest.raises(UnknownCampaignError):
        rows(stage.services, "nope")


TEXTS = ('Скидка; "5%", да', "line\nbreak", "a,b", "", "<b>", "it's")
FORMULAS = ("=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠SUM(A1)", '"=1')
HIDDEN = (
    ";=1",
    "a;=1",
    "a; @SUM(A1)",
    'a;"=1',
    "a\n=1",
    "a\r\n;\t-1",
    ",=1",
    "a,+1",
    'b,""=1',
    "a\t=1",
    ";;=1",
    "a;＝1",
)


def test_csv_comes_back() -> None:
    given = [Row("375291111111", text, "settled", text, "", 3, 2) for text in TEXTS]
    lines = list(csv_lines(given))
    assert len(lines) == 1 + len(given)
    assert all(line.endswith("\r\n") for line in lines)
    header, *back = csv.reader(io.StringIO("".join(lines), newline=""))
    assert tuple(header) == COLUMNS
    assert back == [["375291111111", text, "settled", text, "", "3", "2"] for text in TEXTS]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    """Numbers and phones are digits and stay as they are; words get an apostrophe in front."""
    lines = "".join(csv_lines([Row("375291111111", text, "settled", "READ", "", -1, 0)]))
    row = next(csv.DictReader(io.StringIO(lines, newline="")))
    assert row["mailing"].startswith("'")
    assert row["mailing"].replace("'", "") == text
    assert (row["phone"], row["error_code"]) == ("375291111111", "-1")


@pytest.mark.parametrize("text", FORMULAS + HIDDEN)
@pytest.mark.parametrize("write", [csv_lines, partial(excel_lines, zone=UTC)])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_piece_is_a_formula(write: Callable[[list[Row]], Iterator[str]], separator: str, text: str) -> None:
    """A spreadsheet may cut the lines at another separator than the one that they were written with."""
    lines = "".join(write([Row("375291111111", text, "settled", text, "", 0, 0)])).removeprefix("\ufeff")
    pieces = [cell for row in csv.reader(io.StringIO(lines, newline=""), delimiter=separator) for cell in row]
    reported = [cell for cell in pieces if cell.strip(' \t\r\n"')[:1] in set("=+-@＝＋－＠")]
    # Only our own formula, which returns a phone as text.
    assert all(cell.startswith('="375291111111"') for cell in reported if cell.strip())


@pytest.mark.parametrize("text", ["Sale, -20%", "a, +1", "a - b", "A-1", "x=1"])
def test_ordinary_words_stay(text: str) -> None:
    lines = "".join(csv_lines([Row("375291111111", text, "settled", "READ", "", 0, 0)]))
    assert next(csv.DictReader(io.StringIO(lines, newline="")))["mailing"] == text


@pytest.mark.parametrize("language", LANGUAGES.values())
def test_for_excel(tmp_path: Path, language: Language) -> None:
    """It finds the encoding, the columns and the phones; and the same file can be sent to again."""
    given = [Row("375291111111", "Скидка, да", "settled", "READ", "", 3, 2), Row("37529***01", "", "", "", "", 0, 0)]
    file = tmp_path / "rows.csv"
    file.write_text("".join(excel_lines(given, UTC, language)), "utf-8", newline="")
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows_read = list(csv.reader(text, delimiter=";"))
    assert [row[:2] for row in rows_read] == [
        [language.column("phone"), language.column("mailing")],
        ['="375291111111"', "Скидка, да"],
        ["37529***01", ""],
    ]
    assert next(line.phones for line in listed_phones(RecipientFile(file), "BY")) == ["375291111111"]


def test_times_for_excel() -> None:
    """By the clocks that the header names, in the one form that Excel reads in every region."""
    given = Row("375291111111", "A", "settled", "READ", "2026-12-01T05:45:36+03:00", 0, 0)
    head, line = excel_lines([given], ZoneInfo("Europe/Minsk"))
    assert head.split(";")[4] == "time (Europe/Minsk)"
    assert line.split(";")[4] == "2026-12-01 05:45:36"
    _, line = csv_lines([given])
    assert line.split(",")[4] == given.time


def test_json_lines_come_back_as_they_were() -> None:
    given = [Row("375291111111", text, "settled", text, "", 3, 2) for text in TEXTS + FORMULAS]
    lines = list(json_lines(given))
    assert [line.count("\n") for line in lines] == [1] * len(given)
    assert [Row(**json.loads(line)) for line in lines] == given
    assert list(json.loads(lines[0])) == list(COLUMNS)
