"""Campaigns over a real RabbitMQ, whose workers die and whose broker goes away: each message once, and all in time.

`python -m tests.rig.brokers amqp://guest:guest@127.0.0.1:5672/` (or with `?queue_type=quorum`) needs a RabbitMQ that runs (Debian: rabbitmq-server); its
virtual host must be one for tests. Real workers, beat and store, the sandbox as gateway; a proxy stands before the broker.
Prints a line per scene; ends with 1 if a person was messaged twice or never, or a campaign did not end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from campaigns.broker.bells import Bells
from campaigns.enqueue import enqueue
from campaigns.ledger.states import OVER
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.rig.proxy import Proxy
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.waiting import wait_until

_LIMIT_S = 180.0
_AWAY_S = 10.0


class Scene:
    """Workers and beat over the broker at `url`, at work on 300 recipients in bulk and 20 single messages."""

    def __init__(self, url: str, folder: Path, server: EmbeddedServer, sandbox: Sandbox) -> None:
        self._parts = urlsplit(url)
        self._door = Proxy(self._parts.port or 5672)
        self._door.__enter__()
        address = self._parts._replace(netloc=f"{self._parts.netloc.rpartition(':')[0]}:{self._door.port}").geturl()
        more = {"CAMPAIGNS_BROKER_URL": address, "CAMPAIGNS_RECIPIENTS_PER_REQUEST": "5"}
        self.processes = Processes(folder, environment(server.url, sandbox.url, f"brokers-{folder.name}:") | more)
        names = {name: value for name, value in self.processes.env.items() if name.startswith("CAMPAIGNS_")}
        settings, self._sandbox = Settings.from_env(names), sandbox
        self._bells = Bells(settings)
        self._services = build_services(settings, ring=self._bells)
        self.worker = self.processes.worker()
        self.beat = self.processes.beat()

    def end(self) -> None:
        self.processes.end()
        self._bells.close()
        self._door.__exit__(None, None, None)

    def run(self, harm: Callable[[Scene], None]) -> tuple[float, int]:
        """Seconds until all is over, and how many were not messaged exactly once."""
        began_s = time.monotonic()
        campaigns = [
            enqueue(self._services, bulk_job(phones(300), on_unknown="resend")),
            enqueue(self._services, quick_job(*phones(20, start=5000), on_unknown="resend")),
        ]
        wait_until(lambda: len(self._sandbox.ledger()) > 30, _LIMIT_S)
        harm(self)
        wait_until(lambda: all(campaign.status().state in OVER for campaign in campaigns), _LIMIT_S)
        got = Counter(row["phone"] for row in self._sandbox.ledger())
        wanted = [*phones(300), *phones(20, start=5000)]
        return time.monotonic() - began_s, sum(got[phone] != 1 for phone in wanted)

    def kill_worker(self) -> None:
        self.worker.kill9()
        self.processes.worker()

    def kill_beat(self) -> None:
        self.beat.kill9()
        self.processes.beat()

    def leave(self) -> None:
        """The broker is away for a while, and then at the same port again."""
        own = self._door.port
        self._door.__exit__(None, None, None)
        time.sleep(_AWAY_S)
        self._door = Proxy(self._parts.port or 5672, own)
        self._door.__enter__()


SCENES: dict[str, Callable[[Scene], None]] = {
    "calm": lambda _: None,
    "worker killed": Scene.kill_worker,
    "beat killed": Scene.kill_beat,
    "broker away for ten seconds": Scene.leave,
}


def play(url: str, harm: Callable[[Scene], None]) -> tuple[float, int]:
    with (
        tempfile.TemporaryDirectory(prefix="campaigns-brokers-") as folder,
        EmbeddedServer() as server,
        Sandbox(options=Options(speed=100, latency_s=0.2, balance="100000")) as sandbox,
    ):
        scene = Scene(url, Path(folder), server, sandbox)
        try:
            return scene.run(harm)
        finally:
            scene.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="address of a RabbitMQ, such as amqp://guest:guest@127.0.0.1:5672/")
    parser.add_argument("--only", choices=SCENES)
    options = parser.parse_args()
    failed = False
    for name, harm in SCENES.items():
        if options.only in {None, name}:
            took_s, wrong = play(options.url, harm)
            failed = failed or wrong > 0
            print(f"{name}: over after {took_s:.1f} s, {wrong} not messaged exactly once", flush=True)  # noqa: T201
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
