"""A store that fails over under real Sentinels, while real workers send against a gateway that fails.

`python -m tests.rig.failovers --seeds 3 --lag 0.5 --replicas 1 --failovers 4` prints a line per seed and ends with 1 if
the promise was broken. `--wait N` is `CAMPAIGNS_REPLICAS`; with 0 campaigns handed in at the last moment may be lost,
and are counted. The primary is killed, and what it had still to replicate is
lost; or it is frozen, and comes back beside its successor as a second primary.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from campaigns.embedded import EmbeddedServer
from campaigns.errors import StoreError
from campaigns.flow.services import Services
from campaigns.ledger.states import HELD, OVER
from campaigns.producer import enqueue
from campaigns.results import Consumer
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.rig.oracle import Findings, Wanted, judge, judge_group, judge_limits
from tests.rig.storm import SETTINGS
from tests.rig.weather import order_faults
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.sentinels import Fleet, until

_PATIENCE_S = 240.0
_ACTS = ("kill", "freeze")
_PREFIX = "failovers:"


class Failovers:
    """One run with one seed."""

    def __init__(
        self, seed: int, folder: Path, *, failovers: int, lag_s: float = 0.0, replicas: int = 1, wait: int = 1,
        faults: bool = True, recipients: int = 200, acts: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.random = Random(seed)
        self.folder = folder
        self.failovers = failovers
        self.lag_s = lag_s
        self.replicas = replicas
        self.wait = wait
        self.faults = faults
        self.recipients = recipients
        self.acts = acts
        self.done: Counter[str] = Counter()
        self.promoted_s: list[float] = []
        self.taken_again_s: list[float] = []

    def run(self) -> Findings:
        with (
            Fleet(replicas=self.replicas, password="fleet-pw") as fleet,
            Sandbox(options=Options(speed=200, balance="100000")) as sandbox,
        ):
            env = {**environment(fleet.url, sandbox.url, _PREFIX), **SETTINGS, "CAMPAIGNS_REPLICAS": str(self.wait)}
            processes = Processes(self.folder, env)
            try:
                return self._run(fleet, sandbox, processes)
            finally:
                processes.end()

    def _run(self, fleet: Fleet, sandbox: Sandbox, processes: Processes) -> Findings:
        own = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
        services = build_services(Settings.from_env(own))
        consumer = Consumer(services.store, "archive")
        consumer.create_group()  # it reads nothing until the end: that keeps events from being trimmed
        processes.worker()
        processes.worker()
        processes.beat()
        if self.faults:
            order_faults(sandbox, self.random)
        sandbox.fault("slow", "sendBulkViber", times=None, delay_s=0.3)
        campaigns = [self._wanted("bulk", 0, services), self._wanted("quick", 5000, services)]
        for front in fleet.fronts:
            front.lag_s = self.lag_s
        for number in range(self.failovers):
            time.sleep(self.random.uniform(0.3, 1.5))
            self._fail_over(fleet)
            campaigns.append(self._first_taken(number, services))
            until(fleet.linked, 60)
        sandbox.clear_faults()
        if not self.wait:  # nothing promises that a campaign of the last moment outlives the primary
            there = [one for one in campaigns if services.campaigns.exists(one.campaign.id)]
            self.done["campaigns lost"], campaigns = len(campaigns) - len(there), there
        self._until_over(campaigns)
        ended = [process.name for process in processes.all() if not process.alive()]
        assert ended == [], "nothing may end because the store failed over"
        findings = judge(services, campaigns, sandbox)
        judge_group(services.events, consumer, findings)
        judge_limits(sandbox, services.settings.rate_limit, services.settings.concurrency, findings)
        return findings

    def _wanted(self, text: str, start: int, services: Services) -> Wanted:
        rows = phones(self.recipients if text != "quick" else 10, start=start)
        job = quick_job(*rows, message=text) if text == "quick" else bulk_job(rows, text=text)
        return Wanted(enqueue({**job, "name": text}, services=services), text, rows)

    def _fail_over(self, fleet: Fleet) -> None:
        began_s, old = time.monotonic(), fleet.primary()
        act = self.acts[sum(self.done.values()) % len(self.acts)] if self.acts else self.random.choice(_ACTS)
        self.done[act] += 1
        (self._kill if act == "kill" else fleet.freeze)(*((fleet, old) if act == "kill" else (old,)))
        until(lambda: fleet.promoted(old), 60)
        self.promoted_s.append(time.monotonic() - began_s)
        if act == "kill":
            old.restart()
        else:
            fleet.thaw(old)

    def _kill(self, fleet: Fleet, old: EmbeddedServer) -> None:
        old.kill()
        fleet.front(old).lose()

    def _first_taken(self, number: int, services: Services) -> Wanted:
        """A campaign that is handed in again, under one key, until the store takes it: never with another error."""
        began_s, text, rows = time.monotonic(), f"after {number}", phones(5, start=6000 + 10 * number)
        while True:
            try:
                campaign = enqueue({**bulk_job(rows, text=text), "name": text}, key=text, services=services)
            except StoreError:
                assert time.monotonic() - began_s < 60, "the store takes nothing"
            else:
                self.taken_again_s.append(time.monotonic() - began_s)
                return Wanted(campaign, text, rows)

    def _until_over(self, campaigns: list[Wanted]) -> None:
        end_s = time.monotonic() + _PATIENCE_S
        while not all(one.campaign.status().state in OVER for one in campaigns):
            if time.monotonic() > end_s:
                told = [(one.text, one.campaign.status().state, one.campaign.status().recipients) for one in campaigns]
                raise TimeoutError(f"not finished: {told}")
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--failovers", type=int, default=4)
    parser.add_argument("--lag", type=float, default=0.5, help="seconds by which replicas are behind")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--wait", type=int, default=1, help="CAMPAIGNS_REPLICAS")
    options = parser.parse_args()
    kept = True
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory(prefix="campaigns-failovers-") as folder:
            run = Failovers(
                seed, Path(folder), failovers=options.failovers, lag_s=options.lag, replicas=options.replicas,
                wait=options.wait,
            )  # fmt: skip
            found = run.run()
        kept = kept and found.kept
        told = ", ".join(f"{kind} {len(lines)}" for kind, lines in found.wrong().items())
        _say(f"seed {seed}: {dict(run.done)}, recipients {found.recipients}, {HELD} {found.held}; {told}")
        _say(f"  promoted after {max(run.promoted_s):.1f} s, enqueue after {max(run.taken_again_s):.1f} s more")
        for lines in found.wrong().values():
            for line in lines[:5]:
                _say(f"  {line}")
    sys.exit(0 if kept else 1)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
