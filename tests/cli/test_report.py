"""`campaigns report`: where it writes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from pathlib import Path

import pytest

from campaigns.campaign import Campaign
from tests.cli.conftest import Run
from tests.support.html import Html
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


@pytest.fixture
def campaign(stage: Stage) -> Campaign:
    return stage.enqueue(bulk_job(phones(3), name="Скидки"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_page_beside_us(run: Run, campaign: Campaign, folder: Path) -> None:
    reported = run("report", campaign.id)
    assert (reported.exit_code, reported.stdout) == (0, f"written: report-{campaign.id}.html\n")
    assert [path.name for path in folder.iterdir()] == [f"report-{campaign.id}.html"]
    assert Html((folder / f"report-{campaign.id}.html").read_text("utf-8")).texts["h1"] == "Скидки"


def test_a_page_in_russian(run: Run, campaign: Campaign) -> None:
    page = Html(run("report", campaign.id, "--language", "ru", "--output", "-").stdout_bytes.decode())
    assert page.texts["title"] == "Скидки: отчёт о кампании"
    assert page.numbers("Все получатели")["ждут отправки"] == ["3"]
    assert run("report", campaign.id, "--language", "de").exit_code == 2


def test_a_page_to_standard_output(run: Run, campaign: Campaign, folder: Path) -> None:
    reported = run("report", campaign.id, "--output", "-")
    assert Html(reported.stdout_bytes.decode()).texts["h1"] == "Скидки"
    assert list(folder.iterdir()) == []


def test_csv(run: Run, campaign: Campaign, folder: Path) -> None:
    reported = run("report", campaign.id, "--csv")
    rows = list(csv.DictReader(io.StringIO(reported.stdout_bytes.decode(), newline="")))
    assert sorted(row["phone"] for row in rows) == phones(3)
    assert run("report", campaign.id, "--csv", "--output", "rows.csv").stdout == "written: rows.csv\n"
    assert (folder / "rows.csv").read_bytes() == reported.stdout_bytes


def test_csv_for_excel(run: Run, campaign: Campaign) -> None:
    reported = run("report", campaign.id, "--excel")
    assert reported.stdout_bytes == run("report", campaign.id, "--csv", "--excel").stdout_bytes
    rows = list(csv.DictReader(io.StringIO(reported.stdout_bytes.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert sorted(row["phone"] for row in rows) == [f'="{phone}"' for phone in phones(3)]
    assert run("report", campaign.id, "--excel", "--json").exit_code == 2


def test_rows_with_a_header_in_russian(run: Run, campaign: Campaign) -> None:
    head, *_ = run("report", campaign.id, "--excel", "--language", "ru").stdout_bytes.decode("utf-8-sig").splitlines()
    assert head == "телефон;рассылка;состояние;статус;время (Europe/Minsk);код ошибки;ответы"
    head, *_ = run("report", campaign.id, "--csv", "--language", "ru").stdout_bytes.decode().splitlines()
    assert head == "телефон,рассылка,состояние,статус,время,код ошибки,ответы"
    assert "same names" in run("report", campaign.id, "--json", "--language", "ru").stderr


def test_json(run: Run, campaign: Campaign) -> None:
    reported = run("report", campaign.id, "--json")
    rows = [json.loads(line) for line in reported.stdout.splitlines()]
    assert sorted(row["phone"] for row in rows) == phones(3)


def test_not_both(run: Run, campaign: Campaign) -> None:
    reported = run("report", campaign.id, "--csv", "--json")
    assert reported.exit_code == 2
    assert "not both" in reported.stderr


@pytest.mark.parametrize("options", [(), ("--csv",), ("--json", "--output", "rows.json")])
def test_no_such_campaign(run: Run, folder: Path, options: tuple[str, ...]) -> None:
    reported = run("report", "nope", *options)
    assert (reported.exit_code, reported.stdout, reported.stderr.splitlines()[0]) == (
        4,
        "",
        "campaigns: no campaign 'nope'",
    )
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "why"),
    [("nowhere/r.html", "No such file"), ("file/r.html", "Not a directory"), ("r" * 300, "File name too long")],
)
@pytest.mark.parametrize("kind", ["html", "csv"])
def test_what_cannot_be_written(run: Run, campaign: Campaign, folder: Path, output: str, why: str, kind: str) -> None:
    (folder / "file").write_text("kept")
    reported = run("report", campaign.id, "--output", output, *(["--csv"] if kind == "csv" else []))
    assert reported.exit_code == 1
    assert reported.stderr.startswith(f"campaigns: cannot write {output}: {why}")
    assert len(reported.stderr.splitlines()) == 1
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("file", "kept")]


def test_a_loop_of_links(run: Run, campaign: Campaign, folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    reported = run("report", campaign.id, "--output", "loop/r.html")
    assert reported.exit_code == 1
    assert reported.stderr.startswith("campaigns: cannot write loop/r.html: Too many levels of symbolic links")


def test_an_older_report_is_replaced_where_a_link_leads(run: Run, campaign: Campaign, folder: Path) -> None:
    (folder / "real.html").write_text("old")
    (folder / "link.html").symlink_to("real.html")
    assert run("report", campaign.id, "--output", "link.html").exit_code == 0
    assert (folder / "link.html").is_symlink()
    assert (folder / "real.html").read_text("utf-8").startswith("<!doctype html>")
    assert len(list(folder.iterdir())) == 2


def test_a_pipe_stays_a_pipe(run: Run, campaign: Campaign, folder: Path) -> None:
    """As /dev/null must, even for root."""
    pipe, got = folder / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    assert run("report", campaign.id, "--json", "--output", pipe).exit_code == 0
    reader.join(10)
    assert len(got[0].splitlines()) == 3
    assert pipe.is_fifo()
