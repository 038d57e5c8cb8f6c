"""A worker that crash reporters, tracers and dumps watch while it works and crashes: none sees token, phone or text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from campaigns.enqueue import enqueue
from campaigns.metrics.exposition import registry_of
from campaigns.metrics.reading import read
from campaigns.names import QUEUES
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.support.jobs import bulk_job, personal_job, quick_job
from tests.support.messages import submit
from tests.support.processes import celery
from tests.support.secrets import found
from tests.support.waiting import wait_until

PHONES = ["375291234567", "375337654321", "375447654322"]
TEXT, NAME = "только для её глаз 7/+=?", "Аліна Прыватная"
TOKEN = "tok/5d1e7a90c2b4+ü="
#: Where the worker crashes: while it plans, records what was sent, notes statuses, and stores replies.
MISTAKES = ("store_campaigns", "move_batch", "change_deliveries", "store_replies")


def settings_of(env: dict[str, str]) -> Settings:
    return Settings.from_env({name: value for name, value in env.items() if name.startswith("CAMPAIGNS_")})


def play(url: str, prefix: str, services: Services, sandbox: Sandbox, mistakes: Path) -> None:
    """Every kind of sending, a lost answer, a refusal that echoes, a reply, and all mistakes."""
    sandbox.fault("reset_after", "sendQuickViberMessage")
    sandbox.fault("refuse", "getViberDeliveryData", text=f"refused {PHONES[0]} {TEXT}")
    bulk = enqueue(services, bulk_job(PHONES, text=TEXT))
    wait_until(lambda: bulk.status().sent)
    sandbox.reply(PHONES[1], TEXT)
    submit(url, prefix, {**bulk_job(PHONES, text=TEXT), "kind": "bulk"})
    others = [
        enqueue(services, quick_job(*PHONES, message=TEXT)),
        enqueue(services, personal_job([{"phone": PHONES[0], "text": f"{NAME}: {TEXT}"}])),
    ]
    wait_until(lambda: not list(mistakes.iterdir()), 100)
    wait_until(lambda: all(campaign.status().sent for campaign in others))


@pytest.fixture
def seen(tmp_path: Path, server: EmbeddedServer, prefix: str) -> dict[str, str]:
    """What each who watches has seen."""
    file, mistakes = tmp_path / "seen", tmp_path / "mistakes"
    mistakes.mkdir()
    for name in MISTAKES:
        (mistakes / name).touch()
    with Sandbox(options=Options(speed=100, token=TOKEN)) as sandbox:
        env = {
            **environment(server.url, sandbox.url, prefix),
            "CAMPAIGNS_TOKEN": TOKEN,
            "CAMPAIGNS_LOG_FORMAT": "json",
            "CAMPAIGNS_POLL_HORIZON_S": "600",
            "WATCHED_SEEN": str(file),
            "WATCHED_MISTAKES": str(mistakes),
        }
        services = build_services(settings_of(env))
        processes = Processes(tmp_path, env, app="tests.support.watched_app")
        try:
            options = ("--queues", ",".join(QUEUES), "--concurrency", "2", "--loglevel", "DEBUG", "--without-mingle")
            worker = processes.start("worker", celery("worker", *options, app="tests.support.watched_app"))
            processes.beat()
            worker.wait_for("ready.", 100)  # it imports a lot
            play(server.url, prefix, services, sandbox, mistakes)
            page = generate_latest(registry_of(lambda: read(services.store, services.settings))).decode()
        finally:
            processes.end()
    logs = "".join(process.output() for process in processes.all())
    return {"reports, spans and dumps": file.read_text("utf-8"), "logs": logs, "metrics": page}


@pytest.mark.timeout(300)
def test_no_watcher_sees_anything_private(seen: dict[str, str]) -> None:
    reports = seen["reports, spans and dumps"]
    kinds = Counter(line.partition(":")[0] for line in reports.splitlines())
    assert {"sentry event", "sentry transaction", "span", "dump"} <= kinds.keys()
    for name in MISTAKES[1:]:
        assert f"a mistake that was planted in {name}" in reports
    assert "submission_failed" in seen["logs"]
    assert "evalsha" in reports.lower()
    assert "campaigns_recipients_total" in seen["metrics"]
    for secret in (TOKEN, *PHONES, TEXT, NAME):
        assert {place: found([secret], text) for place, text in seen.items()} == {place: [] for place in seen}
