"""A store that fails over under real Sentinels, while real workers send against a gateway that fails.

`python -m tests.rig.failovers --seeds 3 --lag 0.5 --replicas 1 --failovers 4` prints a line per seed and ends with 1 if
the promise was broken. `--wait N` is `CAMPAIGNS_REPLICAS`. Recipients answer, and some want no more: no answer and no opt-out
may be lost. With 0 campaigns, answers and opt-outs of the last moment may be lost, and are counted; what a failover holds
up must be listed. `--lag 2` lets replicas be up to two seconds behind, another lag for each failover. What happens:

- `kill`: the primary is killed, and what it had still to replicate is lost.
- `together`: the same, and a worker's machine dies with it, so that no process knows what was claimed.
- `freeze`: the primary is frozen, and comes back beside its successor as a second primary.
- `split`: Sentinels, replicas and most workers lose sight of the primary for `--split` seconds; one worker does not (not with `--wait 0`).

`--mutant` harms all processes with one mistake about this; the run has to see it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from random import Random

from campaigns.enqueue import enqueue
from campaigns.errors import StoreError
from campaigns.events import Consumer
from campaigns.flow.operator.recover import held_up
from campaigns.ledger.states import HELD, OVER
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.rig.answering import Answers
from tests.rig.mutants import OF_FAILOVERS
from tests.rig.oracle import Findings, Wanted, judge, judge_group, judge_limits
from tests.rig.storm import SETTINGS
from tests.rig.weather import order_faults
from tests.rig.workers import Treatment
from tests.support.failover import Wire, port_of
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.processes import Process
from tests.support.sentinels import Fleet, until
from tests.support.tls import CERTIFICATE

_PATIENCE_S = 240.0
#: Where nothing waits for replicas, or a mutant does not, most of it is in doubt at the end, and the checks of the
#: listing take many requests.
_PATIENCE_IN_DOUBT_S = 900.0
_ACTS = ("kill", "freeze", "together", "split")
#: Two primaries of which neither waits for replicas both send: only CAMPAIGNS_REPLICAS helps against that.
_WITHOUT_SPLIT = _ACTS[:3]
_PREFIX = "failovers:"
_PASSWORD = "fleet-pw"


class Failovers:
    """One run with one seed."""

    def __init__(
        self, seed: int, folder: Path, *, failovers: int, lag_s: float = 0.0, replicas: int = 1, wait: int = 1,
        faults: bool = True, recipients: int = 200, acts: Sequence[str] = (), split_s: float = 10.0, mutant: str = "",
    ) -> None:  # fmt: skip
        self.seed = seed
        self.random = Random(seed)
        self.folder = folder
        self.failovers = failovers
        self.lag_s = lag_s
        self.replicas = replicas
        self.wait = wait
        self.faults = faults
        self.recipients = recipients
        self.acts = acts or (_ACTS if wait else _WITHOUT_SPLIT)
        self.in_turn = bool(acts)
        self.split_s = split_s
        self.mutant = mutant
        self.done: Counter[str] = Counter()
        self._workers: list[Process] = []
        self._victims: list[Process] = []
        self.promoted_s: list[float] = []
        self.taken_again_s: list[float] = []

    def run(self) -> Findings:
        with (
            Fleet(replicas=self.replicas, password=_PASSWORD) as fleet,
            Sandbox(options=Options(speed=200, balance="100000")) as sandbox,
            OF_FAILOVERS[self.mutant]() if self.mutant else nullcontext(),
            closing(Wire(port_of(fleet.primary()))) as aside,
        ):
            treatment = Treatment(str(CERTIFICATE), mutant=self.mutant).as_environment()
            own = {"CAMPAIGNS_REPLICAS": str(self.wait), "CAMPAIGNS_OPTOUT_WORDS": "stop"}
            env = {**environment(fleet.url, sandbox.url, _PREFIX), **SETTINGS, **treatment, **own}
            processes = Processes(self.folder, env, app="tests.rig.workers")
            try:
                return self._run(fleet, sandbox, processes, aside)
            finally:
                processes.end()

    def _run(self, fleet: Fleet, sandbox: Sandbox, processes: Processes, aside: Wire) -> Findings:
        own = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
        services = build_services(Settings.from_env(own))
        consumer = Consumer(services.store, "archive")
        consumer.create_group()  # it reads nothing until the end: that keeps events from being trimmed
        self._start(processes, aside)
        if self.faults:
            order_faults(sandbox, self.random)
        sandbox.fault("slow", "sendBulkViber", times=None, delay_s=0.3)
        campaigns = [self._wanted("bulk", 0, services), self._wanted("quick", 5000, services)]
        answers = Answers("bulk", self.random, sandbox)
        for number in range(self.failovers):
            for front in fleet.fronts:
                front.lag_s = self.random.uniform(0.0, self.lag_s)
            campaigns.append(self._slow(number, services))
            answers.give(number)
            time.sleep(self.random.uniform(0.3, 1.5))
            self._fail_over(fleet, processes, aside)
            campaigns.append(self._first_taken(number, services))
            until(fleet.linked, 60)
        sandbox.clear_faults()
        for front in fleet.fronts:
            front.lag_s = 0.0
        vanished: list[Wanted] = []
        if not self.wait:  # nothing promises that a campaign of the last moment outlives the primary
            vanished = [one for one in campaigns if not services.campaigns.exists(one.campaign.id)]
            self.done["campaigns lost"] = len(vanished)
        campaigns = [one for one in campaigns if one not in vanished]
        self._until_over(campaigns)
        ended = [process.name for process in processes.all() if not process.alive() and process not in self._victims]
        assert ended == [], "nothing may end because the store failed over"
        findings = judge(services, campaigns, sandbox, vanished=vanished)
        if campaigns[0].text == "bulk":
            lost = answers.lost(campaigns[0].campaign, services, _PATIENCE_S)
            self.done["answers"] = len(answers.expected)
            if self.wait:
                findings.lost += lost
            else:
                self.done["answers and opt-outs lost"] = len(lost)
        if not self.wait:
            findings.lost += self._unlisted(campaigns, services)
        else:
            # What waits for replicas is not lost, so no change of primary puts anything in doubt.
            changes = [event.data for event in services.events.since() if event.type == "store.changed"]
            findings.doubted += [str(change["reason"]) for change in changes if change["doubt"]]
        judge_group(services.events, consumer, findings)
        judge_limits(sandbox, services.settings.rate_limit, services.settings.concurrency, findings)
        return findings

    def _start(self, processes: Processes, aside: Wire) -> None:
        """Two workers and beat that ask the Sentinels; one worker that has the primary's address, and does not move."""
        self._workers = [processes.worker(), processes.worker()]
        processes.beat()
        direct = f"redis://:{_PASSWORD}@127.0.0.1:{aside.port}/0"
        processes.worker(env={**processes.env, "CAMPAIGNS_REDIS_URL": direct})

    def _slow(self, number: int, services: Services) -> Wanted:
        """A campaign that has something to send for ten seconds: in each failover something is under way."""
        text, rows = f"slow {number}", phones(50, start=8000 + 50 * number)
        job = {**bulk_job(rows, text=text), "name": text, "rate": "5/second"}
        return Wanted(enqueue(services, job), text, rows)

    def _wanted(self, text: str, start: int, services: Services) -> Wanted:
        rows = phones(self.recipients if text != "quick" else 10, start=start)
        job = quick_job(*rows, message=text) if text == "quick" else bulk_job(rows, text=text)
        return Wanted(enqueue(services, {**job, "name": text}), text, rows)

    def _fail_over(self, fleet: Fleet, processes: Processes, aside: Wire) -> None:
        began_s, old = time.monotonic(), fleet.primary()
        act = self.acts[sum(self.done.values()) % len(self.acts)] if self.in_turn else self.random.choice(self.acts)
        self.done[act] += 1
        if act == "freeze":
            fleet.freeze(old)
        elif act == "split":
            fleet.front(old).isolate()
        else:
            self._kill(fleet, old, processes, with_worker=act == "together")
        until(lambda: fleet.promoted(old), 60)
        self.promoted_s.append(time.monotonic() - began_s)
        if act == "freeze":
            fleet.thaw(old)
        elif act == "split":
            time.sleep(self.split_s)
            fleet.front(old).join()
        else:
            old.restart()
        if act == "together":
            self._workers.append(processes.worker())
        aside.point_to(port_of(fleet.primary()))

    def _kill(self, fleet: Fleet, old: EmbeddedServer, processes: Processes, *, with_worker: bool) -> None:
        if with_worker:
            victim = self._workers.pop(0)
            victim.kill9()
            self._victims.append(victim)
        old.kill()
        fleet.front(old).lose()

    def _unlisted(self, campaigns: list[Wanted], services: Services) -> list[str]:
        """Batches that a failover holds up and that `campaigns recover` does not list."""
        listed = {batch.id for batch in held_up(services)}
        ids = [batch_id for one in campaigns for batch_id in services.campaigns.read(one.campaign.id).batch_ids()]
        held = [batch for batch in services.batches.read_many(ids) if batch.state == HELD and batch.claim_lost]
        self.done["held up"] = sum(batch.recipients for batch in held)
        return [f"{batch.id} is held up and not listed" for batch in held if batch.id not in listed]

    def _first_taken(self, number: int, services: Services) -> Wanted:
        """A campaign that is handed in again, under one key, until the store takes it: never with another error."""
        began_s, text, rows = time.monotonic(), f"after {number}", phones(5, start=6000 + 10 * number)
        while True:
            try:
                campaign = enqueue(services, {**bulk_job(rows, text=text), "name": text}, key=text)
            except StoreError:
                assert time.monotonic() - began_s < 60, "the store takes nothing"
            else:
                self.taken_again_s.append(time.monotonic() - began_s)
                return Wanted(campaign, text, rows)

    def _until_over(self, campaigns: list[Wanted]) -> None:
        end_s = time.monotonic() + (_PATIENCE_S if self.wait and not self.mutant else _PATIENCE_IN_DOUBT_S)
        while not all(one.campaign.status().state in OVER for one in campaigns):
            if time.monotonic() > end_s:
                still_open = [
                    (one.text, one.campaign.status().state, one.campaign.status().recipients) for one in campaigns
                ]
                raise TimeoutError(f"not finished: {still_open}")
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--failovers", type=int, default=4)
    parser.add_argument("--lag", type=float, default=0.5, help="seconds by which replicas are behind at most")
    parser.add_argument("--split", type=float, default=10.0, help="seconds that a split lasts")
    parser.add_argument(
        "--acts", nargs="+", choices=_ACTS, default=[], help="what happens, in turn; otherwise by chance"
    )
    parser.add_argument("--mutant", choices=sorted(OF_FAILOVERS), default="", help="harm all processes with a mistake")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--wait", type=int, default=1, help="CAMPAIGNS_REPLICAS")
    options = parser.parse_args()
    kept = True
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory(prefix="campaigns-failovers-") as folder:
            run = Failovers(
                seed, Path(folder), failovers=options.failovers, lag_s=options.lag, replicas=options.replicas,
                wait=options.wait, acts=options.acts, split_s=options.split, mutant=options.mutant,
            )  # fmt: skip
            kept = _line(run) and kept
    sys.exit(0 if kept else 1)


def _line(run: Failovers) -> bool:
    """Run it, and say what came of it. Whether the promise was kept."""
    began_s = time.monotonic()
    try:
        found = run.run()
    except Exception as error:  # noqa: BLE001 (the seeds that follow run all the same)
        _say(f"seed {run.seed}: {dict(run.done)}, not judged: {type(error).__name__}: {error}")
        return False
    findings = ", ".join(f"{kind} {len(lines)}" for kind, lines in found.wrong().items())
    _say(f"seed {run.seed}: {dict(run.done)}, recipients {found.recipients}, {HELD} {found.held}; {findings}")
    took_s = time.monotonic() - began_s
    promoted_s, again_s = max(run.promoted_s), max(run.taken_again_s)
    _say(f"  promoted after {promoted_s:.1f} s, enqueue after {again_s:.1f} s more; {took_s:.0f} s in all")
    for lines in found.wrong().values():
        for line in lines[:5]:
            _say(f"  {line}")
    return found.kept


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
