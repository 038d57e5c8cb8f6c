"""Rows of a list of excluded recipients whose phone another row has, which was messaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaigns.campaign import Campaign, list_campaigns
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.cli.test_excluded_duplicates import LOCAL, as_workbook, without_list
from tests.cli.test_excluded_file import STILL, read_back
from tests.support.jobs import personal_job, phones, template_job
from tests.support.stage import Stage

ONE, TWO, NEW, FOUR = phones(4)
#: A row without a name before and after a sound one, one of nobody else, and a sound one of nobody else.
ROWS = [(ONE, ""), (ONE, "Ann"), (LOCAL, "Bob"), (TWO, ""), (NEW, ""), (FOUR, "Dan")]
MARKED = [f"'+{ONE}", f"'+{TWO}", ""]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return job_file(tmp_path, template_job(None, "Dear {name}"))


def people(folder: Path, rows: list[tuple[str, str]]) -> Path:
    path = folder / "people.csv"
    path.write_text("\n".join(["phone;name", *map(";".join, rows)]), "utf-8")
    return path


@pytest.fixture
def returned(run: Run, tmp_path: Path, job: Path) -> Path:
    """The list of ROWS with every name filled in."""
    out = tmp_path / "excluded.csv"
    ended = run("send", job, "--recipients", people(tmp_path, ROWS), "--excluded-to", out, "--key", "first")
    assert ended.exit_code == 0, ended.output
    assert [row[6] for row in read_back(out, False)] == ["excluded: phone of another row", *MARKED]
    out.write_text(out.read_text("utf-8").replace('"",', '"Eve",'), "utf-8")
    return out


def previewed(run: Run, job: Path, recipients: Path) -> dict[str, Any]:
    shown = run("send", job, "--recipients", recipients, "--dry-run", "--json")
    assert shown.exit_code == 0, shown.output
    counts: dict[str, Any] = json.loads(shown.stdout)
    return counts


def to_send(run: Run, job: Path, recipients: Path) -> list[tuple[str, str]]:
    return [(one["phone"], one["text"]) for one in previewed(run, job, recipients)["samples"]]


def test_nobody_is_messaged_twice(run: Run, stage: Stage, job: Path, returned: Path) -> None:
    assert run("send", job, "--recipients", returned, "--key", "mended").exit_code == 0
    campaigns = [Campaign.of(stage.services, status.id) for status in list_campaigns(stage.services)]
    stage.until(lambda: all(campaign.status().state == "finished" for campaign in campaigns))
    got = sorted((row["phone"], row["text"]) for row in stage.sandbox.ledger())
    assert got == [(ONE, "Dear Ann"), (TWO, "Dear Bob"), (NEW, "Dear Eve"), (FOUR, "Dear Dan")]


@pytest.mark.parametrize("form", [Path, as_workbook], ids=["csv", "xlsx"])
def test_it_is_excluded_with_the_reason(run: Run, job: Path, returned: Path, form: Callable[[Path], Path]) -> None:
    counts = previewed(run, job, form(returned))
    assert (counts["to_send"], counts["duplicate"], counts["invalid"]) == (1, 2, 0)
    assert [one["why"] for one in counts["examples"]] == [STILL, STILL]


@pytest.mark.parametrize(
    "change", [(f'"{ONE}",', f'"{NEW[:-1]}9",'), (f"'+{ONE}", "")], ids=["another phone", "mark emptied"]
)
def test_a_person_can_message_it(run: Run, job: Path, returned: Path, change: tuple[str, str]) -> None:
    text = returned.read_text("utf-8")
    assert text.count(change[0]) == 1
    returned.write_text(text.replace(*change), "utf-8")
    assert len(to_send(run, job, returned)) == 2


@pytest.mark.parametrize("row", [0, 1])
def test_each_row_is_decided_by_its_own_mark(run: Run, job: Path, tmp_path: Path, row: int) -> None:
    out = tmp_path / "excluded.csv"
    path = people(tmp_path, [(ONE, ""), (ONE, ""), (ONE, "Ann")])
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    head, *rows = out.read_text("utf-8").replace('"",', '"Eve",').splitlines()
    assert [one.count(MARKED[0]) for one in rows] == [1, 1]
    rows[row] = rows[row].replace(MARKED[0], "")
    out.write_text("\n".join([head, *rows]), "utf-8")
    assert to_send(run, job, out) == [(ONE, "Dear Eve")]


@pytest.mark.parametrize("mark", ["3,75E+11", "yes"])
def test_a_mark_that_a_spreadsheet_changed_still_counts(run: Run, job: Path, returned: Path, mark: str) -> None:
    returned.write_text(returned.read_text("utf-8").replace(f"'+{ONE}", mark), "utf-8")
    assert to_send(run, job, returned) == [(NEW, "Dear Eve")]


def test_the_mark_stays_while_the_row_is_not_mended(run: Run, job: Path, tmp_path: Path, returned: Path) -> None:
    """The list of a list lacks the sound rows of the first file, and remembers them all the same."""
    again, text = tmp_path / "again.csv", returned.read_text("utf-8")
    returned.write_text(text.replace('"Eve"', '""').replace(f'"{NEW}",""', f'"{NEW}","Eve"'), "utf-8")
    assert run("send", job, "--recipients", returned, "--excluded-to", again, "--dry-run").exit_code == 0
    assert [row[4:] for row in read_back(again, False)[1:]] == [["duplicate", STILL, mark] for mark in MARKED[:2]]
    again.write_text(again.read_text("utf-8").replace('""', '"Eve"'), "utf-8")
    assert to_send(run, job, again) == []


def test_a_text_that_was_mended(run: Run, tmp_path: Path) -> None:
    """In a personal mailing the recipients have texts of their own; their phones decide."""
    job, out = job_file(tmp_path, without_list(personal_job([]))), tmp_path / "excluded.csv"
    path = people(tmp_path, [(ONE, "one"), (ONE, "one"), (TWO, "two"), ("nobody", "two")])
    path.write_text(path.read_text("utf-8").replace("name", "text"), "utf-8")
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    out.write_text(out.read_text("utf-8").replace('"one"', '"another"').replace("nobody", NEW), "utf-8")
    assert to_send(run, job, out) == [(NEW, "two")]


@pytest.mark.parametrize("mark", [{}, {"phone_of_another_row": None}, {"phone_of_another_row": " "}, None])
def test_json_lines(run: Run, job: Path, tmp_path: Path, mark: dict[str, Any] | None) -> None:
    """The mark is emptied in each of the ways in which a field is empty."""
    path, out = tmp_path / "people.jsonl", tmp_path / "excluded.jsonl"
    path.write_text("\n".join(json.dumps({"phone": phone, "name": name}) for phone, name in ROWS), "utf-8")
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    first, *more = [json.loads(line) | {"name": "Eve"} for line in out.read_text("utf-8").splitlines()]
    marks = [one["excluded"]["phone_of_another_row"] for one in (first, *more)]
    assert marks == [cell.removeprefix("'") for cell in MARKED]
    out.write_text("\n".join(map(json.dumps, (first, *more))), "utf-8")
    assert to_send(run, job, out) == [(NEW, "Dear Eve")]
    if mark is None:
        del first["excluded"]
    else:
        del first["excluded"]["phone_of_another_row"]
        first["excluded"] |= mark
    out.write_text("\n".join(map(json.dumps, (first, *more))), "utf-8")
    assert to_send(run, job, out) == [(ONE, "Dear Eve"), (NEW, "Dear Eve")]


def test_a_recipient_who_opted_out_before_the_request_was_not_messaged(
    run: Run, stage: Stage, job: Path, tmp_path: Path
) -> None:
    path, out = people(tmp_path, ROWS), tmp_path / "excluded.csv"
    assert run("send", job, "--recipients", path, "--key", "k").exit_code == 0
    (campaign,) = [Campaign.of(stage.services, status.id) for status in list_campaigns(stage.services)]
    stage.services.optouts.add([ONE])
    stage.until(lambda: campaign.status().state == "finished")
    assert run("send", job, "--recipients", path, "--key", "k", "--excluded-to", out).exit_code == 0
    found = [(row[4], row[6]) for row in read_back(out, False)[1:]]
    assert sorted(found) == [("invalid", ""), ("invalid", ""), ("invalid", MARKED[1]), ("opted_out", "")]
