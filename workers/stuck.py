"""Kills a process of the pool whose turn never ends: it would block its place in the worker for ever."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterable
from typing import Any, Final

from campaigns.names import WORK
from campaigns.times.steady import boot_clock

log = logging.getLogger(__name__)

#: Longer than any turn may last, with all its requests and a store that is started anew; as `lua/include/turns.lua`.
LONGEST_S: Final = 600.0


class Stuck:
    """Remembers when it first saw each turn. Batches of a killed process are in doubt once their lease ends."""

    def __init__(self, *, boot_s: Callable[[], float] = boot_clock) -> None:
        self._boot_s = boot_s
        self._seen_s: dict[str, float] = {}

    def end(self, requests: Iterable[Any]) -> list[int]:
        """Kill the processes of those of Celery's `requests` that take too long. Returns their ids.

        Celery starts another process in the place of each, and gives its message back to the queue.
        """
        now_s = self._boot_s()
        turns = {str(request.id): request.worker_pid for request in requests if request.name == WORK}
        self._seen_s = {turn: self._seen_s.get(turn, now_s) for turn in turns}
        # In a pool of threads or of greenlets the process is this one, which a supervisor would have to end.
        late = {
            turns[turn]
            for turn, since_s in self._seen_s.items()
            if now_s - since_s > LONGEST_S and turns[turn] not in {None, os.getpid()}
        }
        for pid in late:
            log.error("process_stuck", extra={"child": pid, "after_ms": round(LONGEST_S * 1000)})
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return sorted(late)
