"""The layout of the store has a version, and a process that knows another one leaves the store alone."""

from __future__ import annotations

import os

import pytest

from campaigns.campaign import list_campaigns
from campaigns.cli.doctor.examination import examine
from campaigns.cli.errors.handling import errors_as_exit_codes
from campaigns.enqueue import enqueue
from campaigns.errors import LayoutError
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from campaigns.store.layout_version import LAYOUT
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.support.jobs import phones, quick_job
from tests.support.processes import celery


@pytest.fixture
def services(processes: Processes) -> Services:
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    return build_services(Settings.from_env(names))


def another(services: Services) -> Services:
    """The same again, as another process has it."""
    return build_services(services.settings)


def ours(services: Services) -> dict[bytes, bytes]:
    """Every key of this test and what it holds: other tests write to the same server."""
    redis = services.store.redis
    return {key: redis.dump(key) for key in redis.scan_iter(match=f"{services.settings.key_prefix}*", count=1_000)}


def test_an_empty_store_gets_ours(services: Services) -> None:
    keys = services.store.keys
    enqueue(services, quick_job(*phones(1)))
    assert services.store.ask(Redis.get, keys.layout()) == LAYOUT
    assert another(services).campaigns.of_key("nothing") is None


@pytest.mark.parametrize("layout", [b"7", None], ids=["another version", "before there were versions"])
def test_another_layout_is_refused_before_anything_is_read_or_written(services: Services, layout: bytes | None) -> None:
    enqueue(services, quick_job(*phones(1)))
    store = services.store
    store.ask(Redis.unlink, store.keys.layout()) if layout is None else store.ask(
        Redis.set, store.keys.layout(), layout
    )
    before = ours(services)
    with pytest.raises(LayoutError, match=f"has layout {(layout or b'0').decode()}, and this process knows 1 only"):
        enqueue(another(services), quick_job(*phones(1, start=1)))
    assert ours(services) == before
    finding = next(found for found in examine(services.settings) if found.verdict == "fail")
    assert "layout" in finding.found
    assert finding.remedy == "see the changelog for what becomes of an older store"


def test_the_command_gives_no_remedy_for_a_server_that_is_away(
    processes: Processes, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    services.store.ask(Redis.set, services.store.keys.layout(), b"7")
    with pytest.raises(SystemExit) as ended, errors_as_exit_codes():
        list_campaigns(another(services))
    assert ended.value.code == 3
    complaint = capsys.readouterr().err
    assert "has layout 7" in complaint
    assert "is it running" not in complaint


@pytest.mark.parametrize(
    "command",
    [("worker", "--queues", "control", "--concurrency", "1", "--without-mingle"), ("beat",)],
    ids=["worker", "beat"],
)
def test_processes_end(processes: Processes, services: Services, command: tuple[str, ...]) -> None:
    services.store.ask(Redis.set, services.store.keys.layout(), b"7")
    process = processes.start(command[0], celery(*command, "--loglevel", "INFO"))
    assert process.wait_for_end() == os.EX_CONFIG
    assert "store_layout_unknown" in process.output()
