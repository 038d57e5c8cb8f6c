"""The README's examples, run as they stand against real workers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from types import SimpleNamespace

import pytest

from campaigns import enqueue
from campaigns.handle import Campaign
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.wiring import build_services, default_services, default_services_are
from tests.conftest import Processes
from tests.support.processes import ROOT


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def environment_of(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in processes.env.items():
        if name.startswith("CAMPAIGNS_"):
            monkeypatch.setenv(name, value)
    settings = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    services = build_services(Settings.from_env(settings))
    with default_services_are(services):
        yield


@pytest.mark.usefixtures("environment_of")
def test_examples(processes: Processes, sandbox: Sandbox) -> None:
    processes.worker()
    processes.beat()
    sending, reading, *_ = python_blocks()
    said = StringIO()
    names: dict[str, object] = {}
    with redirect_stdout(said):
        exec(compile(sending, "README.md", "exec"), names)
    assert "{'READ': 2}" in said.getvalue()
    campaign = names["campaign"]
    assert isinstance(campaign, Campaign)
    # Another id, and an end to the endless loop.
    reading = reading.replace("1a209f07c85152972d023", campaign.id).replace(
        'consume("crm")', 'consume("crm", idle_s=1)'
    )
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(reading, "README.md", "exec"), {})
    assert "375291111111 READ" in said.getvalue()
    assert default_services().settings.key_prefix == processes.env["CAMPAIGNS_KEY_PREFIX"]


def test_testing() -> None:
    *_, testing = python_blocks()
    job = {"kind": "quick", "vibername_id": 7, "message": "Hello"}
    application = SimpleNamespace(greet=lambda phone: enqueue({**job, "phone": phone}))
    exec(compile(testing, "README.md", "exec"), {"application": application})
