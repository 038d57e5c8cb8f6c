"""The command: what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from campaigns.store.commands import Redis, command
from tests.cli.conftest import Run
from tests.conftest import environment
from tests.support.jobs import bulk_job, phones, sample_job
from tests.support.processes import ROOT
from tests.support.stage import Stage


def job_file(folder: Path, job: Any) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps(job), "utf-8")
    return path


def test_send_and_follow(run: Run, stage: Stage, tmp_path: Path) -> None:
    sent = run("send", job_file(tmp_path, bulk_job(phones(3), name="Spring")), "--key", "k", "--json")
    assert sent.exit_code == 0, sent.output
    status = json.loads(sent.stdout)
    assert (status["state"], status["total"], status["name"]) == ("ready", 3, "Spring")
    campaign = stage.services.campaigns.read(status["id"])
    stage.until(lambda: stage.services.campaigns.read(campaign.id).over)
    shown = run("status", campaign.id)
    assert "finished" in shown.stdout
    assert "3  READ" in shown.stdout
    assert "Spring" in run("list").stdout
    rows = [json.loads(line) for line in run("deliveries", campaign.id, "--status", "READ").stdout.splitlines()]
    assert sorted(row["phone"] for row in rows) == phones(3)
    types = [json.loads(line)["type"] for line in run("events").stdout.splitlines()]
    assert types[0] == "campaign.ready"
    assert types[-1] == "campaign.finished"
    grouped = [json.loads(line)["type"] for line in run("events", "--group", "g").stdout.splitlines()]
    assert "delivery.changed" in grouped
    assert run("cancel", campaign.id).exit_code == 5


def test_recipients_from_a_file(run: Run, tmp_path: Path) -> None:
    job = bulk_job([])
    del job["messages"][0]["delivery_list"]
    people = tmp_path / "people.csv"
    people.write_text("phone\n" + "\n".join([*phones(2), "nobody"]))
    sent = run("send", job_file(tmp_path, job), "--recipients", people, "--json")
    status = json.loads(sent.stdout)
    assert status["recipients"]["invalid"] == 1
    out = json.loads(run("excluded", status["id"]).stdout)
    assert out == {"reason": "invalid", "place": "people.csv, line 4", "mailing": None, "phone": "nobody", "why": ""}


def test_mistakes_in_a_job(run: Run, tmp_path: Path) -> None:
    job = sample_job()
    job["messages"][2]["content"]["button_link"] = "nowhere"
    job["token"] = "t"
    sent = run("send", job_file(tmp_path, job))
    assert sent.exit_code == 2
    assert "the job has 2 mistakes" in sent.stderr
    assert "messages[2].content.button_link: must be a URL" in sent.stderr


def test_no_json(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text("{")
    sent = run("send", path)
    assert sent.exit_code == 2
    assert "is not JSON" in sent.stderr


def test_no_such_campaign(run: Run) -> None:
    for name in ("status", "pause", "resume", "cancel", "deliveries"):
        ended = run(name, "nope")
        assert ended.exit_code == 4
        assert ended.stderr.startswith("campaigns: no campaign 'nope'\n  to list campaigns: campaigns list")


def test_resuming_while_the_event_stream_is_full(run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that nothing goes out all the same, and until when; so do `status` and `list`."""
    store = stage.services.store
    store.create_group(store.keys.events(), "slow", "0")
    campaign = stage.enqueue(bulk_job(phones(1)))
    store.ask_many([command(Redis.xadd, store.keys.events(), {"type": "x"})] * 120)
    stage.services.events.trim(0, 100)
    for name in ("resume", "status"):
        words = run(name, campaign.id).stdout
        assert "of what group slow has not read; it continues once there is room" in " ".join(words.split())
    assert "campaigns events --group slow --delete" in run("status", campaign.id).stdout
    assert json.loads(run("status", campaign.id, "--json").stdout)["events_full_group"] == "slow"
    assert "event stream full" in run("list").stdout


