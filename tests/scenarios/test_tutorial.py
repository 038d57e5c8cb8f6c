"""The tutorial, typed as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from campaigns.cli.command_line import cli
from campaigns.testing import Here, running
from tests.support.documents import read

PHONE, ANSWERS = "375291111111", "375297779909"
COMMAND = ".venv/bin/campaigns "


def typed() -> list[str]:
    """What the reader types in the second terminal, in order: a block of shell, or indented lines."""
    found = re.findall(
        r"^```sh\n(.*?)^```|^((?:    [^\n]+\n)+)", read("deploy/guide/tutorial.md"), re.DOTALL | re.MULTILINE
    )
    first, *rest = (block or lines for block, lines in found)
    assert first == "./deploy/demo --stay\n"
    return rest


class Terminal:
    """The reader's second terminal: our commands run in this process, in the folder in which it is."""

    def __init__(self) -> None:
        self._blocks = iter(typed())

    def next(self, campaign_id: str = "", *, code: int = 0) -> str:
        """Type the next block, with an id put in. Returns what our commands printed."""
        lines = next(self._blocks).splitlines(keepends=True)
        other = "".join(line for line in lines if not line.strip().startswith(COMMAND))
        subprocess.run(["sh", "-euc", other], check=True)
        printed = ""
        for line in lines:
            if line.strip().startswith(COMMAND):
                words = shlex.split(re.sub(r"\bID\b", campaign_id, line.strip().removeprefix(COMMAND)))
                done = CliRunner().invoke(cli, words)
                assert done.exit_code == code, line + done.output
                printed += done.output
        return printed

    def is_done(self) -> bool:
        return next(self._blocks, None) is None


@contextmanager
def at_work(here: Here) -> Iterator[None]:
    """The work of worker and beat, beside commands that wait for it."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.01):
            here.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def id_of(printed: str) -> str:
    return re.findall(r"\b[0-9a-z]{17}\b", printed)[0]


def got(here: Here) -> list[str]:
    """The texts that the first phone really got, oldest first."""
    return [row["text"] for row in here.sandbox.ledger() if row["phone"] == PHONE]


@pytest.mark.clear_listing
def test_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    terminal = Terminal()
    with running() as here, at_work(here):
        send(terminal)
        doubt_that_resolves_itself(terminal, here)
        doubt_that_the_reader_resolves(terminal, here)
        assert got(here) == ["Everything must go", "Two more days", "Last day"]
    assert terminal.is_done()


def send(terminal: Terminal) -> None:
    terminal.next()
    previewed = terminal.next()
    assert "not a phone at people.csv, line 6" in previewed
    assert "3  to be sent\n1  paid request" in previewed
    sent = terminal.next()
    assert "2  READ" in sent
    assert "1  UNDELIVERED" in sent
    assert "no new campaign was made" in terminal.next()
    listed = terminal.next()
    assert id_of(sent) in listed
    assert f"{ANSWERS}, times in" in listed
    assert terminal.next(id_of(sent)).startswith("written: ")


def doubt_that_resolves_itself(terminal: Terminal, here: Here) -> None:
    here.sandbox.fault("reset_after", "sendBulkViber")
    assert "2  READ" in terminal.next()
    explained = terminal.next()
    assert "in doubt: " in explained
    assert "the request had arrived" in explained


def doubt_that_the_reader_resolves(terminal: Terminal, here: Here) -> None:
    here.sandbox.fault("reset_before", "sendBulkViber")
    held = terminal.next(code=1)
    assert "3  held: a person must decide" in held
    assert id_of(held) in terminal.next()
    assert got(here)[-1] == "Two more days"
    assert "2  READ" in terminal.next(id_of(held))
