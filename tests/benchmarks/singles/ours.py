"""Single messages through the project: real worker processes, from the first `enqueue` to the last recorded answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns.enqueue import enqueue
from campaigns.enqueue_many import enqueue_many
from campaigns.services import Services
from tests.benchmarks.procfile import command_of, environment, running, services_of, until
from tests.support.jobs import quick_job
from tests.support.processes import Process

#: The account takes whatever comes: what is measured is the machine, not what was agreed with the gateway.
_UNLIMITED = {"rate_limit": "off", "concurrency": "10000"}
_SHIPPED = ("quick", "bulk", "poll", "control", "submissions", "beat")
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Layout:
    """Which processes run, and with which settings."""

    name: str
    commands: Mapping[str, Sequence[str]]
    settings: Mapping[str, str] = field(default_factory=dict)


def shipped() -> Layout:
    """The Procfile as it is."""
    return Layout("the Procfile", {name: command_of(name) for name in _SHIPPED})


def fastest() -> Layout:
    """What sends single messages fastest on two cores: few processes, each with many requests under way."""
    commands = {
        "quick": command_of("quick", "--concurrency", "2"),
        "poll": command_of("poll", "--concurrency", "1"),
        "control": command_of("control", "--concurrency", "1"),
        "beat": command_of("beat"),
    }
    return Layout("best settings", commands, {"overlap": "64"})


class Scene:
    """Workers that run, and a producer beside them. Phones are used once, so that a scene may be run many times."""

    def __init__(self, services: Services, processes: Mapping[str, Process]) -> None:
        self.services = services
        self.processes = processes
        self._next = 0

    def jobs(self, number: int, *, followed: bool = False) -> list[dict[str, Any]]:
        """Single messages to phones that had none yet."""
        first, self._next = self._next, self._next + number
        asked = {} if followed else {"follow": "none", "replies": False}
        return [quick_job(f"37529{n:07d}", **asked) for n in range(first, first + number)]

    def end_to_end_s(self, number: int, *, many: bool = False, threads: int = 1, followed: bool = False) -> float:
        """From the first `enqueue` to the last recorded answer. `many`: by `enqueue_many` at once; `threads` share the
        jobs otherwise."""
        jobs, before = self.jobs(number, followed=followed), self.recorded()
        started = time.perf_counter()
        hand_in(self.services, jobs, many=many, threads=threads)
        until(lambda: self.recorded() == before + number, _PATIENCE_S, 0.01)
        return time.perf_counter() - started

    def recorded(self) -> int:
        """How many messages are recorded as accepted by the gateway."""
        return self._moved("sending", "accepted")

    def settled(self) -> int:
        """How many messages are no longer followed."""
        return self._moved("accepted", "settled")

    def _moved(self, begin: str, end: str) -> int:
        store = self.services.store
        return int(store.redis.hget(store.keys.metrics("default"), f"batches|{begin}|{end}") or 0)


def hand_in(services: Services, jobs: Sequence[dict[str, Any]], *, many: bool, threads: int = 1) -> None:
    """Enqueue each by itself, or `many` at once. Threads share the jobs."""
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda first: hand_in(services, jobs[first::threads], many=many), range(threads)))
        return
    if not many:
        for job in jobs:
            enqueue(services, job)
        return
    failed = [one.error for one in enqueue_many(services, jobs) if one.error]
    assert not failed, failed[0]


def producer(redis_url: str, prefix: str) -> Services:
    """For a producer alone, whose bells no worker answers; the first rings, and those after it find that it rang."""
    return services_of(environment(redis_url, "http://127.0.0.1:1", prefix, **_UNLIMITED))


@contextmanager
def scene(layout: Layout, redis_url: str, gateway_url: str, folder: Path) -> Iterator[Scene]:
    """A scene whose workers are ready and have sent a first message."""
    env = environment(redis_url, gateway_url, "singles:", **{**_UNLIMITED, **layout.settings})
    with running(layout.commands, env, folder) as processes:
        found = Scene(services_of(env), processes)
        found.end_to_end_s(20)
        yield found


def rate_of_enqueueing(services: Services, jobs: Sequence[dict[str, Any]], *, many: bool, threads: int = 1) -> float:
    """Messages a second that one producer stores, whose threads share the jobs."""
    started = time.perf_counter()
    hand_in(services, jobs, many=many, threads=threads)
    return len(jobs) / (time.perf_counter() - started)
