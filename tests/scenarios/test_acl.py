"""The user of `deploy/redis.acl`, for store and broker: it may do all that the processes and commands do, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError

from campaigns.campaign import Campaign
from campaigns.cli.command_line import cli
from campaigns.consume import consume
from campaigns.enqueue import enqueue
from campaigns.events import Groups
from campaigns.ledger import Scope
from campaigns.metrics.reading import read as read_metrics
from campaigns.names import QUEUES
from campaigns.person import erase
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services, default_services_are
from tests.conftest import Processes, environment
from tests.scenarios.test_processes import over
from tests.support.jobs import bulk_job, list_job, phones, quick_job, sample_job
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

_PASSWORD = "for-this-test-only"
_FILE = ROOT / "deploy" / "redis.acl"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that has read the file; the test itself is its default user, and reads the log of refusals."""
    with EmbeddedServer(config={"aclfile": str(rules(tmp_path, default="on nopass"))}) as server:
        yield server


def rules(folder: Path, *, default: str = "off") -> Path:
    """The file, with a password for our user."""
    text = _FILE.read_text("utf-8").replace("user default off", f"user default {default}")
    path = folder / "users.acl"
    path.write_text(text.replace("user campaigns on", f"user campaigns on >{_PASSWORD}"), "utf-8")
    return path


@pytest.fixture
def restricted(guarded: EmbeddedServer) -> str:
    return guarded.url.replace("redis://", f"redis://campaigns:{_PASSWORD}@")


@pytest.fixture
def started(tmp_path: Path, restricted: str, sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Processes]:
    processes = Processes(tmp_path, environment(restricted, sandbox.url, "campaigns:"))
    # As the Procfile has it: gossip would subscribe to channels by a pattern, which an ACL has to name literally.
    processes.worker(QUEUES, "--concurrency", "2", "--without-gossip")
    processes.beat()
    yield processes
    processes.end()
    request.node.add_report_section("call", "processes", processes.report())


@pytest.fixture
def services(started: Processes) -> Services:
    return build_services(Settings.from_env({n: v for n, v in started.env.items() if n.startswith("CAMPAIGNS_")}))


def test_all_that_is_done(
    guarded: EmbeddedServer, started: Processes, services: Services, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind, doubt, replies, opt-outs, groups, acts of people and every command that reads: nothing is refused."""
    sandbox.fault("reset_after", "sendBulkViber")
    campaigns = [
        enqueue(services, bulk_job(phones(3)), key="acl"),
        enqueue(services, quick_job("375297779909")),
        enqueue(services, list_job(1)),
    ]
    stopped = enqueue(services, sample_job(schedule="2030-05-01 10:00"))
    stopped.reschedule("2030-05-02 10:00")
    stopped.pause()
    stopped.resume()
    stopped.cancel()
    services.optouts.add(["375291234567"])
    services.optouts.add(["375291234567"], scope=Scope("default", "offers"))
    wait_until(lambda: refusals(guarded) != [] or over(*campaigns)())
    assert refusals(guarded) == []
    assert len(list(consume("crm", idle_s=0.3, settings=services.settings))) > 5
    Groups(services.store).rewind("crm", "0")
    erase(services, "375297779909")
    for name, value in started.env.items():
        monkeypatch.setenv(name, value)
    with default_services_are(None):
        for line in commands(campaigns[0]):
            result = CliRunner().invoke(cli, line.split())
            assert result.exit_code == 0, f"{line}: {result.output}"
    assert read_metrics(services.store, services.settings)
    Groups(services.store).delete("crm")
    assert refusals(guarded) == []


def commands(campaign: Campaign) -> list[str]:
    one = campaign.id
    return [
        f"status {one}",
        "list",
        f"deliveries {one}",
        f"replies {one}",
        "explain 375297779901",
        f"report {one} --output -",
        "optouts list",
        "optouts list --topic offers --json",
        "optouts scopes",
        "recover",
        "submissions list",
        "events",
        "events --group crm --dead-letters",
        "doctor",
    ]


def test_a_server_that_restarts_has_all_that_was_written(tmp_path: Path) -> None:
    """Many servers read a transaction, and what a script wrote, back from the append-only file as the user `default`.

    They drop what that user may not do. Ours here may be one that does not, so the file is looked at as well.
    """
    assert set(_FILE.read_text("utf-8").splitlines()[0].split()) == {"user", "default", "off", "~*", "&*", "+@all"}
    with EmbeddedServer(config={"aclfile": str(rules(tmp_path))}) as server:
        with Redis.from_url(server.url) as redis, pytest.raises(AuthenticationError):
            redis.ping()
        with Redis.from_url(server.url.replace("redis://", f"redis://campaigns:{_PASSWORD}@")) as redis:
            redis.pipeline(transaction=True).set("campaigns:one", 1).set("campaigns:two", 2).execute()
            server.restart()
            wait_until(lambda: not is_loading(redis))
            assert redis.mget("campaigns:one", "campaigns:two") == [b"1", b"2"]


def is_loading(redis: Redis) -> bool:
    """Whether a server that was started still reads its file: it asks for the password before."""
    try:
        return not redis.ping()
    except BusyLoadingError:
        return True


def refusals(server: EmbeddedServer) -> list[str]:
    """What the server refused: the command or the key."""
    with Redis.from_url(server.url, decode_responses=True) as redis:
        return [f"{entry['reason']} {entry['object']}" for entry in redis.acl_log()]


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "KEYS *",
        "CONFIG SET maxmemory 1",
        "SHUTDOWN",
        "ACL LIST",
        "CLIENT KILL ID 1",
        "MONITOR",
        "REPLICAOF NO ONE",
        "SCRIPT FLUSH",
        "GET somebody-else",
        "SET somebody-else 1",
        "PUBLISH somebody-else 1",
    ],
)
def test_what_no_process_needs(restricted: str, command: str) -> None:
    with Redis.from_url(restricted) as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*command.split())


def test_every_command_of_a_script_is_allowed() -> None:
    allowed = set(re.findall(r"\+([a-z]+)", _FILE.read_text("utf-8")))
    scripts = "".join(path.read_text("utf-8") for path in (ROOT / "campaigns" / "store" / "lua").rglob("*.lua"))
    used = {command.lower() for command in re.findall(r"redis\.p?call\('([A-Z]+)'", scripts)}
    assert used
    assert used - allowed == set()
