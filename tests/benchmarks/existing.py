"""What campaigns cost that merely exist: a hundred thousand of one message, sent and followed, while none has a poll due."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from campaigns.enqueue_many import enqueue_many
from campaigns.services import Services
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.measure import Measure
from tests.benchmarks.procfile import command_of, cpu_s, environment, running, services_of, until
from tests.benchmarks.sink import sink
from tests.support.jobs import phones, quick_job
from tests.support.processes import Process

_NUMBER, _QUICK_NUMBER = 100_000, 60
_AT_ONCE = 5_000
#: Two sweeps begin in this time.
_WATCHED_S, _QUICK_S = 70.0, 3.0
_SHARE_LIMIT = 0.05
#: Beat ticks every second.
_TICK_LIMIT_S = 2.0


def measure_existing(server: EmbeddedServer, folder: Path, *, quick: bool) -> Iterator[Measure]:
    number, watched_s = (_QUICK_NUMBER, _QUICK_S) if quick else (_NUMBER, _WATCHED_S)
    with sink() as url:
        env = environment(server.url, url, "existing:", rate_limit="off", poll_min_s="86400")
        services = services_of(env)
        senders = {name: command_of(name) for name in ("quick", "control", "beat")}
        with running(senders, env, folder):
            _sent(services, number)
        with running({name: command_of(name) for name in ("control", "beat")}, env, folder) as processes:
            time.sleep(_QUICK_S)
            share, longest_s = _watched(services, processes, watched_s)
        active = services.store.ask(Redis.scard, services.store.keys.active())
    if active != number:
        raise RuntimeError(f"{active} campaigns are active, and {number} should be")
    yield Measure(
        f"{active:,} active campaigns: dispatch and sweep, with the store", share, "of a core", limit=_SHARE_LIMIT
    )
    yield Measure(f"{active:,} active campaigns: longest time between ticks", longest_s, "s", limit=_TICK_LIMIT_S)
    services.store.redis.flushall()


def _sent(services: Services, number: int) -> None:
    to = phones(number)
    for first in range(0, number, _AT_ONCE):
        enqueue_many(services, [quick_job(phone) for phone in to[first : first + _AT_ONCE]])
    field = "batches|sending|accepted"
    accounts = services.store.keys.metrics("default")
    until(lambda: int(services.store.ask(Redis.hget, accounts, field) or 0) >= number, 1_800, 0.5)


def _watched(services: Services, processes: Mapping[str, Process], seconds: float) -> tuple[float, float]:
    """The share of a core that the processes and the server took, and the longest time between two ticks (s)."""
    redis, heartbeat = services.store.redis, services.store.keys.heartbeat("dispatch")
    ticks, ends_s = list[int](), time.monotonic() + seconds
    before_s, began_s = _cpu_s(services, processes), time.monotonic()
    while time.monotonic() < ends_s:
        tick = int(redis.get(heartbeat) or 0)
        if not ticks or ticks[-1] != tick:
            ticks.append(tick)
        time.sleep(0.1)
    share = (_cpu_s(services, processes) - before_s) / (time.monotonic() - began_s)
    return share, max(later - earlier for earlier, later in itertools.pairwise(ticks)) / 1000


def _cpu_s(services: Services, processes: Mapping[str, Process]) -> float:
    used = services.store.redis.info("cpu")
    return sum(map(cpu_s, processes.values())) + float(used["used_cpu_user"]) + float(used["used_cpu_sys"])
