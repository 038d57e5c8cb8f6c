"""`campaigns audit`, and who is named by default."""

from __future__ import annotations

import json
from pathlib import Path

from campaigns.cli.input.options import who
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def test_what_people_did(run: Run, stage: Stage, tmp_path: Path) -> None:
    assert run("audit").stdout == "no actions are recorded\n"
    campaign_id = json.loads(run("send", job_file(tmp_path, bulk_job(phones(2))), "--json").stdout)["id"]
    assert run("pause", campaign_id, "--by", "ann", "--reason", "wrong text").exit_code == 0
    assert run("resume", campaign_id, "--why", "put right").exit_code == 0
    assert run("optouts", "add", *phones(2), "--by", "bob").exit_code == 0
    assert run("erase", "375259999999", "--by", "bob").exit_code == 0
    rows = [json.loads(line) for line in run("audit", "--json").stdout.splitlines()]
    assert [(row["deed"], row["by"], row["why"]) for row in rows] == [
        ("person.erased", "bob", ""),
        ("optouts.added", "bob", ""),
        ("campaign.resumed", who(), "put right"),
        ("campaign.paused", "ann", "wrong text"),
    ]
    lines = run("audit").stdout.splitlines()
    assert [line[21:] for line in lines[:4]] == [
        "bob erased person 37525*****99",
        "bob added to the opt-outs (2 phones)",
        f"{who()} resumed campaign {campaign_id}: put right",
        f"ann paused campaign {campaign_id}: wrong text",
    ]
    assert lines[4] == "times in Europe/Minsk"
    assert len(run("audit", "--limit", "1").stdout.splitlines()) == 2
    assert run("audit", "--since", "2999-01-01").stdout == "no actions are recorded\n"
    assert len(run("audit", "--since", "2020-01-01", "--json").stdout.splitlines()) == 4
    assert run("audit", "--since", "soon").exit_code == 2


def test_a_decision_about_many_batches_is_one_line(run: Run, stage: Stage, tmp_path: Path) -> None:
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber", times=2)
    campaign_id = json.loads(run("send", job_file(tmp_path, bulk_job(phones(1_500))), "--json").stdout)["id"]
    stage.until(lambda: stage.services.campaigns.read(campaign_id).requests.get("held") == 2)
    assert run("resolve", campaign_id, "write-off", "--reason", "nobody knows").exit_code == 0
    line = run("audit").stdout.splitlines()[0]
    assert line[21:].startswith(f"{who()} decided about batch {campaign_id}-")
    assert line.endswith(" and 1 other as write-off (1,500 recipients): nobody knows")
    assert len(run("audit", "--json").stdout.splitlines()) == 2
