"""A storm: real workers and beats, harmed at random, against a gateway that fails on about half of all requests.

`python -m tests.rig.storm --seeds 20 --kills 16` prints a line per seed and ends with 1 if the promise was broken.
`--dialect NAME` lets the gateway answer in one of its dialects. `--mutant NAME` harms workers with one mistake made on
purpose, which the storm has to see within five seeds; with `--mutant ordinary` the same happens to an ordinary Celery
task with autoretry, for comparison. `--harm "cut off"` (connections) or `--harm disk` does nothing but that.

The gateway stands behind TLS, which breaks at times; paid requests are slow, so that kills fall between sent and
recorded, and some are stopped before their first byte, as when a machine is suspended. A consumer group that reads
nothing until the end keeps events from being trimmed. Workers stand on two hosts, and an exporter of metrics beside
them: its figures must be the ledger's, the events' and the gateway's in the end, and its counters never fall.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from redis import Redis

from campaigns.enqueue import enqueue
from campaigns.events import Consumer
from campaigns.ledger.states import OVER
from campaigns.names import QUEUES
from campaigns.sandbox.dialects import DOCUMENTED
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.rig.exporting import Exporting, judge_figures
from tests.rig.harm import KILLS, OTHERS, Harm
from tests.rig.idle import Idle
from tests.rig.mutants import IN_WORKERS, LOSES_WRITES, MUTANTS, ORDINARY
from tests.rig.oracle import Findings, Wanted, judge, judge_group, judge_limits, judge_secrets
from tests.rig.proxy import Proxy
from tests.rig.weather import FREEZE_S, order_faults, ordinary, receive_callbacks
from tests.rig.workers import Treatment
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.processes import Process
from tests.support.settings import TOKEN
from tests.support.tls import CERTIFICATE, TlsFront

#: Of all answers, so many end in bytes that are no TLS.
_SPOILED = 0.02
#: Of all paid requests, so many are stopped before their first byte, until the end of the run.
_STALLED = 0.06
_GROUP = "archive"
_PATIENCE_S = 300.0
_LEASE_S = 11
#: No work that is due waits for longer, whatever happens.
_IDLE_S = 60.0
_PREFIX = "storm:"
_LIST_ID = 2
#: Of a whole run: three campaigns to 200 each, two lookalikes, single messages, a list, and
#: three recipients before the storm.
RECIPIENTS = 3 * 200 + 2 * 20 + 20 + 25 + 3

SETTINGS = {
    "CAMPAIGNS_DEADLINE_S": "1",
    "CAMPAIGNS_LEASE_S": str(_LEASE_S),
    "CAMPAIGNS_SETTLE_WINDOW_S": "12",
    "CAMPAIGNS_CHECK_INTERVAL_S": "1",
    "CAMPAIGNS_RECIPIENTS_PER_REQUEST": "5",
    "CAMPAIGNS_ACCOUNT_PAUSE_S": "0.5",
    "CAMPAIGNS_PENALTY_S": "0.5",
    "CAMPAIGNS_POLL_HORIZON_S": "180",
    "CAMPAIGNS_ON_UNKNOWN": "resend",
    "CAMPAIGNS_RATE_LIMIT": "60/1",
    "CAMPAIGNS_CONCURRENCY": "4",
    # What keeps an event is that a group has not read it.
    "CAMPAIGNS_EVENTS_LIFE_S": "1",
}


class Storm:
    """One run with one seed, against a gateway of one dialect, of the workers or of a mutant."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        kills: int,
        *,
        listing: bool = True,
        dialect: str = DOCUMENTED,
        mutant: str = "",
        harm: str = "",
        workers: int = 2,
    ) -> None:
        self.harm = harm  # nothing but this
        self.workers = workers
        self._started = itertools.count()
        self.idle_s = 0.0  # the longest time that work was due and no worker took it
        self.dialect = dialect
        self.mutant = mutant
        self.random = Random(seed)
        self._tls = Random(seed)
        self._raging = folder / "raging"  # there while the gateway's TLS breaks and processes stop
        self.kills = kills
        self.listing = listing
        self.folder = folder
        self.seed = seed
        self.harms: Counter[str] = Counter()
        self.resent = 0  # requests in doubt that were sent again, on proof that they never arrived

    def run(self) -> Findings:
        with (
            EmbeddedServer() as server,
            Proxy(urlsplit(server.url).port or 0) as proxy,
            Sandbox(options=Options(speed=200, balance="100000", dialect=self.dialect)) as sandbox,
            TlsFront(sandbox.url, spoils=self._spoils) as front,
        ):
            gateway = f"https://localhost:{front.port}"
            mutant = self.mutant if self.mutant in IN_WORKERS else ""
            env = {
                **environment(f"redis://127.0.0.1:{proxy.port}/0", gateway, _PREFIX),
                **SETTINGS,
                **Treatment(str(CERTIFICATE), str(self._raging), _STALLED, mutant).as_environment(),
            }
            processes = Processes(self.folder, env, app="tests.rig.workers")
            try:
                if self.seed % 2 == 0:
                    receive_callbacks(processes)
                return self._run(server, proxy, sandbox, processes)
            finally:
                processes.end()

    def _run(self, server: EmbeddedServer, proxy: Proxy, sandbox: Sandbox, processes: Processes) -> Findings:
        own = {**processes.env, "CAMPAIGNS_REDIS_URL": server.url}
        services = build_services(Settings.from_env({n: v for n, v in own.items() if n.startswith("CAMPAIGNS_")}))
        sandbox.make_list(_LIST_ID, phones(25, start=7000))
        consumer = Consumer(services.store, _GROUP)
        consumer.create_group()
        calm = wanted(bulk_job(phones(3, start=9000), text="calm"), "calm", phones(3, start=9000), services)
        exporting = Exporting(processes, server.url)
        harm = Harm(
            self.random,
            server,
            proxy,
            worker=lambda: self._worker(processes),
            beat=processes.beat,
            freeze_s=FREEZE_S,
            workers=self.workers,
        )
        self._until([calm])
        sandbox.change(list_bulk=self.listing, list_quick=self.listing)
        order_faults(sandbox, self.random)
        campaigns = [wanted(*job, services) for job in self._jobs()]
        if self.mutant == LOSES_WRITES:
            harm.stop_writing()
        self._raging.mkdir()
        with Idle(services) as idle, exporting:
            harm.rage(self.kills, self.harm)
            harm.calm()
            self.harms = harm.done
            shutil.rmtree(self._raging)
            sandbox.clear_faults()
            self._until(campaigns, harm.supervise)
        self.idle_s = idle.longest_s
        harm.thaw()
        time.sleep(_LEASE_S)  # a worker that still holds a batch and sends late does it now
        findings = judge(services, [calm, *campaigns], sandbox)
        self.resent = sum(
            event.type == "batch.planned" and event.data["from"] == "unknown"
            for one in campaigns
            if "list" not in one.text  # a draft that was not confirmed costs nothing and is made again
            for event in services.events.since(source=one.campaign.id)
        )
        if self.idle_s > _IDLE_S:
            findings.idle.append(f"work was due for {self.idle_s:.0f} s, and no worker took it")
        deaths = sum(harm.done[name] for name in (*KILLS, *OTHERS, "ended by itself"))
        judge_figures(services, exporting, [calm, *campaigns], sandbox, deaths, findings)
        judge_group(services.events, consumer, findings)
        judge_limits(sandbox, services.settings.rate_limit, services.settings.concurrency, findings)
        logs = "".join(process.output() for process in processes.all())
        with Redis.from_url(server.url) as redis:
            judge_secrets(redis, _PREFIX + "celery:", logs, TOKEN, ["storm text"], findings)
        return findings

    def _worker(self, processes: Processes) -> Process:
        """One more, on one of two hosts in turn: each has a name and a folder for signs of life of its own."""
        number = next(self._started)
        host = f"host-{number % 2}"
        env = {**processes.env, "CAMPAIGNS_SIGNS_FOLDER": str(self.folder / host)}
        return processes.worker(QUEUES, "--concurrency", "2", "--hostname", f"worker-{number}@{host}", env=env)

    def _spoils(self) -> bool:
        return self._raging.exists() and self._tls.random() < _SPOILED

    def _jobs(self) -> list[tuple[dict[str, Any], str, list[str]]]:
        jobs: list[tuple[dict[str, Any], str, list[str]]] = []
        for number in range(3):
            text, rows = f"storm text {number}", phones(200, start=1000 * number)
            jobs.append((bulk_job(rows, text=text), text, rows))
        for _ in range(2):  # two lookalikes
            rows = phones(20, start=4000)
            jobs.append((bulk_job(rows, text="storm text lookalike"), "storm text lookalike", rows))
        rows = phones(20, start=5000)
        jobs.append((quick_job(*rows, message="storm text quick"), "storm text quick", rows))
        jobs.append((list_job(_LIST_ID, message="storm text list"), "storm text list", phones(25, start=7000)))
        return jobs

    def _until(self, campaigns: list[Wanted], supervise: Callable[[], None] = lambda: None) -> None:
        end_s = time.monotonic() + _PATIENCE_S
        while not all(one.campaign.status().state in OVER for one in campaigns):
            if time.monotonic() > end_s:
                statuses = [one.campaign.status() for one in campaigns]
                still_open = [(status.id, status.state, status.recipients) for status in statuses]
                raise TimeoutError(f"seed {self.seed}: not finished: {still_open}")
            time.sleep(0.2)
            supervise()


