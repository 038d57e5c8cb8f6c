"""--json is understood by every command, and what it prints is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from campaigns.cli.command_line import cli
from campaigns.store.commands import Redis
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


#: A script for a shell is no data.
NOT_DATA = {"completion"}


@pytest.mark.parametrize(("name", "command"), list(commands(cli)))
def test_every_command_takes_it(name: str, command: click.Command) -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options or name in NOT_DATA
    assert command.help


def test_steering(run: Run, stage: Stage, tmp_path: Path) -> None:
    stage.sandbox.fault("reset_before", "sendBulkViber")
    campaign_id = json.loads(run("send", job_file(tmp_path, bulk_job(phones(2))), "--json").stdout)["id"]
    assert json.loads(run("pause", campaign_id, "--json").stdout)["state"] == "paused"
    assert json.loads(run("resume", campaign_id, "--json").stdout)["state"] == "ready"
    assert json.loads(run("list", "--json").stdout)["id"] == campaign_id
    assert json.loads(run("poll", campaign_id, "--json").stdout) == {"campaign": campaign_id, "batches": 0}
    stage.until(lambda: stage.services.campaigns.read(campaign_id).over)
    assert json.loads(run("retry", campaign_id, "--why", "x", "--json").stdout)["batches"] == 0
    resolved = json.loads(run("resolve", campaign_id, "write-off", "--why", "x", "--json").stdout)
    assert resolved == {"campaign": campaign_id, "decision": "write-off", "batches": 1}
    assert json.loads(run("resume-account", "default", "--json").stdout)["resumed"] is False
    other = json.loads(run("send", job_file(tmp_path, bulk_job(phones(2))), "--json").stdout)["id"]
    assert json.loads(run("cancel", other, "--json").stdout)["state"] == "cancelled"


def test_rows(run: Run, tmp_path: Path) -> None:
    people = [*phones(2), "nobody"]
    campaign_id = json.loads(run("send", job_file(tmp_path, bulk_job(people)), "--json").stdout)["id"]
    for command in ("deliveries", "excluded", "replies"):
        assert run(command, campaign_id, "--json").stdout == run(command, campaign_id).stdout
    assert json.loads(run("events", "--json").stdout)["type"] == "campaign.ready"


def test_export(run: Run, stage: Stage, tmp_path: Path) -> None:
    job = bulk_job([*phones(2), "375297779909", "nobody"])
    campaign_id = json.loads(run("send", job_file(tmp_path, job), "--json").stdout)["id"]
    stage.until(lambda: stage.services.campaigns.read(campaign_id).over)
    stage.until(lambda: bool(stage.services.replies.of_campaign(campaign_id)))
    rows = [json.loads(line) for line in run("export", campaign_id).stdout.splitlines()]
    assert [row["type"] for row in rows] == ["status", "results", *["delivery"] * 3, "reply", "excluded"]
    assert rows[0]["id"] == rows[1]["campaign"] == campaign_id
    assert rows[2]["status"] == "READ"
    assert rows[5]["phone"] == "375297779909"
    assert rows[6]["phone"] == "nobody"
    path = tmp_path / "all.jsonl"
    assert run("export", campaign_id, "--output", path).stdout == f"written: {path}\n"
    assert len(path.read_text().splitlines()) == 7
    assert run("export", "nope", "--output", tmp_path / "none").exit_code == 4
    assert not (tmp_path / "none").exists()


def test_groups(run: Run) -> None:
    rewound = run("events", "--group", "g", "--rewind", "2026-01-01T00:00:00Z", "--json")
    assert json.loads(rewound.stdout) == {"group": "g", "done": True}
    assert json.loads(run("events", "--group", "g", "--delete", "--json").stdout)["done"] is True
    assert json.loads(run("events", "--group", "g", "--delete", "--json").stdout)["done"] is False


def test_dead_letters_that_are_no_text(run: Run, stage: Stage) -> None:
    """What can be read of them is shown."""
    store = stage.services.store
    store.ask(Redis.xadd, store.keys.dead_letters("g"), {b"data": b"\xff\x1b[1A", b"deliveries": b"many"})
    shown = run("events", "--group", "g", "--dead-letters")
    assert (shown.exit_code, "\x1b" in shown.stdout) == (0, False)
    letter = json.loads(shown.stdout)
    assert (letter["fields"], letter["deliveries"]) == ({"data": "\\xff\x1b[1A"}, 0)
    assert run("events", "--group", "g", "--drop", letter["id"]).exit_code == 0


def test_optouts(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("optouts", "add", *phones(2), "--json").stdout) == {"added": 2}
    assert len([json.loads(line) for line in run("optouts", "list", "--json").stdout.splitlines()]) == 2
    assert json.loads(run("optouts", "export", "-", "--json").stdout.splitlines()[0])["phone"] in phones(2)
    assert json.loads(run("optouts", "remove", phones(1)[0], "--json").stdout) == {"removed": 1, "left": []}
    people = tmp_path / "people.csv"
    people.write_text("\n".join([*phones(2), "nobody"]))
    assert json.loads(run("optouts", "import", people, "--json").stdout) == {"added": 1, "not_understood": 1}
