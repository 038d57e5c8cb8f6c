"""A file or list whose recipients are all invalid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.cli.test_excluded_duplicates import without_list
from tests.support.jobs import bulk_job, phones, template_job
from tests.support.stage import Stage


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("Имя;Телефон;Город\n" + "".join(f"Анна;{phone};Минск\n" for phone in phones(3)), "utf-8")
    return path


def test_a_wrong_column(run: Run, stage: Stage, tmp_path: Path, people: Path) -> None:
    """It is refused before anything is stored, so the key is free for the right column."""
    job = job_file(tmp_path, without_list(bulk_job([])))
    given = ("send", job, "--recipients", people, "--key", "k")
    refused = run(*given, "--column", "phone=1", "--wait", 5)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        "campaigns: no message can be sent: all 3 recipients are invalid:",
        "  3 is not a mobile phone number",
        "  phones were read from the column 'Имя'",
        "  the others are Телефон, Город",
        '  to choose another: --column "phone=Телефон"',
        "  nothing was stored, and the key is free; mend the recipients and send the job again",
    ]
    assert list(stage.services.campaigns.newest()) == []
    assert run(*given).exit_code == 0


def test_a_list_in_the_job(run: Run, stage: Stage, tmp_path: Path) -> None:
    """Large ones, too, which are stored in steps."""
    for number in (1, 3000):
        job = job_file(tmp_path, bulk_job([f"nobody {n}" for n in range(number)]))
        refused = run("send", job)
        assert refused.exit_code == 1
        assert ("the only recipient is" if number == 1 else "all 3,000 recipients are") in refused.stderr
        assert "column" not in refused.stderr
    assert list(stage.services.campaigns.newest()) == []


def test_the_dry_run_ends_alike(run: Run, tmp_path: Path, people: Path) -> None:
    job = job_file(tmp_path, template_job(None, "{Имя}: {Город}"))
    people.write_text(people.read_text("utf-8").replace("Минск", ""), "utf-8")
    for more in ([], ["--strict"]):
        shown = run("send", job, "--recipients", people, "--dry-run", *more)
        assert shown.exit_code == 1
        assert "no message would be sent" in shown.stdout
        assert "without --dry-run" not in shown.stdout
        assert "  3 has no value for {Город}" in shown.stderr.splitlines()
    document = json.loads(run("send", job, "--recipients", people, "--dry-run", "--json").stdout)
    assert (document["total"], document["invalid"]) == (3, 3)


def test_other_reasons_refuse_nothing(run: Run, stage: Stage, tmp_path: Path) -> None:
    """People who have opted out show no mistake of the sender."""
    stage.services.optouts.add(phones(1))
    job = job_file(tmp_path, bulk_job([phones(1)[0], "nobody"]))
    shown = run("send", job, "--dry-run")
    assert (shown.exit_code, "no message would be sent" in shown.stdout) == (0, True)
    assert run("send", job).exit_code == 0
