"""The recipes, run as they stand; what the sandbox sent is what they promise."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import django
import httpx
import pytest
from click.testing import CliRunner
from django.conf import settings as django_settings
from django.test import Client

from campaigns import Campaign, KeyConflictError
from campaigns.cli.command_line import cli
from campaigns.testing import Here, running
from campaigns.wiring import default_services_are

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "deploy" / "RECIPES.md").read_text("utf-8")

Run = Callable[..., ModuleType]


def blocks(heading: str, language: str = "python") -> list[str]:
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the only block under a heading as a module, with one piece of it replaced if that is asked for."""

    def as_module(heading: str, replaced: str = "", by: str = "") -> ModuleType:
        (text,) = blocks(heading)
        assert replaced in text
        text = text.replace(replaced, by) if replaced else text
        module = ModuleType("recipe")
        monkeypatch.setitem(sys.modules, "recipe", module)
        exec(compile(text, "RECIPES.md", "exec"), vars(module))
        return module

    return as_module


def sent(here: Here) -> list[tuple[str, str]]:
    """Phones and texts of all that was really sent."""
    return sorted((row["phone"], row["text"]) for row in here.sandbox.ledger())


def test_every_recipe_is_run() -> None:
    headings = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    tests = Path(__file__).read_text("utf-8")
    assert [heading for heading in headings if f'"{heading}"' not in tests] == []


