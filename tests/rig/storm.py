"""A storm: real workers and beat, killed at random, against a gateway that fails on about half of all requests.

`python -m tests.rig.storm --seeds 3` prints a line per seed and ends with 1 if the promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import psutil

from campaigns.embedded import EmbeddedServer
from campaigns.flow.services import Services
from campaigns.handle import Campaign
from campaigns.ledger.states import OVER
from campaigns.producer import enqueue
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.rig.oracle import Findings, judge
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.processes import Process
from tests.support.settings import TOKEN

#: Each is met by about one request in sixteen; together they spoil nearly half of all.
FAULTS = (
    "refuse_account",
    "too_many",
    "reset_before",
    "reset_after",
    "error_500_before",
    "error_500_after",
    "cut_body",
    "garbage",
)
_PATIENCE_S = 240.0


class Storm:
    """One run with one seed."""

    def __init__(self, seed: int, folder: Path, kills: int) -> None:
        self.random = Random(seed)
        self.kills = kills
        self.folder = folder
        self.seed = seed

    def run(self) -> tuple[Findings, float]:
        started_s = time.monotonic()
        with EmbeddedServer() as server, Sandbox(options=Options(speed=200, balance="100000")) as sandbox:
            env = self._environment(server, sandbox)
            processes = Processes(self.folder, env)
            try:
                services = build_services(
                    Settings.from_env({n: v for n, v in env.items() if n.startswith("CAMPAIGNS_")})
                )
                calm = enqueue({**bulk_job(phones(3, start=9000), text="calm"), "name": "calm"}, services=services)
                workers = [processes.worker() for _ in range(2)]
                beat = processes.beat()
                self._until(services, [calm])
                for fault in FAULTS:
                    sandbox.fault(
                        fault, times=None, probability=0.0625, seed=self.random.randrange(1 << 30), retry_after="1"
                    )
                campaigns = [enqueue(job, services=services) for job in self._jobs()]
                self._rage(processes, workers, beat, server)
                sandbox.clear_faults()
                self._until(services, campaigns)
                logs = "".join(process.output() for process in processes.all())
                secrets = [TOKEN, phones(1)[0], "storm text"]
                return judge(services, [calm, *campaigns], sandbox, logs, secrets), time.monotonic() - started_s
            finally:
                processes.end()

    def _environment(self, server: EmbeddedServer, sandbox: Sandbox) -> dict[str, str]:
        return {
            **environment(server.url, sandbox.url, "storm:"),
            "CAMPAIGNS_DEADLINE_S": "1",
            "CAMPAIGNS_LEASE_S": "11",
            "CAMPAIGNS_SETTLE_WINDOW_S": "12",
            "CAMPAIGNS_LOOK_INTERVAL_S": "1",
            "CAMPAIGNS_RECIPIENTS_PER_REQUEST": "5",
            "CAMPAIGNS_ACCOUNT_PAUSE_S": "0.5",
            "CAMPAIGNS_PENALTY_S": "0.5",
            "CAMPAIGNS_POLL_HORIZON_S": "120",
            "CAMPAIGNS_ON_UNKNOWN": "resend",
        }

    def _jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = []
        for number in range(3):
            text = f"storm text {number}"
            jobs.append({**bulk_job(phones(200, start=1000 * number), text=text), "name": text})
        jobs.append({**quick_job(*phones(20, start=5000), message="storm text quick"), "name": "storm text quick"})
        jobs.append({**list_job(2, message="storm text list"), "name": "storm text list"})
        return jobs

    def _rage(self, processes: Processes, workers: list[Process], beat: Process, server: EmbeddedServer) -> None:
        """Kill something, again and again."""
        for _ in range(self.kills):
            time.sleep(self.random.uniform(0.1, 1.2))
            victim = self.random.choices(["child", "main", "beat", "server"], [6, 3, 2, 1])[0]
            if victim == "child":
                self._kill_child(self.random.choice(workers))
            elif victim == "main":
                worker = workers.pop(self.random.randrange(len(workers)))
                worker.kill9()
                workers.append(processes.worker())
            elif victim == "beat":
                beat.kill9()
                beat = processes.beat()
            else:
                server.kill()
                server.restart()

    def _kill_child(self, worker: Process) -> None:
        try:
            children = psutil.Process(worker.pid).children()
            if children:
                self.random.choice(children).kill()
        except psutil.NoSuchProcess:
            pass

    def _until(self, services: Services, campaigns: list[Campaign]) -> None:
        end_s = time.monotonic() + _PATIENCE_S
        while not all(campaign.status().state in OVER for campaign in campaigns):
            if time.monotonic() > end_s:
                told = [(c.id, c.status().state, c.status().recipients) for c in campaigns]
                raise TimeoutError(f"seed {self.seed}: not finished: {told}")
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.rig.storm", description="Kill workers at random; count what went wrong."
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many runs")
    parser.add_argument("--first", type=int, default=1, help="the seed of the first run")
    parser.add_argument("--kills", type=int, default=16, help="kills per run")
    options = parser.parse_args()
    broken = False
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory(prefix="campaigns-storm-") as folder:
            findings, took_s = Storm(seed, Path(folder), options.kills).run()
        broken = broken or not findings.kept
        print(  # noqa: T201 (a command)
            f"seed {seed}: {options.kills} kills, {findings.recipients} recipients, {findings.settled} settled, "
            f"{findings.held} held, {findings.rejected} rejected, doubles {len(findings.doubles)}, "
            f"lost {len(findings.lost)}, unbalanced {len(findings.unbalanced)}, gaps {len(findings.gaps)}, "
            f"leaks {len(findings.leaks)}, {took_s:.0f} s",
            flush=True,
        )
        for line in [*findings.doubles, *findings.lost, *findings.unbalanced, *findings.gaps, *findings.leaks][:10]:
            print(f"  {line}")  # noqa: T201
    sys.exit(broken)


if __name__ == "__main__":
    main()
