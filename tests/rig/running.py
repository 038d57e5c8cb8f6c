"""Campaigns that run as they do at an operator's: workers, beat, a consumer, traffic, and a process that watches."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

from campaigns.enqueue import enqueue
from campaigns.errors import CampaignsError
from campaigns.sandbox.clock import wall_ms
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.procfile import TOKEN, environment, services_of
from tests.rig.prometheus import Prometheus
from tests.rig.proxy import Proxy
from tests.support.clocks import ServerWithClock
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.processes import ROOT, Process, celery
from tests.support.waiting import wait_until

GROUP = "crm"
#: Queues by the worker that serves them.
WORKERS = {"quick": "quick", "others": "bulk,poll,replies,control,submissions"}
_EVERY_S = 1.0


class GatewayClock:
    """The sandbox's clock: this machine's, or ahead of it. It never goes back, but stands still until it is right."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self._last_ms = 0

    def __call__(self) -> int:
        self._last_ms = max(self._last_ms, wall_ms() + self.ahead_ms)
        return self._last_ms


class Running:
    """Everything real. Use it as a context manager; `with_clock`: the store's clock can be set."""

    server: EmbeddedServer
    sandbox: Sandbox
    prometheus: Prometheus

    def __init__(self, folder: Path, factor: float, *, with_clock: bool) -> None:
        self._folder, self._factor, self._with_clock = folder, factor, with_clock
        self._stack = ExitStack()
        self._processes: dict[str, Process] = {}
        self._over = threading.Event()
        self._door: Proxy | None = None
        self.gateway_clock = GatewayClock()
        self._numbers = itertools.count()
        self.env: dict[str, str] = {}

    def __enter__(self) -> Running:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._stack.close()

    def _start(self) -> None:
        server = ServerWithClock(self._folder) if self._with_clock else EmbeddedServer()
        self.server = self._stack.enter_context(server)
        options = Options(speed=200, balance="1000000", token=TOKEN)
        self.sandbox = self._stack.enter_context(Sandbox(options=options, now_ms=self.gateway_clock))
        self.open_gateway()
        self.env = environment(
            self.server.url,
            f"http://127.0.0.1:{self._door.port}",
            "troubles:",
            settle_window_s="3",
            check_interval_s="1",
            failures_before_pause="3",
            signs_folder=str(self._folder / "signs"),
        )
        self.services = services_of(self.env)
        self._stack.callback(self._stop_all)
        for name in (*WORKERS, "beat", "consumer"):
            self.start(name)
        wait_until(lambda: self.services.store.ask(Redis.exists, self.services.store.keys.beats()), 120)
        traffic = threading.Thread(target=self._send, daemon=True)
        traffic.start()
        self._stack.callback(traffic.join)
        self._stack.callback(self._over.set)
        watching = Prometheus(self._folder, self.services.settings, self._factor, self.env)
        self.prometheus = self._stack.enter_context(watching)

    def open_gateway(self) -> None:
        """Clients of the gateway can connect again, at the same port as before."""
        port = self._door.port if self._door else 0
        sandbox_port = int(self.sandbox.url.rpartition(":")[2])
        self._door = self._stack.enter_context(Proxy(sandbox_port, port))

    def close_gateway(self) -> None:
        """No client can connect to the gateway; what is under way goes on."""
        if self._door:
            self._door.refuse()

    def start(self, name: str, **settings: str) -> None:
        """Start one of the processes; `settings` go before those of all."""
        env = {**self.env, **{f"CAMPAIGNS_{key.upper()}": value for key, value in settings.items()}}
        process = Process(name, self._command(name), env, self._folder)
        self._processes[name] = process
        if name in WORKERS:
            process.wait_for("ready.", 120)

    def stop(self, name: str) -> None:
        self._processes.pop(name).stop()

    def replace(self, name: str, **settings: str) -> None:
        """Another of its kind with these settings, and then the end of this one: as in a rolling restart."""
        before = self._processes[name]
        self.start(name, **settings)
        before.stop()

    def command(self, *arguments: str) -> str:
        """What a command prints to an operator. Raises CalledProcessError if it fails."""
        command = [sys.executable, "-m", "campaigns.cli", *arguments]
        ended = subprocess.run(command, env=self.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        return ended.stdout

    def _command(self, name: str) -> list[str]:
        if name == "beat":
            return celery("beat", "--loglevel", "INFO")
        if name == "consumer":
            return [sys.executable, "-m", "campaigns.cli", "events", "--group", GROUP, "--follow"]
        more = (
            "--hostname",
            f"{name}{next(self._numbers)}@here",
            "--concurrency",
            "2",
            "--loglevel",
            "INFO",
            "--without-mingle",
        )
        return celery("worker", "--queues", WORKERS[name], *more)

    def _stop_all(self) -> None:
        for process in self._processes.values():
            process.stop()

    def _send(self) -> None:
        """A quick message a second and now and then a campaign, whatever goes wrong."""
        for number in itertools.count():
            if self._over.wait(_EVERY_S):
                return
            # Applications go on when the store does not take a job.
            with suppress(CampaignsError):
                enqueue(self.services, quick_job(*phones(1, start=number)))
                if number % 3 == 0:
                    enqueue(self.services, bulk_job(phones(3, start=100_000 + 3 * number)))
