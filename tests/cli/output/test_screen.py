"""What others wrote is only text on the screen, whatever the screen can show."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import orjson
import pytest
from rich.table import Table
from rich.text import Text

from campaigns.cli.output.screen import Screen, print_json
from campaigns.store.commands import Redis
from campaigns.text.harmless import harmless_lines
from tests.cli.conftest import Run
from tests.conftest import environment
from tests.support.jobs import bulk_job, phones
from tests.support.processes import ROOT
from tests.support.stage import Stage

#: Moves the cursor, sets the title, turns the direction, hides, closes markup, and begins a line like one of ours.
HOSTILE = "\x1b[1A\x1b]0;x\x07\x9b2J\u202e\u200b[/bold]\nfinished"


def printed(what: object, **more: object) -> str:
    screen = Screen(file=StringIO(), width=80, **more)  # type: ignore[arg-type]
    screen.print(what)
    return screen.file.getvalue()  # type: ignore[attr-defined,no-any-return]


class TestScreen:
    """The gate that every text passes."""

    def test_markup_is_text(self) -> None:
        assert printed("[bold]x[/bold] :smile: [/]") == "[bold]x[/bold] :smile: [/]\n"

    @pytest.mark.parametrize("terminal", [False, True])
    def test_every_way_to_print(self, terminal: bool) -> None:
        table = Table(HOSTILE, box=None)
        table.add_row(HOSTILE)
        table.add_row(Text(HOSTILE, style="red"))
        for what in (HOSTILE, Text(HOSTILE), Text.assemble(("a", "bold"), HOSTILE), table):
            shown = printed(what, force_terminal=terminal, color_system=None)
            assert harmless_lines(shown) == shown
            assert "finished" in shown
            assert not any(line.strip().startswith("finished") for line in shown.splitlines())

    def test_styles_stay_where_they_are(self) -> None:
        text = Text.assemble("\x1b", ("red", "red"), "\x1b")
        shown = printed(text, force_terminal=True, color_system="standard", _environ={})
        assert shown == "\\x1b\x1b[31mred\x1b[0m\\x1b\n"


@pytest.fixture
def hostile(stage: Stage) -> str:
    """A campaign in which whatever others write is hostile: its name, a reply, its errors, the gateway's words."""
    campaign = stage.enqueue(bulk_job([*phones(1), "375297779909"], name="x"))
    stage.finish(campaign)
    services = stage.services
    keys, ask = services.store.keys, services.store.ask
    errors = orjson.dumps({HOSTILE: [HOSTILE]})
    ask(Redis.hset, keys.campaign(campaign.id), "name", HOSTILE)
    ask(Redis.hset, keys.campaign(campaign.id), "errors", errors)
    ask(Redis.hset, keys.campaign(campaign.id), "currency", HOSTILE)
    ask(Redis.hset, keys.batch(f"{campaign.id}-0"), "text", HOSTILE)
    reply = {"phone": phones(1)[0], "message": HOSTILE, "received_ms": 0, "batch": f"{campaign.id}-0", "mailing": ""}
    ask(Redis.hset, keys.replies(campaign.id), "9", orjson.dumps(reply))
    return campaign.id


COMMANDS = ["status ID", "list", "explain PHONE", "report ID --output -", "report ID --csv", "cancel ID", "resume ID"]
JSON_COMMANDS = ["status ID", "list", "explain PHONE", "replies ID", "deliveries ID", "export ID", "events"]


def test_nothing_acts_on_a_terminal(run: Run, hostile: str) -> None:
    for command in COMMANDS:
        ended = run(*command.replace("ID", hostile).replace("PHONE", phones(1)[0]).split())
        assert ended.exit_code in {0, 5}, ended.output
        assert harmless_lines(ended.output) == ended.output, command


def test_json_is_whole_and_does_not_act(run: Run, hostile: str) -> None:
    for command in JSON_COMMANDS:
        ended = run(*command.replace("ID", hostile).replace("PHONE", phones(1)[0]).split(), "--json")
        assert ended.exit_code == 0, ended.output
        assert harmless_lines(ended.output) == ended.output, command
        found = [value for line in ended.stdout.splitlines() for value in values(json.loads(line))]
        assert found
        assert command in {"deliveries ID", "events"} or HOSTILE in found, command


def values(document: object) -> list[object]:
    """Every value of a JSON document."""
    if isinstance(document, dict):
        return [inner for value in document.values() for inner in values(value)]
    if isinstance(document, list):
        return [inner for value in document for inner in values(value)]
    return [document]


def test_a_terminal_that_knows_few_characters(stage: Stage, prefix: str) -> None:
    """What it cannot show is replaced, and the exit code is the usual one."""
    campaign = stage.enqueue(bulk_job(phones(1), name="Скидки 🎉"))
    settings = stage.services.settings
    env = environment(settings.redis_url, settings.gateway_url, prefix) | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}

    def ended(*command: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "campaigns.cli", *command]
        return subprocess.run(whole, env=env, capture_output=True, encoding="ascii", timeout=60, check=False, cwd=ROOT)

    shown = ended("status", campaign.id)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "?????? ?  ready" in shown.stdout
    wrong = ended("events", "--group", "Ж\udcff", "--rewind", "0")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)


def test_json_is_whole_where_only_ascii_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(raw, encoding="koi8-r", errors="replace"))
    print_json({"name": "Скидки 🎉"})
    assert raw.getvalue().isascii()
    assert json.loads(raw.getvalue()) == {"name": "Скидки 🎉"}


def test_only_one_place_prints() -> None:
    """Whatever a command prints goes through the screen, or is a file that somebody asked for."""
    found = {
        (path.name, ast.unparse(node))
        for path in (ROOT / "campaigns" / "cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if printing(node)
    }
    assert {(name, what) for name, what in found if name != "screen.py"} == ALLOWED


#: A script for a shell, a file's own bytes, a stream that is closed since nobody reads it, and this very question.
ALLOWED = {("completion.py", "click.echo"), ("files.py", "sys.stdout"), ("handling.py", "sys.stderr")}


def printing(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) in {"click.echo", "click.secho", "sys.stdout", "sys.stderr", "rich.print"}
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "Console"}


def test_the_page_shows_it_as_text(run: Run, hostile: str, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    assert run("report", hostile, "--output", path).exit_code == 0
    page = path.read_text("utf-8")
    assert harmless_lines(page) == page
    assert "\\x1b[1A" in page
