"""The peers' workers on two cores, and what they reach.

Each has two processes, and as many requests under way in each as its latency asks for. `tuning` shows what other
numbers would reach.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from redis import Redis

from tests.benchmarks.procfile import until
from tests.benchmarks.sink import counts
from tests.support.processes import ROOT, Process

_PACKAGE = "tests.benchmarks.singles.peers"
_PATIENCE_S = 120.0
#: Where the packages of the peers are locked.
LOCK = "deploy/requirements-peers.txt"
#: The workers' commands, each behind `python -m`, for so many requests under way in each of two processes.
Commands = Callable[[int], Sequence[str]]


@dataclass(frozen=True)
class Peer:
    """A task queue: the module of its application, and the package that it needs.

    `under_way`: requests under way in each of its processes, by the gateway's latency in seconds.
    """

    name: str
    module: str
    needs: str
    commands: Commands
    under_way: Mapping[float, int]

    @property
    def installed(self) -> bool:
        return find_spec(self.needs) is not None


def _celery(pool: str) -> Commands:
    def commands(under_way: int) -> list[str]:
        how = f"--pool {pool} --concurrency {under_way} --loglevel WARNING --without-mingle --without-gossip"
        worker = f"celery --quiet --app {_PACKAGE}.of_celery worker {how}"
        return [f"{worker} --hostname {name}@%h" for name in ("a", "b")]

    return commands


def _dramatiq(under_way: int) -> list[str]:
    return [f"dramatiq {_PACKAGE}.of_dramatiq --processes 2 --threads {under_way}"]


def _huey(under_way: int) -> list[str]:
    consumer = f"huey.bin.huey_consumer {_PACKAGE}.of_huey.huey --quiet --worker-type thread --workers {under_way}"
    return [consumer, f"{consumer} --no-periodic"]


def _taskiq(under_way: int) -> list[str]:
    how = f"--workers 2 --max-async-tasks {under_way} --max-prefetch {under_way} --log-level WARNING"
    return [f"taskiq worker {how} {_PACKAGE}.of_taskiq:broker"]


PEERS = (
    Peer("celery, threads", "of_celery", "celery", _celery("threads"), {0.0: 8, 0.05: 32, 0.3: 128}),
    Peer("celery, gevent", "of_celery", "gevent", _celery("gevent"), {0.0: 16, 0.05: 64, 0.3: 256}),
    Peer("dramatiq", "of_dramatiq", "dramatiq", _dramatiq, {0.0: 8, 0.05: 32, 0.3: 128}),
    Peer("huey", "of_huey", "huey", _huey, {0.0: 8, 0.05: 32, 0.3: 128}),
    Peer("taskiq", "of_taskiq", "taskiq_redis", _taskiq, {0.0: 64, 0.05: 128, 0.3: 512}),
)


class Contest:
    """Workers of one peer. Phones are used once, so that a contest may be run many times."""

    def __init__(self, peer: Peer, env: Mapping[str, str], gateway_url: str) -> None:
        self._module = f"{_PACKAGE}.{peer.module}"
        self._env = env
        self._gateway_url = gateway_url
        self._next = 0

    def end_to_end_s(self, number: int) -> float:
        """From the first message enqueued to the last answer of the gateway."""
        before = counts(self._gateway_url)["phones"]
        began_s, _ = self.enqueue(number)
        until(lambda: counts(self._gateway_url)["phones"] == before + number, _PATIENCE_S, 0.02)
        return counts(self._gateway_url)["answered_s"] - began_s

    def enqueue(self, number: int) -> tuple[float, float]:
        """Enqueue in a process of its own. When it began and ended, in seconds of the monotonic clock."""
        first, self._next = self._next, self._next + number
        command = [sys.executable, "-m", f"{_PACKAGE}.producing", self._module, str(first), str(number)]
        ended = subprocess.run(command, cwd=ROOT, env=dict(self._env), check=True, capture_output=True, text=True)
        began_s, done_s = map(float, ended.stdout.split())
        return began_s, done_s

    def twice(self) -> int:
        """Messages that were sent more than once."""
        found = counts(self._gateway_url)
        return round(found["quick"] - found["phones"])


@contextmanager
def contest(peer: Peer, under_way: int, redis_url: str, gateway_url: str, folder: Path) -> Iterator[Contest]:
    """A contest whose workers have sent a first message."""
    env = {**os.environ, "PEER_REDIS": redis_url, "PEER_GATEWAY": gateway_url}
    found = Contest(peer, env, gateway_url)
    with ExitStack() as stack:
        for number, command in enumerate(peer.commands(under_way)):
            name = f"{peer.needs}-{number}"
            worker = Process(name, [sys.executable, "-m", *command.split()], env, folder)
            stack.callback(worker.stop)
        found.end_to_end_s(50)
        yield found
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
