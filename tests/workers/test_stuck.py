"""Processes of the pool that never return."""

from __future__ import annotations

import os
import signal
import subprocess
from types import SimpleNamespace

import pytest

from campaigns.names import SUBMIT, WORK
from workers.stuck import LONGEST_S, Stuck


@pytest.mark.parametrize(
    ("task", "age_s", "own", "ended"),
    [
        (WORK, LONGEST_S + 1, False, True),
        (WORK, LONGEST_S - 1, False, False),
        (SUBMIT, LONGEST_S + 1, False, False),
        (WORK, LONGEST_S + 1, True, False),
    ],
    ids=["for too long", "not too long yet", "a large submission", "a pool of threads"],
)
def test_only_a_turn_that_never_ends_is_killed(task: str, age_s: float, own: bool, ended: bool) -> None:
    now_s = 0.0
    stuck = Stuck(boot_s=lambda: now_s)
    with subprocess.Popen(["sleep", "60"]) as child:
        pid = os.getpid() if own else child.pid
        requests = [SimpleNamespace(id="1", name=task, worker_pid=pid)]
        assert stuck.end(requests) == []
        now_s = age_s
        assert stuck.end([SimpleNamespace(id="2", name=task, worker_pid=pid)]) == []  # another turn of the same process
        now_s = 2 * age_s
        assert stuck.end(requests) == []  # it was seen to have come back
        now_s = 3 * age_s
        assert stuck.end(requests) == ([pid] if ended else [])
        if ended:
            assert child.wait(10) == -signal.SIGKILL
        child.kill()
