"""The recipes, run as they stand; what the sandbox sent is what they promise."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from campaigns import Campaign, KeyConflictError
from campaigns.cli.command_line import cli
from campaigns.testing import running
from campaigns.wiring import default_services_are
from tests.support.recipes import TEXT, Run, blocks, nowhere, sent


def test_every_recipe_is_run() -> None:
    headings = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_recipes*.py"))
    assert [heading for heading in headings if f'"{heading}"' not in tests] == []


def test_script(run_recipe: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with running() as here:
        run_recipe("A plain script")
        run_recipe("A plain script")
        assert capsys.readouterr().out == "{'READ': 2}\n" * 2
        assert sent(here) == [("375291111111", "Happy new year"), ("375292222222", "Happy new year")]


@pytest.mark.parametrize(
    ("heading", "replaced", "by", "message"),
    [
        ("A plain script", ', "text": "Happy new year"', "", "messages[0].content.text: is missing"),
        ("A plain script", "Happy new year", "Happy Easter", "key 'new-year-2027' already belongs to campaign "),
        ("Personal texts from a CSV", '"message_type": "personal", ', "", "messages[0].message_type: is missing"),
        ("Personal texts from a CSV", "row['points']", "row['points'] + '0'", "key 'points-2026-12' already belongs"),
        ("Personal texts from a CSV", "first name']", "name']", "people.csv has no column 'name'"),
    ],
)
def test_scripts_say_what_is_wrong(
    run_recipe: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str, replaced: str, by: str, message: str
) -> None:
    """In a line instead of a traceback, and nothing is stored."""
    (tmp_path / "people.csv").write_text(blocks("Personal texts from a CSV", "csv")[0], "utf-8")
    monkeypatch.chdir(tmp_path)
    with running() as here:
        if "already belongs" in message:
            run_recipe(heading)
        before = [campaign.id for campaign in here.campaigns()]
        with pytest.raises(SystemExit, match="^" + re.escape(message)):
            run_recipe(heading, replaced, by)
        assert [campaign.id for campaign in here.campaigns()] == before


def test_a_script_that_waits_too_long(run_recipe: Run) -> None:
    with running() as here:
        here.sandbox.fault("no_money", "sendBulkViber")
        with pytest.raises(SystemExit, match=r"^[0-9a-z]{17} is still ready$"):
            run_recipe("A plain script", "timeout_s=600", "timeout_s=0.05")


def test_a_script_without_a_store(run_recipe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with running():
        monkeypatch.setenv("CAMPAIGNS_REDIS_URL", nowhere())
        with default_services_are(None), pytest.raises(SystemExit, match=r"^[^\n]+$"):
            run_recipe("A plain script")


def test_raw_celery(run_recipe: Run) -> None:
    with running() as here:
        orders = run_recipe("Raw Celery from another service")
        orders.shipped(17, "+375 29 111-11-11")
        orders.shipped(17, "+375 29 111-11-11")
        orders.shipped(18, "nobody")
        orders.shipped(17, "+375 29 222-22-22")
        here.finish()
        orders.celery.close()
        assert sent(here) == [("375291111111", "Order 17 is on its way")]
        assert sorted(c.status().state for c in here.campaigns()) == ["finished", "invalid", "invalid"]
        mistakes = [c.status().errors for c in here.campaigns() if c.status().state == "invalid"]
        assert sorted(list(errors) for errors in mistakes) == [["key"], ["phone"]]


def test_exactly_once(run_recipe: Run, tmp_path: Path) -> None:
    """A crash in the middle, and then all events once more for another group: every message is counted once."""
    path = str(tmp_path / "crm.sqlite")
    with running() as here:
        keep = run_recipe("A consumer that writes to SQLite exactly once").keep
        run_recipe("A plain script")
        keep(path, idle_s=0.01, stop=lambda: True)
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TRIGGER crash BEFORE INSERT ON customers BEGIN SELECT RAISE(ABORT, 'crash'); END")
            with pytest.raises(sqlite3.IntegrityError, match="crash"):
                keep(path, idle_s=0.01)
            before = db.execute("SELECT count(*) FROM events WHERE type = 'delivery.changed' AND data LIKE '%READ%'")
            assert before.fetchone() == (0,)
            db.execute("DROP TRIGGER crash")
            keep(path, idle_s=0.01)
            keep(path, group="again", idle_s=0.01)
            kept = db.execute("SELECT phone, messages_read FROM customers ORDER BY phone").fetchall()
            assert kept == [(row["phone"], 1) for row in here.sandbox.ledger()] == [(p, 1) for p, _ in sent(here)]


def test_tomorrow(run_recipe: Run) -> None:
    zone = ZoneInfo("Europe/Minsk")
    days = [datetime.now(zone).date() + timedelta(days=1)]
    with running() as here:
        campaign = run_recipe("Tomorrow at ten in Minsk").remind(["+375 29 111-11-11"])
        days.append(datetime.now(zone).date() + timedelta(days=1))
        here.work()
        assert sent(here) == []
        here.move_to(datetime.combine(days[1], time(9, 58), zone))
        here.run_until(lambda: campaign.status().sent)
        assert sent(here) == [("375291111111", "We open today")]
        (row,) = here.sandbox.ledger()
        with pytest.raises(KeyConflictError):
            run_recipe("Tomorrow at ten in Minsk").remind(["+375 29 222-22-22"])
        assert row["starts_at_ms"] in {round(datetime.combine(day, time(10), zone).timestamp() * 1000) for day in days}


def test_personal(
    run_recipe: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (people,) = blocks("Personal texts from a CSV", "csv")
    (tmp_path / "people.csv").write_text(people, "utf-8")
    monkeypatch.chdir(tmp_path)
    with running() as here:
        here.finish(run_recipe("Personal texts from a CSV").campaign)
        assert sent(here) == [
            ("375291111111", "Anna, you have 120 points"),
            ("375292222222", "Олег, you have 7 points"),
        ]
        assert "'not a phone' is not a mobile phone number" in capsys.readouterr().out


def test_optouts(run_recipe: Run) -> None:
    with running(optout_words="STOP") as here:
        preferences = run_recipe("Opt-outs")
        preferences.unsubscribe("+375 29 111-11-11")
        assert not preferences.may_be_messaged("375291111111")
        campaign = run_recipe("A plain script").campaign
        assert campaign.status().recipients["opted_out"] == 1
        assert sent(here) == [("375292222222", "Happy new year")]
        here.sandbox.reply("375292222222", "stop")
        here.run_until(lambda: not preferences.may_be_messaged("375292222222"))
        preferences.subscribe_again("80292222222")
        assert preferences.may_be_messaged("375292222222")
        preferences.no_more_offers("80292222222")
        assert not preferences.may_get_offers("375292222222")
        assert preferences.may_be_messaged("375292222222")
        for function in (preferences.unsubscribe, preferences.subscribe_again, preferences.may_be_messaged):
            with pytest.raises(ValueError, match="phone"):
                function("nobody")


@pytest.mark.parametrize("arrived", [True, False])
def test_held(run_recipe: Run, arrived: bool) -> None:
    """The gateway breaks off and lists nothing. Whichever is true, each recipient gets the message once."""
    with running(poll_horizon_s=0.5) as here:
        here.sandbox.change(list_bulk=False)
        here.sandbox.fault("reset_after" if arrived else "reset_before", "sendBulkViber")
        run_recipe("A plain script")
        assert len(here.sandbox.ledger()) == (2 if arrived else 0)
        operators = run_recipe("Resolving what is held")
        (request,) = operators.held(idle_s=0.01)
        assert operators.decide(*request, arrived=arrived, who="Ann")
        assert not operators.decide(*request, arrived=arrived, who="Ann")
        here.finish()
        campaign = Campaign(request[0])
        assert campaign.status().sent == 2
        assert sent(here) == [("375291111111", "Happy new year"), ("375292222222", "Happy new year")]


def test_held_by_hand(run_recipe: Run) -> None:
    """The command as it stands there."""
    (command,) = re.findall(r"`campaigns (resolve [^`]*)`", TEXT)
    with running(poll_horizon_s=0.5) as here:
        here.sandbox.change(list_bulk=False)
        here.sandbox.fault("reset_before", "sendBulkViber")
        campaign = run_recipe("A plain script").campaign
        assert campaign.status().recipients["held"] == 2
        done = CliRunner().invoke(cli, shlex.split(command.replace("ID", campaign.id)))
        assert (done.exit_code, done.output) == (0, "1 batch planned again, to be sent and paid for again\n")
        here.finish()
        assert len(sent(here)) == 2


def test_testing(tmp_path: Path) -> None:
    """In a folder and a process of its own, as an application would."""
    for text in blocks("Testing your own code"):
        name = text.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    # Without other people's plugins it starts in half the time.
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
