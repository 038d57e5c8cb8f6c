"""What is done to processes and to their store while they work. Everything is decided by a seeded Random."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil
from redis import Redis
from redis.exceptions import RedisError

from campaigns.store.embedded import EmbeddedServer
from tests.rig.proxy import Proxy
from tests.support.processes import Process

#: kill -9, by how often each happens.
KILLS = {"child": 5, "main": 2, "tree": 3, "beat": 2, "server": 2}
#: What else happens, between about two of five kills.
OTHERS = {"freeze": 3, "terminate": 2, "cut off": 2, "half open": 1, "full": 1, "disk": 1}
_OTHER_PROBABILITY = 0.4


class Harm:
    """`worker` and `beat` start one more of their kind, `workers` of the first at once; `freeze_s` is longer than a
    lease."""

    def __init__(
        self,
        random: Random,
        server: EmbeddedServer,
        proxy: Proxy,
        *,
        worker: Callable[[], Process],
        beat: Callable[[], Process] | None,
        freeze_s: float,
        workers: int = 2,
    ) -> None:
        self.random = random
        self.done: Counter[str] = Counter()
        self._server = server
        self._proxy = proxy
        self._groups: list[int] = []
        self._start = worker
        self._beat = beat
        self._freeze_s = freeze_s
        self._workers = [self._worker() for _ in range(workers)]
        self._beats = [beat() for _ in range(2)] if beat else []
        self._leaving: list[threading.Thread] = []

    def _worker(self) -> Process:
        worker = self._start()
        self._groups.append(worker.pid)
        return worker

    def rage(self, kills: int, only: str = "") -> None:
        """So many kill -9, and other things between them; or so often nothing but `only`."""
        acts: dict[str, Callable[[], None]] = {
            "child": self._kill_child,
            "main": lambda: self._replace(lambda worker: os.kill(worker.pid, signal.SIGKILL)),
            "tree": lambda: self._replace(Process.kill9),
            "beat": self._kill_beat,
            "server": self._kill_server,
            "freeze": self._freeze,
            "terminate": lambda: self._replace(lambda worker: os.kill(worker.pid, signal.SIGTERM)),
            "cut off": lambda: self._tell_server("CLIENT", "KILL", "TYPE", "normal"),
            "half open": lambda: self._count(self._proxy.go_half_open()),
            "full": self._fill_server,
            "disk": self._fill_disk,
        }
        for _ in range(kills):
            self._pause()
            self._do(acts, only or self._choice(KILLS))
            if not only and self.random.random() < _OTHER_PROBABILITY:
                self._pause()
                self._do(acts, self._choice(OTHERS))

    def calm(self) -> None:
        """Let everything that was frozen or is on its way out come to its end."""
        for thread in self._leaving:
            thread.join()
        self._tell_server("CONFIG", "SET", "maxmemory", "0")
        self.supervise()

    def thaw(self) -> None:
        """Let every process go on that stands still, orphans of dead workers among them."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)

    def stop_writing(self) -> None:
        """From now on the server writes nothing down: after its next kill it is the one of this moment."""
        self._tell_server("CONFIG", "SET", "appendonly", "no")

    def supervise(self) -> None:
        """Start again what ended by itself, as systemd would: Celery's worker ends when its broker is full."""
        for processes, start in ((self._workers, self._worker), (self._beats, self._beat)):
            for ended in [process for process in processes if not process.alive()]:
                self.done["ended by itself"] += 1
                processes.remove(ended)
                if start is not None:
                    processes.append(start())

    def _do(self, acts: dict[str, Callable[[], None]], name: str) -> None:
        self.done[name] += 1
        acts[name]()

    def _choice(self, weights: dict[str, int]) -> str:
        names = [name for name in weights if name != "beat" or self._beats]
        return self.random.choices(names, [weights[name] for name in names])[0]

    def _pause(self) -> None:
        time.sleep(self.random.uniform(0.1, 1.2))
        self.supervise()

    def _count(self, number: int) -> None:
        self.done["lines gone half open"] += number

    def _kill_child(self) -> None:
        worker = self.random.choice(self._workers)
        chance = self.random.random()
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(worker.pid).children()
            if children:
                children[int(chance * len(children))].kill()

    def _replace(self, end: Callable[[Process], None]) -> None:
        """A new worker beside the others, then the end of one of those: as in a rolling restart."""
        victim = self._workers.pop(self.random.randrange(len(self._workers)))
        self._workers.append(self._worker())
        with contextlib.suppress(ProcessLookupError):
            end(victim)

    def _kill_beat(self) -> None:
        if self._beat is not None:
            self._beats.pop(0).kill9()
            self._beats.append(self._beat())

    def _kill_server(self) -> None:
        self._server.kill()
        time.sleep(self.random.uniform(0.0, 1.0))
        self._server.restart()

    def _freeze(self) -> None:
        """Stop a worker with all its children for longer than a lease; it thaws while others work."""
        worker = self.random.choice(self._workers)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGSTOP)

        def thaw() -> None:
            time.sleep(self._freeze_s)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGCONT)

        self._leaving.append(threading.Thread(target=thaw))
        self._leaving[-1].start()

    def _fill_server(self) -> None:
        """Out of memory under noeviction: every write is refused for a while."""
        self._tell_server("CONFIG", "SET", "maxmemory", "1mb")
        time.sleep(self.random.uniform(0.5, 2.0))
        self._tell_server("CONFIG", "SET", "maxmemory", "0")

    def _fill_disk(self) -> None:
        """Not a byte more fits: under appendfsync always the server ends, in the middle of a write; then there is room."""
        with contextlib.suppress(RedisError), Redis.from_url(self._server.url) as redis:
            folder = Path(redis.config_get("dir")["dir"])
            size = max(path.stat().st_size for path in folder.rglob("*.aof"))
            psutil.Process(self._server.pid).rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))
        time.sleep(self.random.uniform(1.0, 3.0))
        self._server.kill()
        self._server.restart()

    def _tell_server(self, *command: str) -> None:
        with contextlib.suppress(RedisError), Redis.from_url(self._server.url) as redis:
            redis.execute_command(*command)
