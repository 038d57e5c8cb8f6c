"""The exporter beside a storm, in a process of its own: what it says meanwhile, and what it says in the end."""

from __future__ import annotations

import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from types import TracebackType

from campaigns.metrics.reading import FRESH_S
from campaigns.sandbox.client import SandboxClient
from campaigns.services import Services
from tests.conftest import Processes
from tests.rig.oracle import Findings, Wanted
from tests.rig.weather import open_port
from tests.support.figures import figures, figures_of_gateway, wrong
from tests.support.metrics import Scraped, parsed, scrape, value

_EVERY_S = 1.0
#: A request that was made and never recorded: each death of a worker loses at most those that it had under way.
_REQUESTS_PER_DEATH = 4
_ENDS = ("_total", "_bucket", "_count")


class Exporting:
    """Scrapes twice as often as a Prometheus would, in a thread, while its block lasts.

    `falls`: counters that were lower than before, which no death and no restart may cause. `scrapes`: how many there
    were in which the store answered.
    """

    def __init__(self, processes: Processes, redis_url: str) -> None:
        self.falls: list[str] = []
        self.scrapes = 0
        port = open_port()
        self._url = f"http://127.0.0.1:{port}/metrics"
        command = [sys.executable, "-m", "campaigns.cli", "metrics", "--port", str(port)]
        exporter = processes.start("metrics", command, {**processes.env, "CAMPAIGNS_REDIS_URL": redis_url})
        exporter.wait_for("metrics on")
        self._before: Scraped = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Exporting:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def scrape(self) -> Scraped:
        """What Prometheus scrapes now."""
        with urllib.request.urlopen(self._url, timeout=30) as answer:
            return parsed(answer.read().decode())

    def _look_on(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        now = counters(self.scrape())
        if now:
            self.scrapes += 1
            self.falls += fallen(self._before, now)
            self._before = now


def counters(scraped: Scraped) -> Scraped:
    """What may only grow; nothing while the store does not answer."""
    return {sample: number for sample, number in scraped.items() if sample[0].endswith(_ENDS)}


def fallen(before: Scraped, now: Scraped) -> list[str]:
    """Counters that are lower than before, or gone."""
    return [
        f"{name} {dict(labels)} fell from {number:g} to {now.get((name, labels), 0):g}"
        for (name, labels), number in before.items()
        if now.get((name, labels), 0) < number
    ]


def judge_figures(
    services: Services,
    exporting: Exporting,
    wanted: Sequence[Wanted],
    sandbox: SandboxClient,
    deaths: int,
    findings: Findings,
) -> None:
    """The exporter's figures are those of the ledger, of the events and of the gateway, and a new one says the same."""
    scraped = _at_rest(lambda: len(list(services.events.since())), exporting)
    statuses = [one.campaign.status() for one in wanted]
    events = list(services.events.since())
    lost = deaths * _REQUESTS_PER_DEATH
    rows, requests = sandbox.ledger(), sandbox.summary()["requests"]
    findings.figures += wrong(figures(scraped, statuses, events))
    findings.figures += wrong(figures_of_gateway(scraped, statuses, events, rows, requests, lost))
    findings.figures += exporting.falls
    another = counters(scrape(services))
    findings.figures += [f"another exporter: {line}" for line in fallen(counters(scraped), another)]
    if not exporting.scrapes or not value(scraped, "recipients_total", outcome="accepted"):
        findings.figures.append("the exporter said nothing")


def _at_rest(happened: Callable[[], int], exporting: Exporting) -> Scraped:
    """Figures of a moment before and after which nothing happened for as long as the exporter remembers."""
    for _ in range(10):
        before = happened()
        time.sleep(FRESH_S + _EVERY_S)
        scraped = exporting.scrape()
        if happened() == before:
            return scraped
    raise TimeoutError("there was always something new")
