"""A server that cannot be reached, or says nothing, is told within seconds, in one clear line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from campaigns.enqueue import enqueue
from campaigns.errors import StoreError
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import INTERACTIVE, UNATTENDED, build_services, open_store
from tests.conftest import environment
from tests.support.holes import full_port, silent_port
from tests.support.jobs import bulk_job, phones

_PASSWORD = "s3cret-of-the-store"
_COMMANDS = [
    ["list"],
    ["status", "x"],
    ["status", "x", "--watch"],
    ["deliveries", "x"],
    ["replies", "x"],
    ["excluded", "x"],
    ["pause", "x"],
    ["resume", "x"],
    ["cancel", "x"],
    ["poll", "x"],
    ["resolve", "x", "sent", "--why", "y"],
    ["retry", "x", "--why", "y"],
    ["resume-account", "default"],
    ["events"],
    ["events", "--follow"],
    ["events", "--group", "crm"],
    ["events", "--group", "crm", "--dead-letters"],
    ["optouts", "list"],
    ["optouts", "add", "375291111111"],
    ["explain", "375291111111"],
    ["erase", "375291111111"],
    ["report", "x"],
]


@pytest.fixture(params=["closed", "silent", "full"])
def port(request: pytest.FixtureRequest, free_port: int) -> Iterator[int]:
    """Nobody listens; somebody listens and never answers; nobody even accepts."""
    with ExitStack() as stack:
        kinds = {"silent": silent_port, "full": full_port}
        yield stack.enter_context(kinds[request.param]()) if request.param in kinds else free_port


def address(port: int) -> str:
    return f"redis://somebody:{_PASSWORD}@127.0.0.1:{port}/0"


def test_every_command_tells(port: int, tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    job.write_text(json.dumps(bulk_job(phones(2))), "utf-8")
    commands = [*_COMMANDS, ["send", str(job)], ["send", str(job), "--key", "k"]]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.forked_commands", json.dumps(commands)],
        env=environment(address(port), "http://127.0.0.1:9", "x:"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(results) == len(commands)
    for arguments, code, complaint, output, took_s in results:
        assert (code, took_s < 3.5) == (3, True), (arguments, took_s, output)
        assert f"127.0.0.1:{port}" in complaint, arguments
        assert len(complaint.splitlines()) == 2, arguments
        assert _PASSWORD not in output
        assert "Traceback" not in output


def test_an_application_is_told(port: int) -> None:
    settings = Settings(redis_url=address(port))
    services = build_services(settings, store=open_store(settings, INTERACTIVE))
    began_s = time.monotonic()
    with pytest.raises(StoreError, match=f"127.0.0.1:{port}") as reported:
        enqueue(services, bulk_job(phones(2)))
    assert time.monotonic() - began_s < 3.2
    assert _PASSWORD not in str(reported.value)
    assert reported.value.__suppress_context__


def test_a_broker_that_cannot_be_reached_does_not_hold_up_an_application(port: int, server: EmbeddedServer) -> None:
    settings = Settings(redis_url=server.url, broker_url=address(port), key_prefix=f"no-broker-{port}:")
    began_s = time.monotonic()
    campaign = enqueue(build_services(settings), bulk_job(phones(2)))
    assert time.monotonic() - began_s < 3.2
    assert campaign.status().state == "ready"


def test_both_ride_out_a_quick_restart() -> None:
    with EmbeddedServer() as server:
        stores = [open_store(Settings(redis_url=server.url), patience) for patience in (INTERACTIVE, UNATTENDED)]
        for store in stores:
            store.ask(Redis.set, "k", "v")
        server.kill()
        server.start()
        assert [store.ask(Redis.get, "k") for store in stores] == [b"v", b"v"]