def wanted(job: dict[str, Any], text: str, rows: list[str], services: Services) -> Wanted:
    """Enqueue a job, and remember what it asked for."""
    return Wanted(enqueue(services, {**job, "name": text}), text, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.rig.storm", description="Harm workers at random; count what went wrong."
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many runs")
    parser.add_argument("--first", type=int, default=1, help="the seed of the first run")
    parser.add_argument("--kills", type=int, default=16, help="kill -9 per run")
    parser.add_argument("--workers", type=int, default=2, help="how many work at once, on two hosts")
    parser.add_argument("--no-listing", action="store_true", help="let the listing show nothing that was sent")
    parser.add_argument("--dialect", default=DOCUMENTED, help="how the gateway answers: see campaigns.sandbox.dialects")
    parser.add_argument("--harm", choices=sorted({*KILLS, *OTHERS}), default="", help="do nothing but this, so often")
    parser.add_argument("--mutant", choices=MUTANTS, default="", help="harm a mutant instead: see tests.rig.mutants")
    options = parser.parse_args()
    run: Callable[[int, Path, int], bool] = partial(
        _storm_line,
        listing=not options.no_listing,
        dialect=options.dialect,
        mutant=options.mutant,
        harm=options.harm,
        workers=options.workers,
    )
    if options.mutant == ORDINARY:
        run = _ordinary_line
    kept = True
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory(prefix="campaigns-storm-") as folder:
            kept = run(seed, Path(folder), options.kills) and kept
    sys.exit(0 if kept else 1)


def _storm_line(seed: int, folder: Path, kills: int, **options: Any) -> bool:
    started_s, storm = time.monotonic(), Storm(seed, folder, kills, **options)
    try:
        found = storm.run()
    except Exception as error:  # noqa: BLE001 (a mutant may break whatever it likes)
        _say(f"seed {seed}: not judged: {type(error).__name__}: {error}; {time.monotonic() - started_s:.0f} s")
        return False
    killed = sum(storm.harms[name] for name in KILLS)
    findings = ", ".join(f"{kind} {len(lines)}" for kind, lines in found.wrong().items())
    others = ", ".join(f"{name} {number}" for name, number in sorted(storm.harms.items()) if name not in KILLS)
    _say(
        f"seed {seed}: kill -9 {killed} ({others}), recipients {found.recipients}, settled {found.settled}, "
        f"held {found.held}, rejected {found.rejected}; {findings}; due and not taken for {storm.idle_s:.0f} s at most; {time.monotonic() - started_s:.0f} s"
    )
    for lines in found.wrong().values():
        for line in lines[:5]:
            _say(f"  {line}")
    return found.kept


def _ordinary_line(seed: int, folder: Path, kills: int) -> bool:
    recipients, doubles, lost = ordinary(seed, folder, kills)
    _say(f"seed {seed}: kill -9 {kills}, recipients {recipients}, messaged twice or more {doubles}, never {lost}")
    return not doubles and not lost


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