def test_pause_and_resume(run: Run, stage: Stage, tmp_path: Path) -> None:
    status = json.loads(run("send", job_file(tmp_path, bulk_job(phones(2))), "--json").stdout)
    assert run("pause", status["id"]).exit_code == 0
    assert json.loads(run("status", status["id"], "--json").stdout)["state"] == "paused"
    assert run("resume", status["id"]).exit_code == 0
    assert run("resume", status["id"]).exit_code == 0


def test_resolve_and_retry(run: Run, stage: Stage, tmp_path: Path) -> None:
    stage.sandbox.fault("reset_before", "sendBulkViber")
    status = json.loads(run("send", job_file(tmp_path, bulk_job(phones(2))), "--json").stdout)
    stage.until(lambda: stage.services.campaigns.read(status["id"]).over)
    assert f"campaigns resolve {status['id']}" in run("status", status["id"]).stdout
    assert run("resolve", status["id"], "resend").exit_code == 2
    resolved = run("resolve", status["id"], "resend", "--why", "not in the cabinet")
    assert (resolved.exit_code, resolved.stdout) == (0, "1 batch planned again, to be sent and paid for again\n")
    retried = run("retry", status["id"], "--why", "x")
    assert retried.exit_code == 1
    assert retried.stdout == (
        f"no batch was refused as a whole, so nothing was done; see where it is: campaigns status {status['id']}\n"
    )


def test_a_paused_account_is_shown_and_resumed(run: Run, stage: Stage, tmp_path: Path) -> None:
    stage.sandbox.fault("no_money", "sendBulkViber")
    status = json.loads(run("send", job_file(tmp_path, bulk_job(phones(2))), "--json").stdout)
    stage.step()
    shown = run("status", status["id"]).stdout
    assert "is paused until" in shown
    assert "refused: Insufficient funds" in shown
    assert "is paused for" in run("doctor").stdout
    assert "is resumed; it was paused because: refused: Insufficient funds" in run("resume-account", "default").stdout
    assert "is not paused" in run("resume-account", "default").stdout
    assert json.loads(run("status", status["id"], "--json").stdout)["account_paused_until"] is None


def test_optouts(run: Run) -> None:
    assert run("optouts", "add", "+375 29 111-11-11", "375291111112").stdout == "2 added\n"
    assert sorted(run("optouts", "list").stdout.split()) == ["375291111111", "375291111112"]
    assert run("optouts", "remove", "80291111111").stdout == "1 removed\n"
    assert run("optouts", "add", "nobody").exit_code == 2


def test_bad_setting() -> None:
    env = environment("nowhere", "http://127.0.0.1:9", "x:")
    ended = subprocess.run(
        [sys.executable, "-m", "campaigns.cli", "list"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("campaigns: CAMPAIGNS_REDIS_URL: must be a URL")


def test_sandbox_on_a_busy_port(free_port: int) -> None:
    command = [sys.executable, "-m", "campaigns.cli", "sandbox", "--port", str(free_port)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == f"sandbox listening on http://127.0.0.1:{free_port}\n"
        assert first.stdout.readline().endswith(f" http://127.0.0.1:{free_port}/\n")
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1
        assert second.stderr.startswith(f"campaigns: cannot listen on 127.0.0.1:{free_port}")
        assert len(second.stderr.splitlines()) == 1
    finally:
        first.send_signal(signal.SIGINT)
        assert first.wait(10) == 0
        assert first.stdout is not None
        first.stdout.close()


def test_dialects_of_the_sandbox_are_listed(run: Run) -> None:
    shown = run("sandbox", "--dialect", "help")
    assert shown.exit_code == 0
    assert "masking      masks phones in getViberDeliveryList: 37529***0001" in shown.stdout.splitlines()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--dialect", "klingon", "no dialect 'klingon'; there are documented, "),
        ("--balance", "much", "'much' is not an amount"),
        ("--speed", "0", "speed must be above zero"),
    ],
)
def test_wrong_options_of_the_sandbox(run: Run, option: str, value: str, said: str) -> None:
    refused = run("sandbox", option, value)
    assert refused.exit_code == 2
    assert said in refused.stderr