def test_script(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with running() as here:
        run("A plain script")
        run("A plain script")
        assert capsys.readouterr().out == "{'READ': 2}\n" * 2
        assert sent(here) == [("375291111111", "Happy new year"), ("375292222222", "Happy new year")]


@pytest.mark.parametrize(
    ("heading", "replaced", "by", "reported"),
    [
        ("A plain script", ', "text": "Happy new year"', "", "messages[0].content.text: is missing"),
        ("A plain script", "Happy new year", "Happy Easter", "key 'new-year-2027' already belongs to campaign "),
        ("Personal texts from a CSV", '"message_type": "personal", ', "", "messages[0].message_type: is missing"),
        ("Personal texts from a CSV", "row['points']", "row['points'] + '0'", "key 'points-2026-12' already belongs"),
        ("Personal texts from a CSV", "first name']", "name']", "people.csv has no column 'name'"),
    ],
)
def test_scripts_say_what_is_wrong(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str, replaced: str, by: str, reported: str
) -> None:
    """In a line instead of a traceback, and nothing is stored."""
    (tmp_path / "people.csv").write_text(blocks("Personal texts from a CSV", "csv")[0], "utf-8")
    monkeypatch.chdir(tmp_path)
    with running() as here:
        if "already belongs" in reported:
            run(heading)
        before = [campaign.id for campaign in here.campaigns()]
        with pytest.raises(SystemExit, match="^" + re.escape(reported)):
            run(heading, replaced, by)
        assert [campaign.id for campaign in here.campaigns()] == before


def test_a_script_that_waits_too_long(run: Run) -> None:
    with running() as here:
        here.sandbox.fault("no_money", "sendBulkViber")
        with pytest.raises(SystemExit, match=r"^[0-9a-f]{21} is still ready$"):
            run("A plain script", "timeout_s=600", "timeout_s=0.05")


def test_a_script_without_a_store(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with running():
        monkeypatch.setenv("CAMPAIGNS_REDIS_URL", nowhere())
        with default_services_are(None), pytest.raises(SystemExit, match=r"^[^\n]+$"):
            run("A plain script")


def nowhere() -> str:
    """The address of a server that is not there."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{free.getsockname()[1]}/0"


class TestFrameworks:
    """The same two addresses in each: a customer is told, and what became of it. No mistake ends in a 500."""

    PATH = "/orders/17/shipped"
    SENT = ("375291111111", "Order 17 is on its way")

    def check(self, here: Here, post: Callable[[str], tuple[int, Any]], get: Callable[[str], tuple[int, Any]]) -> None:
        code, reported = post("+375 29 111-11-11")
        assert (code, post("+375 29 111-11-11")) == (202, (202, reported))
        assert post("nobody") == (400, {"errors": ["phone: is not a mobile phone number"]})
        here.finish()
        code, status = get(f"/campaigns/{reported['campaign']}")
        assert (code, status["statuses"]) == (200, {"READ": 1})
        assert get("/campaigns/none")[0] == 404
        code, conflict = post("+375 29 222-22-22")
        assert (code, conflict["campaign"], len(conflict["errors"])) == (409, reported["campaign"], 1)
        assert sent(here) == [self.SENT]
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CAMPAIGNS_REDIS_URL", nowhere())
            with default_services_are(None):
                assert post("+375 29 111-11-11") == (503, {"errors": ["try again"]})
                assert get(f"/campaigns/{reported['campaign']}") == (503, {"errors": ["try again"]})

    def test_django(self, run: Run) -> None:
        django_settings.configure(ROOT_URLCONF="recipe", ALLOWED_HOSTS=["testserver"])
        django.setup(set_prefix=False)
        with running() as here:
            run("Django")
            client = Client()

            def post(phone: str) -> tuple[int, Any]:
                answer = client.post(self.PATH, {"phone": phone})
                return answer.status_code, answer.json()

            def get(path: str) -> tuple[int, Any]:
                answer = client.get(path)
                return answer.status_code, answer.json()

            self.check(here, post, get)

    def test_flask(self, run: Run) -> None:
        with running() as here:
            client = run("Flask").app.test_client()

            def post(phone: str) -> tuple[int, Any]:
                answer = client.post(self.PATH, data={"phone": phone})
                return answer.status_code, answer.json

            def get(path: str) -> tuple[int, Any]:
                answer = client.get(path)
                return answer.status_code, answer.json

            self.check(here, post, get)

    def test_fastapi(self, run: Run) -> None:
        with running() as here:
            app = run("FastAPI").app

            async def ask(method: str, path: str, document: Any = None) -> httpx.Response:
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                    return await client.request(method, path, json=document)

            def post(phone: str) -> tuple[int, Any]:
                answer = asyncio.run(ask("POST", self.PATH, {"phone": phone}))
                return answer.status_code, answer.json()

            def get(path: str) -> tuple[int, Any]:
                answer = asyncio.run(ask("GET", path))
                return answer.status_code, answer.json()

            self.check(here, post, get)


def test_raw_celery(run: Run) -> None:
    with running() as here:
        orders = run("Raw Celery from another service")
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


def test_exactly_once(run: Run, tmp_path: Path) -> None:
    """A crash in the middle, and then all events once more for another group: every message is counted once."""
    path = str(tmp_path / "crm.sqlite")
    with running() as here:
        keep = run("A consumer that writes to SQLite exactly once").keep
        run("A plain script")
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


def test_tomorrow(run: Run) -> None:
    zone = ZoneInfo("Europe/Minsk")
    days = [datetime.now(zone).date() + timedelta(days=1)]
    with running() as here:
        campaign = run("Tomorrow at ten in Minsk").remind(["+375 29 111-11-11"])
        days.append(datetime.now(zone).date() + timedelta(days=1))
        here.work()
        assert sent(here) == []
        here.move_to(datetime.combine(days[1], time(9, 58), zone))
        here.run_until(lambda: campaign.status().sent)
        assert sent(here) == [("375291111111", "We open today")]
        (row,) = here.sandbox.ledger()
        with pytest.raises(KeyConflictError):
            run("Tomorrow at ten in Minsk").remind(["+375 29 222-22-22"])
        assert row["starts_at_ms"] in {round(datetime.combine(day, time(10), zone).timestamp() * 1000) for day in days}


def test_personal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (people,) = blocks("Personal texts from a CSV", "csv")
    (tmp_path / "people.csv").write_text(people, "utf-8")
    monkeypatch.chdir(tmp_path)
    with running() as here:
        here.finish(run("Personal texts from a CSV").campaign)
        assert sent(here) == [
            ("375291111111", "Anna, you have 120 points"),
            ("375292222222", "Олег, you have 7 points"),
        ]
        assert "'not a phone' is not a mobile phone number" in capsys.readouterr().out


def test_optouts(run: Run) -> None:
    with running(optout_words="STOP") as here:
        preferences = run("Opt-outs")
        preferences.unsubscribe("+375 29 111-11-11")
        assert not preferences.may_be_messaged("375291111111")
        campaign = run("A plain script").campaign
        assert campaign.status().recipients["opted_out"] == 1
        assert sent(here) == [("375292222222", "Happy new year")]
        here.sandbox.reply("375292222222", "stop")
        here.run_until(lambda: not preferences.may_be_messaged("375292222222"))
        preferences.subscribe_again("80292222222")
        assert preferences.may_be_messaged("375292222222")
        for function in (preferences.unsubscribe, preferences.subscribe_again, preferences.may_be_messaged):
            with pytest.raises(ValueError, match="phone"):
                function("nobody")


@pytest.mark.parametrize("arrived", [True, False])
def test_held(run: Run, arrived: bool) -> None:
    """The gateway breaks off and lists nothing. Whichever is true, everybody gets the message once."""
    with running(poll_horizon_s=0.5) as here:
        here.sandbox.change(list_bulk=False)
        here.sandbox.fault("reset_after" if arrived else "reset_before", "sendBulkViber")
        run("A plain script")
        assert len(here.sandbox.ledger()) == (2 if arrived else 0)
        operators = run("Resolving what is held")
        (request,) = operators.held(idle_s=0.01)
        assert operators.decide(*request, arrived=arrived, who="Ann")
        assert not operators.decide(*request, arrived=arrived, who="Ann")
        here.finish()
        campaign = Campaign(request[0])
        assert campaign.status().sent == 2
        assert sent(here) == [("375291111111", "Happy new year"), ("375292222222", "Happy new year")]


def test_held_by_hand(run: Run) -> None:
    """The command as it stands there."""
    (command,) = re.findall(r"`campaigns (resolve [^`]*)`", TEXT)
    with running(poll_horizon_s=0.5) as here:
        here.sandbox.change(list_bulk=False)
        here.sandbox.fault("reset_before", "sendBulkViber")
        campaign = run("A plain script").campaign
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
