"""`campaigns send --dry-run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from campaigns.cli.output.previews import shortened
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, list_job, phones
from tests.support.settings import TOKEN
from tests.support.stage import Stage


def test_dry_run(run: Run, stage: Stage, tmp_path: Path) -> None:
    job = job_file(tmp_path, bulk_job([*phones(5), "nobody"], name="Spring [sale]"))
    shown = run("send", job, "--dry-run", "--key", "k")
    assert shown.exit_code == 0, shown.output
    assert "Spring [sale]: bulk, account default" in shown.stdout
    assert "5  to be sent" in shown.stdout
    assert "1  paid request\n" in shown.stdout
    assert "CAMPAIGNS_MESSAGE_COST is unset" in shown.stdout
    assert "invalid: nobody at messages[0].delivery_list[5]" in shown.stdout
    assert f"POST {stage.sandbox.url}/api/v1/sendBulkViber" in shown.stdout
    assert '"token": "***"' in shown.stdout
    assert "... and 2 more" in shown.stdout
    assert "  and 1 more" not in shown.stdout
    assert TOKEN not in shown.output
    assert run("list", "--json").stdout == ""
    assert stage.sandbox.ledger() == []


def test_dry_run_names_some_of_the_excluded(run: Run, stage: Stage, tmp_path: Path) -> None:
    """And says how many there are besides, so that three of five do not look like all."""
    out, twice = phones(2)
    stage.services.optouts.add([out])
    job = job_file(tmp_path, bulk_job(["n1", "n2", "n3", "n4", out, twice, twice]))
    lines = run("send", job, "--dry-run").stdout.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  invalid: n1"))
    assert [line.split(" at ")[0] for line in lines[first : first + 3]] == [f"  invalid: n{n}" for n in (1, 2, 3)]
    assert lines[first + 3] == "  and 3 more"


@pytest.mark.parametrize("wait", ["-5", "-0.1"])
def test_a_wait_below_nothing(run: Run, stage: Stage, tmp_path: Path, wait: str) -> None:
    refused = run("send", job_file(tmp_path, bulk_job(phones(1))), "--wait", wait)
    assert (refused.exit_code, "is not in the range x>=0" in refused.stderr) == (2, True)
    assert list(stage.services.campaigns.newest()) == []


def test_dry_run_as_json(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_MESSAGE_COST", "0.02")
    document = json.loads(run("send", job_file(tmp_path, bulk_job(phones(5))), "--dry-run", "--json").stdout)
    assert (document["to_send"], document["cost"], document["refused"]) == (5, "0.10", {})
    assert len(document["first_request"]["body"]["messages"][0]["delivery_list"]) == 5


def test_dry_run_of_what_would_be_refused(run: Run, tmp_path: Path) -> None:
    job = job_file(tmp_path, bulk_job(phones(5), max_recipients=4))
    shown = run("send", job, "--dry-run")
    assert shown.exit_code == 2
    assert "max_recipients 4: would stop it" in shown.stdout
    assert "max_recipients: 5 recipients, more than 4" in shown.stderr
    machine = run("send", job, "--dry-run", "--json")
    assert machine.exit_code == 2
    assert json.loads(machine.stdout)["refused"] == {"max_recipients": ["5 recipients, more than 4"]}
    mistaken = run("send", job_file(tmp_path, bulk_job(phones(1), surprise=1)), "--dry-run")
    assert (mistaken.exit_code, mistaken.stdout) == (2, "")


def test_dry_run_of_a_list(run: Run, tmp_path: Path) -> None:
    shown = run("send", job_file(tmp_path, list_job(max_recipients=9)), "--dry-run")
    assert "only the gateway knows" in shown.stdout
    assert "max_recipients 9: not known yet" in shown.stdout
    assert "(form)" in shown.stdout


def test_shortened() -> None:
    body = {"messages": [{"delivery_list": list("abcdef")}, {"delivery_list": ["a"]}]}
    assert shortened(body) == {
        "messages": [{"delivery_list": ["a", "b", "c", "... and 3 more"]}, {"delivery_list": ["a"]}]
    }
    assert len(body["messages"][0]["delivery_list"]) == 6
