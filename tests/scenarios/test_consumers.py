"""Consumers as processes: killed, stopped, and written in another language."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from campaigns.events import Groups
from campaigns.store.embedded import EmbeddedServer
from tests.conftest import environment
from tests.support.jobs import bulk_job, phones
from tests.support.processes import ROOT, Process
from tests.support.stage import Stage


def test_kill_9_in_mid_batch(tmp_path: Path) -> None:
    """Twenty-five crashes; `python -m tests.rig.consumers` makes a thousand."""
    code = (
        "import sys; from pathlib import Path; from tests.rig.consumers import run; "
        "print(run(sys.argv[1], Path(sys.argv[2]), 25, 3))"
    )
    with EmbeddedServer() as server:
        # In a process of its own: it forks, and this one has threads.
        ended = subprocess.run(
            [sys.executable, "-c", code, server.url, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=90,
        )
    assert b"lost=0, doubled=0" in ended.stdout
    assert b"dead=0" in ended.stdout
    assert b"repeated=0" not in ended.stdout


def follower(stage: Stage, folder: Path, *options: str) -> Process:
    settings = stage.services.settings
    env = environment(settings.redis_url, settings.gateway_url, settings.key_prefix)
    command = [sys.executable, "-m", "campaigns.cli", "events", "--group", "crm", "--follow", *options]
    return Process("events", command, env, folder)


def test_a_clean_stop(stage: Stage, tmp_path: Path) -> None:
    """SIGTERM: what was printed is acknowledged, and the next member goes on from there."""
    stage.finish(stage.enqueue(bulk_job(phones(3))))
    whole = len(list(stage.services.events.since()))
    process = follower(stage, tmp_path)
    try:
        process.wait_for("campaign.finished")
        os.kill(process.pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while process.alive() and time.monotonic() < until:
            time.sleep(0.05)
        assert process.stop() == 0
    finally:
        process.kill9()
    printed = [json.loads(line) for line in process.output().splitlines()]
    assert len({event["id"].partition("#")[0] for event in printed}) == whole
    (group,) = Groups(stage.services.store).all()
    assert group.pending == 0


def test_in_another_language(stage: Stage, server: EmbeddedServer) -> None:
    """The consumer in Perl that the documentation shows reads and acknowledges every entry."""
    stage.finish(stage.enqueue(bulk_job(phones(3))))
    events = list(stage.services.events.since())
    stage.services.store.create_group(stage.services.store.keys.events(), "perl", "0")
    command = ["perl", str(ROOT / "deploy" / "consumer.pl"), f"127.0.0.1:{urlsplit(server.url).port}"]
    more = [stage.services.store.keys.events(), "perl", "perl-1", "--once"]
    ended = subprocess.run([*command, *more], capture_output=True, check=True, timeout=20)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["id"] for line in lines] == [event.id for event in events]
    assert [line["data"] for line in lines] == [event.data for event in events]
    assert Groups(stage.services.store).all()[0].pending == 0
