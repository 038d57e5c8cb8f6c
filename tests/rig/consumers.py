"""Consumers that are killed with kill -9 in mid batch, again and again: every event arrives.

`python -m tests.rig.consumers --crashes 1000`. Children are forked from one process that has imported everything
and has no threads, so that a crash costs milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from campaigns.enqueue import enqueue
from campaigns.events import Consumer, Event, Events, single_changes
from campaigns.ledger import Batch
from campaigns.ledger.states import ACCEPTED
from campaigns.results import Deliveries
from campaigns.results.changes import Change
from campaigns.settings import Secret, Settings
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support.jobs import bulk_job, phones

_GROUP = "crm"
_PREFIX = "consumers:"
_AT_ONCE = 3
_IDLE_MS = 40
_PHONES = 100


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `written`: single events that the stream holds; `repeated`: those that came again."""

    crashes: int
    written: int
    lost: int
    doubled: int
    repeated: int
    dead: int


def run(url: str, folder: Path, crashes: int, seed: int) -> Outcome:
    """Write events and kill consumers, until there were so many crashes; then let one consumer come to the end."""
    random, killed = Random(seed), 0
    settings = Settings(redis_url=url, key_prefix=_PREFIX, accounts={"default": Secret("t")})
    services = build_services(settings, ring=lambda *_: True)
    campaign = enqueue(services, bulk_job(phones(_PHONES)))
    batch = services.batches.read(f"{campaign.id}-0")
    # What is followed has been accepted; of anything else intake writes nothing.
    services.store.ask(Redis.hset, services.store.keys.batch(batch.id), "state", ACCEPTED)
    children: list[int] = []
    while killed < crashes:
        _write_events(services.deliveries, services.batches.read(batch.id), random)
        while len(children) < _AT_ONCE:
            children.append(_fork_consumer(url, folder / f"{len(children)}-{killed}"))
        time.sleep(random.uniform(0.0, 0.12))
        victim = children.pop(random.randrange(len(children)))
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        killed += 1
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    time.sleep(3 * _IDLE_MS / 1000)
    last = folder / "last"
    _consume(url, last, idle_s=1.0)
    return _judged(services.events, folder, killed, services.store)


def _write_events(deliveries: Deliveries, batch: Batch, random: Random) -> None:
    """Some hundred single changes in a few entries, as polling makes them."""
    number = random.randrange(1 << 30)
    changes = [Change(phone, f"S{number}", number, n, 0, before="") for n, phone in enumerate(phones(_PHONES))]
    assert deliveries.write(batch, 0, changes, batch.fields["v"], seen_ms=0) is not None


def _fork_consumer(url: str, path: Path) -> int:
    child = os.fork()
    if child:
        return child
    with contextlib.suppress(BaseException):
        _consume(url, path, idle_s=None)
    os._exit(1)


def _consume(url: str, path: Path, idle_s: float | None) -> None:
    """Write down each event before the next one is asked for."""
    store = Store(connect(Settings(redis_url=url)), Keys(_PREFIX))
    consumer = Consumer(store, _GROUP, claim_idle_ms=_IDLE_MS, max_deliveries=1_000_000, batch=8)
    consumer.create_group()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for event in consumer.events(idle_s=idle_s):
        os.write(descriptor, f"{event.id} {_fact(event)}\n".encode())
        if idle_s is None:
            # As long as work takes, so that most are killed in the midst of it.
            time.sleep(0.0003)
    os.close(descriptor)


def _fact(event: Event) -> str:
    return f"{event.data.get('phone', '-')}/{event.data.get('status', '-')}/{event.type}"


def _judged(events: Events, folder: Path, crashes: int, store: Store) -> Outcome:
    got: Counter[str] = Counter()
    facts: dict[str, set[str]] = {}
    for path in folder.iterdir():
        for line in path.read_text("utf-8").splitlines():
            event_id, _, fact = line.partition(" ")
            got[event_id] += 1
            facts.setdefault(event_id, set()).add(fact)
    wanted = {single.id: _fact(single) for event in events.since() for single in single_changes(event)}
    arrivals = Counter(fact for found in facts.values() for fact in found)
    return Outcome(
        crashes=crashes,
        written=len(wanted),
        lost=sum(event_id not in got for event_id in wanted),
        doubled=sum(number - 1 for fact, number in arrivals.items() if fact.endswith("/delivery.changed")),
        repeated=sum(number - 1 for number in got.values()),
        dead=int(store.ask(Redis.xlen, store.keys.dead_letters(_GROUP))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.rig.consumers", description="Kill consumers; count what was lost.")
    parser.add_argument("--crashes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started_s = time.monotonic()
    with EmbeddedServer() as server, tempfile.TemporaryDirectory(prefix="campaigns-consumers-") as folder:
        found = run(server.url, Path(folder), options.crashes, options.seed)
    print(f"{found}, {time.monotonic() - started_s:.0f} s")  # noqa: T201 (a command)
    sys.exit(bool(found.lost or found.doubled or found.dead))


if __name__ == "__main__":
    main()
