"""The command, run in this process, what its doctor finds, and receivers of callbacks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from click.testing import CliRunner, Result

from campaigns.cli.command_line import cli
from campaigns.health.heartbeats import consuming, ticked
from campaigns.names import QUEUES
from campaigns.wiring import default_services_are
from tests.conftest import environment
from tests.support.receivers import BASE, Running, StartReceiver
from tests.support.settings import TOKEN
from tests.support.stage import Stage

Run = Callable[..., Result]


@pytest.fixture
def run(stage: Stage, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with the stage's store and sandbox in its environment."""
    settings = stage.services.settings
    for name, value in environment(settings.redis_url, settings.gateway_url, prefix).items():
        monkeypatch.setenv(name, value)

    def invoke(*arguments: object, **more: object) -> Result:
        with default_services_are(None):
            return CliRunner().invoke(cli, [str(a) for a in arguments], **more)  # type: ignore[arg-type]

    return invoke


@pytest.fixture
def alive(stage: Stage) -> Stage:
    """All signs of life that workers and beat would leave."""
    consuming(stage.services.store, QUEUES)
    ticked(stage.services.store)
    return stage


def found(run: Run) -> dict[str, tuple[str, str, str]]:
    """What the doctor finds ill: verdict, finding and remedy. Nothing may hang, nor tell a token."""
    began_s = time.monotonic()
    result = run("doctor", "--json")
    assert time.monotonic() - began_s < 5
    assert result.stderr == ""
    assert TOKEN not in result.stdout
    findings = [json.loads(line) for line in result.stdout.splitlines()]
    ill = {f["what"]: (f["verdict"], f["found"], f["remedy"]) for f in findings if f["verdict"] in {"warn", "fail"}}
    assert result.exit_code == int(any(verdict == "fail" for verdict, _, _ in ill.values()))
    assert len({f["what"] for f in findings}) == len(findings)
    return ill


def only(run: Run, what: str, verdict: str, words: str, remedy: str) -> None:
    """The doctor finds this, and nothing else."""
    ill = found(run)
    assert list(ill) == [what], ill
    assert ill[what][0] == verdict
    assert words in ill[what][1]
    assert remedy in ill[what][2]


@pytest.fixture
def start_receiver(make_stage: Callable[..., Stage]) -> Iterator[StartReceiver]:
    """What starts receivers with limits of their own; all are ended."""
    with ExitStack() as stack:

        def start(**limits: Any) -> Running:
            running = Running(make_stage(callback_base_url=BASE), **limits)
            stack.callback(running.end)
            return running

        yield start
