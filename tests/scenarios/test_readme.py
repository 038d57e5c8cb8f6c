"""The examples of the README and the guide, run as they stand against real workers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from campaigns import enqueue, enqueue_many
from campaigns.campaign import Campaign
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.testing import running
from campaigns.wiring import build_services, default_services, default_services_are
from tests.conftest import Processes
from tests.support.documents import blocks, read
from tests.support.jobs import phones


def examples(name: str) -> list[str]:
    """The examples in Python of a document; each endless loop over events ends."""
    found = blocks(read(name), "python")
    return [re.sub(r'consume\("(\w+)"\)', r'consume("\1", idle_s=1)', text) for text in found]


def example(name: str) -> str:
    """The one example in Python of a document."""
    (text,) = examples(name)
    return text


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
    sending, (reading, *further) = example("README.md"), examples("deploy/guide/how-to/results.md")
    said = StringIO()
    names: dict[str, Any] = {}
    with redirect_stdout(said):
        exec(compile(sending, "README.md", "exec"), names)
    assert "{'READ': 2}" in said.getvalue()
    campaign = names["campaign"]
    assert isinstance(campaign, Campaign)
    said, names = StringIO(), {"phones": ["375291111111", "375292222222"]}
    with redirect_stdout(said):
        for text in (reading.replace("1m8rdwm64vqba8rzr", campaign.id), *further):
            exec(compile(text, "results.md", "exec"), names)
    assert "375291111111 READ" in said.getvalue()
    assert "Everything must go 2 2 2 0" in said.getvalue()
    assert sorted([*names["first"], *names["second"]]) == ["375291111111", "375292222222"]
    assert default_services().settings.key_prefix == processes.env["CAMPAIGNS_KEY_PREFIX"]


class TestMistakes:
    """The first example, where it fails: it says why, and nothing is stored or sent."""

    def output(self, replaced: str = "", by: str = "") -> str:
        sending, said = example("README.md"), StringIO()
        assert replaced in sending
        with redirect_stdout(said):
            exec(compile(sending.replace(replaced, by) if replaced else sending, "README.md", "exec"), {})
        return said.getvalue()

    def test_a_job_that_breaks_rules(self) -> None:
        with running() as here:
            assert self.output(', "text": "Everything must go"') == "messages[0].content.text: is missing\n"
            assert here.campaigns() == []

    def test_a_key_of_another_job(self) -> None:
        with running() as here:
            assert "{'READ': 2}" in self.output()
            (campaign,) = here.campaigns()
            assert self.output("80292222222", "80293333333").endswith(f"has a different job {campaign.id}\n")
            assert len(here.campaigns()) == 1
            assert len(here.sandbox.ledger()) == 2


def test_a_message_pushed_by_hand() -> None:
    """As another language would, twice: the key makes it one campaign."""
    pushing = example("deploy/guide/how-to/other-languages.md")
    assert "lpush" in pushing
    with running() as here:
        pushing = pushing.replace("redis://127.0.0.1:6379/0", os.environ["CAMPAIGNS_REDIS_URL"])
        for _ in range(2):
            exec(compile(pushing, "other-languages.md", "exec"), {})
        here.finish()
        assert [(row["phone"], row["text"]) for row in here.sandbox.ledger()] == [
            ("375291111111", "Your order has shipped")
        ]
        assert len(here.campaigns()) == 1
        assert here.services.campaigns.of_key("order-4711-shipped") == here.campaigns()[0].id


def test_testing() -> None:
    testing = example("deploy/guide/how-to/testing.md")
    job = {"kind": "quick", "vibername_id": 7, "message": "Hello"}
    application = SimpleNamespace(greet=lambda phone: enqueue({**job, "phone": phone}))
    exec(compile(testing, "testing.md", "exec"), {"application": application})


def test_a_file_of_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "people.csv").write_bytes("Имя;Телефон 1\nОлег;+375 29 111-11-11\n".encode("windows-1251"))
    monkeypatch.chdir(tmp_path)
    mailing = {"alphaname_id": 444, "message_type": "bulk", "content": {"type": "text", "text": "Hello"}}
    with running() as here:
        names: dict[str, Any] = {"enqueue": enqueue, "job": {"messages": [mailing]}}
        sending, many, code, following = examples("deploy/guide/how-to/jobs.md")
        exec(compile(sending, "jobs.md", "exec"), names)
        jobs = [{"kind": "quick", "vibername_id": 7, "message": "Hello", "phone": phone} for phone in phones(2)]
        exec(compile(many, "jobs.md", "exec"), {"enqueue_many": enqueue_many, "jobs": jobs, "keys": ["a", "b"]})
        (phone,) = phones(1, start=5)
        exec(compile(code, "jobs.md", "exec"), {"enqueue": enqueue, "code": 7, "phone": phone, "request_id": 1})
        here.finish()
        exec(compile(following, "jobs.md", "exec"), {})
        assert {row["phone"] for row in here.sandbox.ledger()} == {"375291111111", *phones(2), phone}
