"""What all tests share: a real server per pytest process, a key prefix per test, sandboxes and processes."""

from __future__ import annotations

import itertools
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from campaigns.names import QUEUES
from campaigns.sandbox.dialects import DOCUMENTED, Trait, traits_of
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from campaigns.wiring import connect
from tests.support.processes import Process, celery
from tests.support.settings import TOKEN, fast_settings
from tests.support.stage import Stage
from tests.support.surroundings import put_in_order

put_in_order()
_numbers = itertools.count(1)


def _only_loopback(event: str, args: tuple[Any, ...]) -> None:
    """Tests talk to this machine and to no other."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = str(args[1][0])
        if not (host.startswith("127.") or host in {"::1", "localhost"}):
            raise AssertionError(f"a test connects to {host}")


sys.addaudithook(_only_loopback)

#: Traits of a gateway whose listing does not show every phone at once.
_DARK = frozenset({Trait.HIDING, Trait.MASKING, Trait.LAGGING})


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"t{os.getpid()}-{next(_numbers)}:"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--dialect",
        default=DOCUMENTED,
        help="how the gateway of all tests answers: see campaigns/sandbox/dialects.py (default: %(default)s)",
    )


#: Where the slowest tests are, the slowest of all first.
_SLOW = ("scenarios/test_storm", "benchmarks/", "cli/test_demo", "scenarios/", "deploy/test_manifests_run")


def _haste(item: pytest.Item) -> int:
    return next((number for number, part in enumerate(_SLOW) if f"tests/{part}" in item.nodeid), len(_SLOW))


def spread(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """The slow tests first, divided among processes, of which each begins with an equal part of the list.

    If they came last, most processes would stand idle at the end, because two tests that wait in a process are never given away.
    """
    slow = sorted((item for item in items if _haste(item) < len(_SLOW)), key=_haste)
    others = [item for item in items if _haste(item) == len(_SLOW)]
    ordered = []
    for process in range(processes):
        part = slow[process::processes]
        number = max(0, len(items) // processes - len(part))
        ordered += part + others[:number]
        del others[:number]
    return ordered + others


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (processes := getattr(config, "workerinput", {}).get("workercount", 1)) > 1:
        items[:] = spread(items, processes)
    _skip_where_the_listing_is_dark(config, items)


def _skip_where_the_listing_is_dark(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where the listing leaves phones in the dark, holding is right, and what other tests await cannot come."""
    if _DARK.isdisjoint(traits_of(config.getoption("--dialect"))):
        return
    skip = pytest.mark.skip(reason="the dialect's listing does not show every phone at once")
    for item in items:
        if item.get_closest_marker("clear_listing"):
            item.add_marker(skip)


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> str:
    """How the test's gateway answers. A module that runs under each defines this anew, with parameters."""
    return str(request.config.getoption("--dialect"))


@pytest.fixture
def sandbox(dialect: str) -> Iterator[Sandbox]:
    """Delivery life a hundred times as fast."""
    with Sandbox(options=Options(speed=100, dialect=dialect)) as sandbox:
        yield sandbox


@pytest.fixture
def settings(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Settings:
    return fast_settings(server.url, sandbox.url, prefix)


@pytest.fixture
def make_stage(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Callable[..., Stage]:
    """A stage with settings of its own."""
    return lambda **more: Stage(fast_settings(server.url, sandbox.url, prefix, **more), sandbox)


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()


@pytest.fixture
def store(server: EmbeddedServer, prefix: str) -> Store:
    return Store(connect(Settings(redis_url=server.url)), Keys(prefix))


class Processes:
    """Starts workers and beat; whatever was started is ended by its id."""

    def __init__(self, folder: Path, env: dict[str, str], app: str = "workers") -> None:
        self.env = env
        self._app = app
        self._folder = folder
        self._started: list[Process] = []

    def start(self, name: str, command: Sequence[str], env: dict[str, str] | None = None) -> Process:
        process = Process(name, command, env or self.env, self._folder)
        self._started.append(process)
        return process

    def worker(self, queues: Sequence[str] = QUEUES, *options: str, env: dict[str, str] | None = None) -> Process:
        pool = options or ("--concurrency", "2")
        command = celery(
            "worker", "--queues", ",".join(queues), "--loglevel", "INFO", *pool, "--without-mingle", app=self._app
        )
        worker = self.start("worker", command, env)
        worker.wait_for("ready.")
        return worker

    def beat(self) -> Process:
        return self.start("beat", celery("beat", "--loglevel", "INFO", app=self._app))

    def all(self) -> list[Process]:
        return list(self._started)

    def end(self) -> None:
        for process in self._started:
            process.stop()

    def report(self) -> str:
        return "\n".join(f"--- {p.name} ---\n{p.output()[-6000:]}" for p in self._started)


@pytest.fixture
def processes(
    tmp_path: Path, server: EmbeddedServer, sandbox: Sandbox, prefix: str, request: pytest.FixtureRequest
) -> Iterator[Processes]:
    env = environment(server.url, sandbox.url, prefix) | {"CAMPAIGNS_SIGNS_FOLDER": str(tmp_path / "signs")}
    started = Processes(tmp_path, env)
    yield started
    started.end()
    request.node.add_report_section("call", "processes", started.report())


def environment(redis_url: str, gateway_url: str, prefix: str) -> dict[str, str]:
    """The settings of `fast_settings` as a process finds them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAMPAIGNS_", "CELERY_"))}
    return {
        **kept,
        "CAMPAIGNS_REDIS_URL": redis_url,
        "CAMPAIGNS_GATEWAY_URL": gateway_url,
        "CAMPAIGNS_KEY_PREFIX": prefix,
        "CAMPAIGNS_TOKEN": TOKEN,
        "CAMPAIGNS_RATE_LIMIT": "off",
        "CAMPAIGNS_DEADLINE_S": "2",
        "CAMPAIGNS_LEASE_S": "12",
        "CAMPAIGNS_POLL_MIN_S": "0.2",
        "CAMPAIGNS_POLL_HORIZON_S": "20",
        "CAMPAIGNS_SETTLE_WINDOW_S": "3",
        "CAMPAIGNS_CHECK_INTERVAL_S": "1",
        "CAMPAIGNS_FAILURES_BEFORE_PAUSE": "1000",
    }


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
